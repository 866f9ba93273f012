"""The scripts behind the pipeline templates, against a real server and worker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from instant_logs_plugin.store.catalog import list_captures
from instant_logs_plugin.store.filesystem import open_store
from instant_logs_plugin.store.manifest import CaptureState
from tests.support.deploy_files import DEPLOY
from tests.support.server_process import free_port, wait_for
from tests.support.slow_network import run_slow_network

pytestmark = pytest.mark.timeout(900)

NAME = "traffic-snapshot/zones"
PYTHON = [sys.executable, str(DEPLOY / "pipelines" / "deploy_check.py")]
SHELL = ["sh", str(DEPLOY / "pipelines" / "deploy_check.sh")]


def parameters(number: int, **changes: object) -> str:
    capture = {"zone_id": f"{number:032x}", "duration_s": 1, "on_busy": "fail"}
    return json.dumps({"capture": capture | changes})


def python(key: str, given: str, *more: str, name: str = NAME) -> list[str]:
    return [
        *PYTHON,
        name,
        f"--idempotency-key={key}",
        f"--parameters={given}",
        "--poll=1",
        "--tries=2",
        *more,
    ]


def start(command: list[str], environment: dict[str, str]) -> subprocess.Popen[str]:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME")}
    return subprocess.Popen(
        command,
        env=inherited | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    try:
        out, err = process.communicate(timeout=400)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return process.returncode, out, err


def run(command: list[str], environment: dict[str, str]) -> tuple[int, str, str]:
    return end(start(command, environment))


def manifests(site, number):
    captures = list_captures(open_store(str(site.store))).manifests
    return [one for one in captures if one.zone_id == f"{number:032x}"]


def test_a_pass_leaves_outputs_and_a_summary(site, tmp_path: Path):
    """Run again with its key, the step finds the same run and says the same."""
    output, summary = tmp_path / "output", tmp_path / "summary.md"
    files = (f"--output={output}", f"--summary={summary}")
    command = python("pass-1", parameters(11), *files)
    first, second = run(command, site.environment), run(command, site.environment)
    assert (first[0], second[0]) == (0, 0), first[2] + second[2]
    assert json.loads(first[1]) == json.loads(second[1])
    assert "started: http" in first[2]
    assert "found again: http" in second[2]
    facts = dict(line.split("=", 1) for line in output.read_text().splitlines())
    assert facts["verdict"] == "pass"
    assert facts["flow_run_id"] in facts["flow_run_url"]
    assert "coverage" in summary.read_text()


def test_the_shell_script_says_the_same(site):
    """With curl and sed alone: the same run for the same key, and its exit code."""
    command = [*SHELL, NAME, "shell-1", parameters(12)]
    first, second = run(command, site.environment), run(command, site.environment)
    assert (first[0], second[0]) == (0, 0), first[2] + second[2]
    assert first[1] == second[1] == "COMPLETED: Completed\n"
    assert first[2] == second[2]


def intrude(emulator, number: int) -> None:
    """Make a session of a zone, as a colleague in the dashboard does."""
    path = f"{emulator.base_url}/zones/{number:032x}/logpush/edge/jobs"
    job = {"fields": "ClientIP", "kind": "instant-logs", "sample": 1, "filter": ""}
    reply = httpx.post(path, json=job, headers={"Authorization": "Bearer any"})
    assert reply.is_success


@pytest.mark.parametrize("kind", ["python", "shell"])
def test_a_taken_zone_is_no_pass(kind, site, emulator):
    """Nothing was measured: exit code 4."""
    given = parameters(13)
    shell = [*SHELL, NAME, "busy-shell", given]
    command = python("busy-1", given) if kind == "python" else shell
    intrude(emulator, 13)
    code, _, err = run(command, site.environment)
    assert code == 4, err


@pytest.mark.parametrize(
    ("command", "exit_code", "said"),
    [
        (python("k", parameters(14), name="traffic-snapshot/none"), 2, "404"),
        (python("k", parameters(14, duration_s=-1)), 2, "duration_s"),
        (python("k", "{"), 2, "no JSON"),
        ([*SHELL, "traffic-snapshot/none", "k", parameters(14)], 2, "not found"),
        ([*SHELL, NAME, "k", parameters(14, duration_s=-1)], 2, "duration_s"),
        ([*SHELL, NAME, "k k", parameters(14)], 2, "the key may hold"),
        ([*SHELL, NAME], 2, "usage"),
    ],
)
def test_wrong_usage_is_told_apart(command, exit_code, said, deployed):
    """A wrong name or parameter ends at once with 2, and in the server's words."""
    code, out, err = run(command, dict(deployed.environment))
    assert (code, out) == (exit_code, "")
    assert said in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", pytest.param(f"http://127.0.0.1:{free_port()}/api", id="nobody")],
)
def test_no_server_is_told_apart(url):
    """Without a server, or without an address, nothing passes."""
    code, _, err = run(python("k", "{}"), {"PREFECT_API_URL": url})
    assert code == (5 if url.startswith("http") else 2)
    assert "Traceback" not in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_cancelled_pipeline_cancels_its_run(number, site):
    """The run commits what it received and frees the zone; the step ends by signal."""
    zone = 20 + number
    given = parameters(zone, duration_s=100)
    process = start(python(f"cancel-{number}", given), site.environment)
    wait_for(lambda: manifests(site, zone), 300, "a capture that records")
    process.send_signal(number)
    code, _, err = end(process)
    assert code == 128 + number, err
    run_id = err.split("/runs/flow-run/")[1].split()[0]
    assert site.ended(run_id)["type"] == "CANCELLED"
    [ended] = wait_for(lambda: finished(site, zone), 60, "a capture that is finished")
    assert ended.state is CaptureState.INTERRUPTED


def test_a_pipeline_cancelled_before_the_reply_cancels_its_run(site):
    """The server has started the run, and the step does not know it yet."""
    with run_slow_network(
        site.environment["PREFECT_API_URL"], "create_flow_run"
    ) as network:
        process = start(
            python("unheard-1", parameters(25, duration_s=100)),
            site.environment | {"PREFECT_API_URL": network.url},
        )
        assert network.is_heard.wait(60)
        process.send_signal(signal.SIGTERM)
        code, _, err = end(process)
    assert code == 143, err
    [run] = site.runs(flow_runs={"idempotency_key": {"any_": ["unheard-1"]}})
    assert run["id"] in err
    assert site.ended(run["id"])["type"] == "CANCELLED"


def finished(site, zone):
    """Return the zone's captures once none is recording."""
    captures = manifests(site, zone)
    done = all(one.state is not CaptureState.RECORDING for one in captures)
    return captures if done else []
