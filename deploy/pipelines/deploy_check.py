#!/usr/bin/env python3
r"""Run a Prefect deployment from a pipeline, wait for it, and pass its verdict on.

Needs Python 3.9 and nothing else. The server is found as Prefect's own clients find
it: PREFECT_API_URL, and PREFECT_API_KEY or PREFECT_API_AUTH_STRING.

  deploy_check.py deploy-check/pipeline --idempotency-key "$PIPELINE_ID" \
      --parameters '{"capture": {"zone_id": "…", "duration_s": 120}}'

A pipeline that runs the step again with the same key finds the same run; one that is
cancelled cancels the run, which commits what it received and frees the zone.

exit  means
  0   pass: no worse than before
  2   wrong usage: unknown deployment, refused parameters
  3   not authorised
  4   the zone was taken and stayed so: nothing was measured
  5   the server could not be reached, the run did not end in time, or it recorded too
      little
 10   worse than before
 11   inconclusive: too few records to tell
  1   the run failed otherwise; its page says why
130   interrupted (SIGINT); 143 (SIGTERM)
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from types import FrameType
from typing import Any, NoReturn

EXIT_CODES = {
    "pass": 0,
    "failed": 1,
    "busy": 4,
    "short": 5,
    "worse": 10,
    "inconclusive": 11,
}
_WRONG, _UNAUTHORISED, _UNREACHED = 2, 3, 5

_VERDICTS = {
    "ZoneBusy": "busy",
    "Skipped": "busy",
    "FellShort": "short",
    "Worse": "worse",
    "Inconclusive": "inconclusive",
}
_ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
_MOST_PAUSE_S = 16
_REQUEST_TIMEOUT_S = 30


class Refused(Exception):
    """The server said no; trying again cannot help."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"HTTP {status}: {text}")
        self.status = status

    @property
    def exit_code(self) -> int:
        """What the script ends with."""
        return _UNAUTHORISED if self.status in {401, 403} else _WRONG


class Unreached(Exception):
    """The server did not answer, or was not done in time."""


class Interrupted(BaseException):
    """The pipeline was cancelled."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.exit_code = 128 + signal_number


@dataclass(frozen=True)
class Server:
    """A Prefect server's API."""

    url: str
    authorization: str | None
    tries: int = 6

    @classmethod
    def from_environment(cls, tries: int) -> Server:
        """Return the server that Prefect's own variables name."""
        url = os.environ.get("PREFECT_API_URL", "").rstrip("/")
        if urllib.parse.urlsplit(url).scheme not in {"http", "https"}:
            raise Refused(0, "PREFECT_API_URL is no http(s) URL")
        key = os.environ.get("PREFECT_API_KEY")
        basic = os.environ.get("PREFECT_API_AUTH_STRING")
        if key:
            return cls(url, f"Bearer {key}", tries)
        if basic:
            encoded = base64.b64encode(basic.encode()).decode()
            return cls(url, f"Basic {encoded}", tries)
        return cls(url, None, tries)

    def call(self, path: str, body: Any = None) -> tuple[int, Any]:
        """GET, or POST a body; every POST made here may be made twice.

        Raises:
            Refused: The server said no.
            Unreached: It did not answer, however often it was asked.
        """
        for tried in range(self.tries - 1):
            try:
                return self.call_once(path, body)
            except Unreached as exc:
                _say(f"trying again: {exc}")
            time.sleep(min(2**tried, _MOST_PAUSE_S))
        return self.call_once(path, body)

    def call_once(self, path: str, body: Any) -> tuple[int, Any]:
        """Call without trying again; raises as `call`."""
        headers = {"Content-Type": "application/json"}
        if self.authorization:
            headers["Authorization"] = self.authorization
        data = None if body is None else json.dumps(body).encode()
        # The scheme was checked where the URL came in.
        request = urllib.request.Request(f"{self.url}{path}", data, headers)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=_REQUEST_TIMEOUT_S) as reply:  # noqa: S310
                return reply.status, json.loads(reply.read() or b"null")
        except urllib.error.HTTPError as exc:
            text = exc.read().decode("utf-8", "replace")[:500]
            if exc.code >= 500 or exc.code == 429:  # noqa: PLR2004 - it may pass
                raise Unreached(f"HTTP {exc.code}: {text}") from exc
            raise Refused(exc.code, text) from exc
        except (OSError, ValueError) as exc:
            raise Unreached(str(exc)) from exc


@dataclass(frozen=True)
class Verdict:
    """How a run ended, in the pipeline's words."""

    name: str
    state: str
    message: str

    @property
    def exit_code(self) -> int:
        """What the script ends with."""
        return EXIT_CODES[self.name]


def read_verdict(state: dict[str, Any]) -> Verdict:
    """Return the verdict of a run's last state; its name says more than its type."""
    name, message = state["name"], state.get("message") or ""
    otherwise = "pass" if state["type"] == "COMPLETED" else "failed"
    return Verdict(_VERDICTS.get(name, otherwise), name, message)


def start_run(server: Server, options: argparse.Namespace) -> str:
    """Start the run, or find the one that the key started; return its id."""
    name = urllib.parse.quote(options.deployment)
    deployment = server.call(f"/deployments/name/{name}")[1]
    body = {
        "parameters": options.parameters,
        "idempotency_key": options.idempotency_key,
        "tags": options.tag,
    }
    path = f"/deployments/{deployment['id']}/create_flow_run"
    try:
        status, run = server.call(path, body)
    except Interrupted:
        # The server may have heard it already: the key finds the run.
        with contextlib.suppress(Refused, Unreached):
            cancel_run(server, str(server.call_once(path, body)[1]["id"]))
        raise
    found = "started" if status == 201 else "found again"  # noqa: PLR2004 - Created
    _say(f"{found}: {_page(server, run['id'])}")
    return str(run["id"])


def wait_for_run(server: Server, run_id: str, options: argparse.Namespace) -> Verdict:
    """Return the run's verdict once it has ended.

    Raises:
        Unreached: It did not end in time.
    """
    deadline = time.monotonic() + options.timeout
    seen = ""
    while True:
        state = server.call(f"/flow_runs/{run_id}")[1].get("state") or {}
        if state.get("type") in _ENDED:
            return read_verdict(state)
        if state.get("name", "") != seen:
            seen = state["name"]
            _say(f"run is {seen}")
        if time.monotonic() > deadline:
            raise Unreached(f"the run did not end within {options.timeout:g} s")
        time.sleep(options.poll)


def cancel_run(server: Server, run_id: str) -> None:
    """Ask the run to end; it commits what it received and frees the zone."""
    _say(f"cancelling {_page(server, run_id)}")
    with contextlib.suppress(Refused, Unreached):
        body = {"state": {"type": "CANCELLING"}}
        server.call_once(f"/flow_runs/{run_id}/set_state", body)


def read_summary(server: Server, run_id: str) -> str:
    """Return the run's Markdown artifacts, newest last."""
    wanted = {
        "artifacts": {"type": {"any_": ["markdown"]}},
        "flow_runs": {"id": {"any_": [run_id]}},
        "sort": "CREATED_DESC",
    }
    artifacts = server.call("/artifacts/filter", wanted)[1]
    return "\n\n".join(str(one["data"]) for one in reversed(artifacts))


def report(
    server: Server, run_id: str, verdict: Verdict, options: argparse.Namespace
) -> None:
    """Print the verdict; leave outputs and summary where the pipeline wants them."""
    outputs = {
        "verdict": verdict.name,
        "state": verdict.state,
        "flow_run_id": run_id,
        "flow_run_url": _page(server, run_id),
    }
    sys.stdout.write(json.dumps({**outputs, "message": verdict.message}) + "\n")
    if options.output:
        lines = (f"{name}={value}\n" for name, value in outputs.items())
        _append(options.output, "".join(lines))
    if options.summary:
        head = f"**{verdict.name}** · [{verdict.state}]({outputs['flow_run_url']})"
        text = f"{head}\n\n{verdict.message}\n\n{read_summary(server, run_id)}\n"
        _append(options.summary, text)


def run(options: argparse.Namespace) -> int:
    """Start, wait, report; return the exit code."""
    run_id, server = "", Server.from_environment(options.tries)
    try:
        run_id = start_run(server, options)
        verdict = wait_for_run(server, run_id, options)
        report(server, run_id, verdict, options)
    except (Interrupted, Unreached):
        if run_id:
            cancel_run(server, run_id)
        raise
    return 0 if verdict.name in options.accept else verdict.exit_code


def main() -> int:
    """Run the command line."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    options = _parse(sys.argv[1:])
    try:
        return run(options)
    except Interrupted as exc:
        return exc.exit_code
    except Refused as exc:
        _say(f"error: {exc}")
        return exc.exit_code
    except Unreached as exc:
        _say(f"error: {exc}")
        return _UNREACHED


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("deployment", help="flow/deployment, like deploy-check/pipeline")
    add("--parameters", type=_json_object, default={}, help="JSON object")
    add("--idempotency-key", required=True, help="the same key, the same run")
    add("--tag", action="append", default=[], help="tag of the run; repeatable")
    add("--accept", action="append", default=[], choices=EXIT_CODES, help="also 0")
    add("--timeout", type=float, default=3600, help="seconds to wait for the end")
    add("--poll", type=float, default=5, help="seconds between two looks")
    add("--tries", type=int, default=6, help="how often to ask a silent server")
    add("--output", help="append name=value lines to this file")
    add("--summary", help="append the run's Markdown to this file")
    return parser.parse_args(arguments)


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"no JSON: {exc}") from exc
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError('a JSON object, like {"capture": {…}}')
    return value


def _page(server: Server, run_id: str) -> str:
    return f"{server.url.removesuffix('/api')}/runs/flow-run/{run_id}"


def _append(path: str, text: str) -> None:
    with open(path, "a", encoding="utf-8") as file:  # noqa: PTH123 - may be /dev/stdout
        file.write(text)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _interrupt(number: int, _: FrameType | None) -> NoReturn:
    raise Interrupted(number)


if __name__ == "__main__":
    sys.exit(main())
