"""A real Prefect server in a directory of its own, and what is asked of it in tests.

Nothing here imports Prefect: its settings are read at import, and these tests run
several servers from one process.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

__all__ = [
    "PREFECT",
    "PrefectServer",
    "free_port",
    "run_prefect_server",
    "running",
    "wait_for",
]

PREFECT = Path(sys.executable).with_name("prefect")
_START_S = 300.0
_STOP_S = 30.0
_RUN_S = 300.0
_TRIES = 30

_QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_CLI_PROMPT": "false",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}


@dataclass(frozen=True)
class PrefectServer:
    """A running server.

    Attributes:
        api_url: The value of PREFECT_API_URL.
        environment: What a process needs to use it; PATH and HOME are in it.
        log: What the server said.
    """

    api_url: str
    environment: Mapping[str, str]
    log: Path

    def get(self, path: str) -> Any:
        """Return the reply's document."""
        return self._document(self.ask("GET", path))

    def post(self, path: str, **body: Any) -> Any:
        """Return the reply's document."""
        return self._document(self.ask("POST", path, body))

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Return the reply; a server on SQLite that is busy is asked again."""
        url = f"{self.api_url}{path}"
        for _ in range(_TRIES):
            reply = httpx.request(method, url, json=body, timeout=60)
            if reply.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                break
            time.sleep(1)
        return reply

    def run(
        self, *arguments: str, exit_code: int = 0, directory: Path | None = None
    ) -> str:
        """Run Prefect's command line; return what it prints."""
        done = subprocess.run(
            [PREFECT, *arguments],
            env=dict(self.environment),
            cwd=directory or self.log.parent,
            capture_output=True,
            text=True,
            timeout=_RUN_S,
            check=False,
        )
        assert done.returncode == exit_code, done.stdout + done.stderr
        return done.stdout

    @staticmethod
    def _document(reply: httpx.Response) -> Any:
        assert reply.is_success, f"{reply.status_code} {reply.text}"
        return reply.json()


@contextlib.contextmanager
def run_prefect_server(
    directory: Path,
    settings: Mapping[str, str] | None = None,
    *,
    has_own_services: bool = True,
) -> Iterator[PrefectServer]:
    """Run a server for the time of the block.

    Args:
        directory: Where its home and its log are made.
        settings: Its environment, as ``deploy/`` ships it.
        has_own_services: False leaves schedules, events and the freeing of leases
            to a second process, as with several API servers.
    """
    port = free_port()
    home = directory / "prefect"
    home.mkdir(parents=True, exist_ok=True)
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME")},
        **_QUIET,
        **(settings or {}),
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
    }
    arguments = ["server", "start", "--host", "127.0.0.1", "--port", str(port)]
    log = directory / "server.log"
    with contextlib.ExitStack() as processes:
        services = [] if has_own_services else ["--no-services"]
        start = running([PREFECT, *arguments, *services], environment, log)
        server = processes.enter_context(start)
        api_url = environment["PREFECT_API_URL"]
        wait_for(lambda: _is_ready(api_url, server, log), _START_S, "the server")
        if not has_own_services:
            services = [PREFECT, "server", "services", "start"]
            services_log = directory / "services.log"
            processes.enter_context(running(services, environment, services_log))
        yield PrefectServer(api_url, environment, log)


@contextlib.contextmanager
def running(
    command: list[Any],
    environment: Mapping[str, str],
    log: Path,
    *,
    directory: Path | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process for the time of the block; it is ended politely, then not."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=directory or log.parent,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with contextlib.suppress(ProcessLookupError):  # children it left behind
            os.killpg(process.pid, signal.SIGKILL)


def wait_for(condition: Callable[[], Any], timeout_s: float, what: str) -> Any:
    """Return the condition's value once it is true.

    Raises:
        AssertionError: It stayed false for ``timeout_s``.
    """
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {timeout_s:g} s for {what}"
        time.sleep(0.2)
    return value


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _is_ready(api_url: str, server: subprocess.Popen[bytes], log: Path) -> bool:
    assert server.poll() is None, log.read_text(errors="replace")[-3000:]
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{api_url}/health", timeout=5).is_success
    return False
