"""A taken zone, by policy; a run that is run again; what automations are told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prefect import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
)

from instant_logs_plugin.emulator import EmulatorConfig, parse_fault, run_emulator
from instant_logs_plugin.errors import ZoneBusy
from instant_logs_plugin.lease.file_lock import hold_on_host
from instant_logs_plugin.prefect import CaptureParameters, load_flow
from tests.support.prefect_server import (
    deploy,
    new_run,
    read_events,
    read_log,
    read_run,
    run_again,
    wait_until,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

snapshot = load_flow("snapshot:traffic_snapshot")
Take = Callable[[str], AbstractAsyncContextManager[None]]


@pytest.fixture
def zone() -> str:
    """Return a zone that no other test records."""
    return uuid4().hex


@pytest.fixture
def emulator(environment, point_at) -> Any:
    """Return a running emulator that flows are pointed at."""
    with run_emulator(EmulatorConfig(rate=300.0, delay_s=0.0)) as running:
        point_at(running)
        yield running


@pytest.fixture
def take() -> Take:
    """Return what takes a zone on this host, as another process does."""

    @contextlib.asynccontextmanager
    async def hold(zone_id: str) -> AsyncIterator[None]:
        async with hold_on_host()(zone_id, timeout_s=0):
            yield

    return hold


async def test_fail_ends_as_zone_busy(zone, emulator, take):
    """The state says so by its name; whoever asks for the result gets the error."""
    capture = CaptureParameters(zone_id=zone, duration_s=1, on_busy="fail")
    async with take(zone):
        state = await snapshot(capture, return_state=True)
    assert (state.is_failed(), state.name) == (True, "ZoneBusy")
    with pytest.raises(ZoneBusy):
        await state.aresult()
    names = await wait_for_events(zone, 2)
    assert names == {"instant-logs.zone.busy", "instant-logs.capture.failed"}
    assert emulator.sessions == ()


async def wait_for_events(zone_id: str, count: int) -> set[str]:
    async def enough() -> list[dict[str, Any]]:
        events = await read_events("instant-logs", zone_id)
        return events if len(events) >= count else []

    return {event["event"] for event in await wait_until(enough)}


async def test_skip_ends_as_skipped(zone, emulator, take):
    """No failure, no capture; an automation can still act on it."""
    capture = CaptureParameters(zone_id=zone, duration_s=1, on_busy="skip")
    async with take(zone):
        state = await snapshot(capture, return_state=True)
    assert (state.is_completed(), state.name) == (True, "Skipped")
    assert await state.aresult() is None
    names = await wait_for_events(zone, 2)
    assert names == {"instant-logs.zone.busy", "instant-logs.capture.skipped"}


async def test_wait_records_when_the_zone_is_free(zone, emulator, take):
    """The run waits inside its own time."""
    capture = CaptureParameters(zone_id=zone, duration_s=1, busy_timeout_s=60)
    async with take(zone):
        running = asyncio.create_task(snapshot(capture, return_state=True))
        await asyncio.sleep(1)
        assert not running.done()
    state = await running
    assert (await state.aresult())["state"] == "complete"


async def test_takeover_ends_the_other_session(zone, emulator):
    """Asked for, a stranger's session is ended once; the run's log says whose."""
    await create_session(emulator, zone)
    deployment_id = await deploy(snapshot, f"takeover-{zone}")
    capture = {"zone_id": zone, "duration_s": 1, "on_busy": "takeover"}
    run = await new_run(deployment_id, {"capture": capture})
    state = await run_again(snapshot, run)
    assert (await state.aresult())["coverage"] == 1.0
    (theirs, ours) = emulator.attempts
    assert ours.met is not None
    assert ours.met.number == 1
    assert theirs.met is None

    async def said() -> list[str]:
        log = await read_log(run.id)
        return [line for line in log if line.startswith(f"zone {zone} is taken over")]

    (line,) = await wait_until(said)
    assert "session " in line
    assert "of somebody else" in line


async def test_a_superseded_zone_is_told(zone, emulator):
    """Its capture ends with a gap, in its own time; an automation can act on it."""
    capture = CaptureParameters(zone_id=zone, duration_s=6, min_coverage=0.01)
    running = asyncio.create_task(snapshot(capture, return_state=True))
    await wait_until(lambda: is_recorded(emulator))
    await create_session(emulator, zone)
    state = await running
    assert (state.is_completed(), state.name) == (True, "Partial"), state.message
    manifest = await state.aresult()
    assert manifest["gaps"][0]["reason"] == "session_superseded"
    names = await wait_for_events(zone, 2)
    assert names == {"instant-logs.zone.superseded", "instant-logs.capture.partial"}
    (event,) = await read_events("instant-logs.zone.superseded", zone)
    assert event["payload"]["capture_id"] == manifest["capture_id"]
    assert event["payload"]["end_reason"] == manifest["end_reason"]


async def is_recorded(emulator) -> bool:
    return bool(emulator.sessions) and emulator.sessions[0].sent.records > 50


async def create_session(emulator, zone_id: str) -> None:
    """Make a session of a zone, as a colleague in the dashboard does."""
    path = f"{emulator.base_url}/zones/{zone_id}/logpush/edge/jobs"
    job = {"fields": "ClientIP", "kind": "instant-logs", "sample": 1, "filter": ""}
    async with httpx.AsyncClient() as client:
        reply = await client.post(
            path, json=job, headers={"Authorization": "Bearer theirs"}
        )
    assert reply.is_success, reply.text


async def test_a_skipped_run_comes_back_once(zone, emulator, take):
    """It is followed by one run of its deployment, however often it is run."""
    deployment_id = await deploy(snapshot, f"again-{zone}")
    capture = {"zone_id": zone, "duration_s": 1, "on_busy": "skip"}
    again = {"after_s": 600, "times": 2}
    run = await new_run(deployment_id, {"capture": capture, "again": again})
    async with take(zone):
        for _ in range(2):
            state = await run_again(snapshot, run)
            assert state.name == "Skipped"
    (following,) = await other_runs(deployment_id, run.id)
    assert following.parameters["again"] == {"after_s": 600, "times": 1}
    assert following.parameters["capture"] == capture
    assert following.name in (state.message or "")
    later = following.expected_start_time - datetime.now(UTC)
    assert timedelta(minutes=5) < later <= timedelta(minutes=10)


async def other_runs(deployment_id: Any, run_id: Any) -> list[Any]:
    async with get_client() as client:
        wanted = DeploymentFilter(id=DeploymentFilterId(any_=[deployment_id]))
        runs = await client.read_flow_runs(deployment_filter=wanted)
    return [run for run in runs if run.id != run_id]


async def test_a_run_that_is_run_again_records_once(zone, emulator, environment):
    """The capture of a run is found again, not made again."""
    deployment_id = await deploy(snapshot, f"twice-{zone}")
    capture = {"zone_id": zone, "duration_s": 1}
    run = await new_run(deployment_id, {"capture": capture})
    first = await (await run_again(snapshot, run)).aresult()
    second = await (await run_again(snapshot, run)).aresult()
    assert first == second
    assert first["labels"]["prefect.flow-run"] == str(run.id)
    assert len(emulator.sessions) == 1
    assert len(list((environment["store"] / "manifests").iterdir())) == 1
    assert (await read_run(run.id)).state_name == "Completed"


async def test_a_capture_that_fell_short_is_made_again(zone, environment, point_at):
    """It stays as it is; the new attempt has a capture of its own beside it."""
    deployment_id = await deploy(snapshot, f"short-{zone}")
    capture = {"zone_id": zone, "duration_s": 2, "min_coverage": 1.0}
    run = await new_run(deployment_id, {"capture": capture})
    with run_emulator(dropping()) as emulator:
        point_at(emulator)
        state = await run_again(snapshot, run)
        assert state.name == "FellShort"
        state = await run_again(snapshot, run)
        assert state.name == "Completed"
    ids = sorted(path.stem for path in (environment["store"] / "manifests").iterdir())
    first, second = ids
    token = first.rpartition("-")[2]
    assert second.endswith(f"-{token}-2")


def dropping() -> EmulatorConfig:
    fault = parse_fault("drop:after=100,session=1")
    return EmulatorConfig(rate=300.0, delay_s=0.0, faults=(fault,))
