"""Who receives what when a run is stopped: every row of docs/prefect.md's table.

What was received is committed or recovered, and the zone's slot is free, wherever
Prefect lets us. Real processes, real signals, one server.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings
from prefect.states import Cancelling

from instant_logs_plugin.emulator import Emulator, EmulatorConfig, run_emulator
from instant_logs_plugin.lease.names import limit_name
from instant_logs_plugin.prefect import load_flow
from tests.support.command_line import emulator_environment
from tests.support.server_process import PREFECT, running, wait_for

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

ROOT = Path(__file__).parents[2]
START_S = 90.0
# Two seconds are promised, from when the capture is told on; a machine that runs other
# tests too is given more.
FINAL_S = 5.0
# A shell that starts a test in the background makes its children ignore SIGINT.
RUN_FLOW = """
import asyncio, json, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from instant_logs_plugin.prefect import load_flow
asyncio.run(load_flow(sys.argv[1])(**json.loads(sys.argv[2])))
"""

Process = subprocess.Popen[bytes]


class Stage:
    """An emulated zone, a store, and processes that record the one into the other."""

    def __init__(self, emulator: Emulator, directory: Path) -> None:
        self.emulator, self.directory = emulator, directory
        self.zone = uuid4().hex
        self.store = directory / "captures"
        api_url = str(get_current_settings().api.url)
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME")},
            **emulator_environment(emulator),
            "DO_NOT_TRACK": "1",
            "INSTANT_LOGS_STORE": str(self.store),
            "PREFECT_API_URL": api_url,
            "PREFECT_HOME": str(directory / "prefect"),
            "PREFECT_RUNNER_POLL_FREQUENCY": "2",
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "PREFECT_WORKER_PREFETCH_SECONDS": "2",
            "XDG_STATE_HOME": str(directory / "state"),
        }
        (directory / "prefect").mkdir()
        self.parameters = {"capture": {"zone_id": self.zone, "duration_s": 100}}

    def start(self, *command: Any) -> Any:
        """Return the context of a process."""
        log = self.directory / f"{uuid4().hex}.log"
        return running(list(command), self.environment, log, directory=ROOT)

    def wait_until_recording(self, sessions: int = 1) -> None:
        """Wait until the zone's n-th session has been sent records."""

        def is_recording() -> bool:
            mine = [s for s in self.emulator.sessions if s.zone_id == self.zone]
            return len(mine) == sessions and mine[-1].sent.records > 50

        wait_for(is_recording, START_S, "the recording")

    def manifests(self) -> list[dict[str, Any]]:
        """Return the store's manifests, oldest first."""
        paths = sorted((self.store / "manifests").glob("*.json"))
        return [json.loads(path.read_text()) for path in paths]

    def wait_for_final(self, state: str, count: int = 1) -> None:
        """Wait for the n-th capture's end in a state; check its books and its haste."""

        def is_final() -> bool:
            found = self.manifests()
            return len(found) == count and found[-1]["state"] == state

        wait_for(is_final, START_S, f"a capture that is {state}")
        last = self.manifests()[-1]
        assert last["received"] == last["written"] + last["rejected"] > 0
        if state == "interrupted":
            assert self.finishing_s(last) < FINAL_S

    def finishing_s(self, manifest: dict[str, Any]) -> float:
        """Return the time between the end of a capture's window and its manifest's."""
        path = self.store / "manifests" / f"{manifest['capture_id']}.json"
        end = datetime.fromisoformat(manifest["window"]["end"])
        return path.stat().st_mtime - end.timestamp()

    def wait_until_free(self) -> None:
        """Wait until the server says that nobody holds the zone."""

        def is_free() -> bool:
            with get_client(sync_client=True) as client:
                name = limit_name(self.zone)
                limit = client.read_global_concurrency_limit_by_name(name)
            return limit.active_slots == 0

        wait_for(is_free, 15.0, "the zone's slot")

    def start_run(self, deployment: str) -> UUID:
        """Run a deployment; return the run's id."""
        with get_client(sync_client=True) as client:
            found = client.read_deployment_by_name(deployment)
            run = client.create_flow_run_from_deployment(
                found.id, parameters=self.parameters
            )
        return run.id

    def wait_for_state(self, run_id: UUID, *names: str) -> None:
        """Wait until a run's state has one of the names."""

        def has_ended() -> bool:
            with get_client(sync_client=True) as client:
                return client.read_flow_run(run_id).state_name in names

        wait_for(has_ended, START_S, f"the run to be {names}")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Return a stage; its emulator ends with the test."""
    with run_emulator(EmulatorConfig(rate=300.0, delay_s=0.0)) as emulator:
        yield Stage(emulator, tmp_path)


def cancel(run_id: UUID) -> None:
    """Cancel a run as the UI does."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run_id, Cancelling())


def children(process: Process) -> list[int]:
    """Return the children of a process that was started here."""
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(pid) for pid in listed.split()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_its_own_process(number: signal.Signals, stage: Stage) -> None:
    """Committed in two seconds, the slot given back, the run known as crashed."""
    arguments = ["snapshot:traffic_snapshot", json.dumps(stage.parameters)]
    with stage.start(sys.executable, "-c", RUN_FLOW, *arguments) as process:
        stage.wait_until_recording()
        process.send_signal(number)
        stage.wait_for_final("interrupted")
        assert process.wait(START_S) != 0
    stage.wait_until_free()
    assert not any((stage.store / ".journal").glob("*/*.ndjson"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    "way", ["by_block", pytest.param("by_task", marks=pytest.mark.soak)]
)
def test_a_signal_to_a_synchronous_flow(
    way: str, number: signal.Signals, stage: Stage
) -> None:
    """The same, whether it waits for a block's run or for a loop of its own."""
    command = [sys.executable, "-m", "tests.support.sync_flows", way, stage.zone]
    with stage.start(*command) as process:
        stage.wait_until_recording()
        process.send_signal(number)
        stage.wait_for_final("interrupted")
        assert process.wait(START_S) != 0
    stage.wait_until_free()


@pytest.mark.soak
def test_a_signal_while_a_fleet_records(stage: Stage) -> None:
    """Every zone of one process is committed."""
    zones = [stage.zone, uuid4().hex, uuid4().hex]
    parameters = {"zones": zones, "recording": {"duration_s": 100}}
    arguments = ["fleet:fleet_snapshot", json.dumps(parameters)]
    with stage.start(sys.executable, "-c", RUN_FLOW, *arguments) as process:
        wait_for(
            lambda: (
                len(stage.emulator.sessions) == len(zones)
                and all(s.sent.records > 50 for s in stage.emulator.sessions)
            ),
            START_S,
            "three recordings",
        )
        process.send_signal(signal.SIGTERM)
        process.wait(START_S)
    assert [one["state"] for one in stage.manifests()] == ["interrupted"] * len(zones)
    stage.wait_until_free()


def test_serve(stage: Stage) -> None:
    """A cancelled run, and every run of a process that is told to end, is committed."""
    with stage.start(sys.executable, "flows/serve.py") as process:
        deployment = "traffic-snapshot/serve"
        wait_for(lambda: is_deployed(deployment), START_S, deployment)
        run_id = stage.start_run(deployment)
        stage.wait_until_recording()
        cancel(run_id)
        stage.wait_for_final("interrupted")
        stage.wait_for_state(run_id, "Cancelled")
        stage.wait_until_free()
        run_id = stage.start_run(deployment)
        stage.wait_until_recording(sessions=2)
        process.terminate()
        stage.wait_for_final("interrupted", count=2)
        process.wait(START_S)
    stage.wait_until_free()
    stage.wait_for_state(run_id, "Cancelled", "Crashed")


def is_deployed(name: str) -> bool:
    with get_client(sync_client=True) as client:
        try:
            client.read_deployment_by_name(name)
        except ObjectNotFound:
            return False
    return True


@pytest.fixture
async def start_worker(stage: Stage) -> Any:
    """Return what starts a process worker for a deployment of the snapshot flow."""
    pool = f"pool-{stage.zone[:8]}"
    async with get_client() as client:
        await client.create_work_pool(WorkPoolCreate(name=pool, type="process"))
    flow = load_flow("snapshot:traffic_snapshot")
    deployment = await flow.ato_deployment(
        pool, work_pool_name=pool, job_variables={"working_dir": str(ROOT)}
    )
    await deployment.aapply()
    with ExitStack() as processes:

        def start(*wrapper: str) -> tuple[Process, str]:
            command = [PREFECT, "worker", "start", "--pool", pool, "--type", "process"]
            worker = processes.enter_context(stage.start(*wrapper, *command))
            return worker, f"traffic-snapshot/{pool}"

        yield start


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_a_process_worker(stage: Stage, start_worker: Callable[[], Any]) -> None:
    """A cancelled run is committed; of a killed one the worker's hook recovers all."""
    worker, deployment = start_worker()
    run_id = stage.start_run(deployment)
    stage.wait_until_recording()
    cancel(run_id)
    stage.wait_for_final("interrupted")
    stage.wait_for_state(run_id, "Cancelled")
    stage.wait_until_free()

    run_id = stage.start_run(deployment)
    stage.wait_until_recording(sessions=2)
    for pid in children(worker):
        os.kill(pid, signal.SIGKILL)
    stage.wait_for_final("recovered", count=2)
    stage.wait_for_state(run_id, "Crashed")


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.parametrize("told", ["the worker", "the worker and its run"])
def test_a_process_worker_that_is_ended(
    told: str, stage: Stage, start_worker: Callable[..., Any]
) -> None:
    """It kills its runs hard, at once: the journal holds what was received.

    A run that is told at the same time commits, if it is quicker than its worker.
    docs/prefect.md says how to drain such a worker; ``recover`` finishes the capture.
    """
    worker, deployment = start_worker()
    stage.start_run(deployment)
    stage.wait_until_recording()
    runs = children(worker) if told == "the worker and its run" else []
    for pid in (*runs, worker.pid):
        os.kill(pid, signal.SIGTERM)
    worker.wait(START_S)
    command = [Path(sys.executable).with_name("instant-logs"), "recover"]
    subprocess.run(command, env=stage.environment, check=True, timeout=START_S)
    (manifest,) = stage.manifests()
    assert manifest["state"] in {"recovered", "interrupted"}
    assert manifest["received"] == manifest["written"] + manifest["rejected"] > 0


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_a_worker_that_ignores_signals(
    stage: Stage, start_worker: Callable[..., Any]
) -> None:
    """One that a script started in its background runs on; its runs can be ended."""
    worker, deployment = start_worker("sh", "-c", "trap '' INT; exec \"$@\"", "sh")
    run_id = stage.start_run(deployment)
    stage.wait_until_recording()
    worker.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(10)
    assert stage.manifests()[-1]["state"] == "recording"
    cancel(run_id)
    stage.wait_for_final("interrupted")
    worker.kill()
