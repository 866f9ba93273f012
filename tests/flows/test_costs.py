"""What a flow adds to a capture: seconds, and things that people and servers keep."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect import flow
from prefect.context import FlowRunContext

from instant_logs_plugin.capture.events import EventLog
from instant_logs_plugin.emulator import EmulatorConfig, parse_fault, run_emulator
from instant_logs_plugin.prefect import load_flow
from instant_logs_plugin.prefect.run_log import show_warnings
from tests.support.prefect_server import (
    deploy,
    new_run,
    read_artifacts,
    read_events,
    read_log,
    run_again,
    wait_until,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

snapshot = load_flow("snapshot:traffic_snapshot")
OVERHEAD_S = 2.0
FINISH_S = 2.0
ROUNDS = 4


async def run_snapshot(zone: str, deployment: UUID, **capture: Any) -> tuple[UUID, Any]:
    asked = {"capture": {"zone_id": zone, "duration_s": 2} | capture}
    run = await new_run(deployment, asked)
    return run.id, await (await run_again(snapshot, run)).aresult()


@pytest.mark.soak
async def test_a_flow_adds_less_than_two_seconds(environment, point_at):
    """Beside its capture, on a warm server: the best of a few runs.

    The recorder's own end, from the end of the window to the manifest, is told apart.
    """
    deployment = await deploy(snapshot, f"costs-{uuid4().hex}")
    overheads, finishes = [], []
    with run_emulator(EmulatorConfig(rate=500.0, delay_s=0.0)) as emulator:
        point_at(emulator)
        for _ in range(ROUNDS):
            began = time.monotonic()
            _, manifest = await run_snapshot(uuid4().hex, deployment, duration_s=1)
            taken_s = time.monotonic() - began
            recorded_s = seconds(manifest["started_at"], manifest["window"]["end"])
            finishes.append(seconds(manifest["window"]["end"], manifest["ended_at"]))
            overheads.append(taken_s - recorded_s)
    assert min(finishes) < FINISH_S, finishes
    assert min(overheads) < OVERHEAD_S, overheads


def seconds(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


async def test_nothing_that_is_kept_grows_with_traffic(environment, point_at):
    """As many artifacts, events and log lines for a hundred times the traffic."""
    deployment = await deploy(snapshot, f"counts-{uuid4().hex}")
    faults = (parse_fault("malformed:every=2"),)
    quiet = EmulatorConfig(rate=100.0, delay_s=0.0, faults=faults)
    loud = EmulatorConfig(rate=10_000.0, delay_s=0.0, faults=faults)
    kept = []
    for config in (quiet, loud):
        zone = uuid4().hex
        with run_emulator(config) as emulator:
            point_at(emulator)
            run_id, manifest = await run_snapshot(zone, deployment)
        kept.append((manifest["received"], await count_kept(zone, run_id)))
    (few, of_few), (many, of_many) = kept
    assert many > 20 * few
    assert of_few == of_many
    assert all(0 < count <= 100 for count in of_many.values()), of_many


async def count_kept(zone: str, run_id: UUID) -> dict[str, int]:
    """Return how many artifacts, events and log lines a run left, by kind."""
    kinds = ("progress", "traffic-snapshot", "top-paths")

    async def has_ended() -> bool:
        is_told = any("Finished in state" in line for line in await read_log(run_id))
        return is_told and bool(await read_events("instant-logs", zone))

    await wait_until(has_ended)
    await asyncio.sleep(2)  # what is sent in batches has one more behind it
    counts = {kind: len(await read_artifacts(f"{kind}-{zone}")) for kind in kinds}
    return counts | {
        "events": len(await read_events("instant-logs", zone)),
        "lines": len(await read_log(run_id)),
    }


async def test_warnings_in_a_runs_log_have_a_bound():
    """A stream that is lost again and again fills no log; that lines miss is said."""
    zone = uuid4().hex

    @flow(name="warn-a-lot")
    async def warn() -> UUID:
        with show_warnings(zone):
            for number in range(80):
                extra = {"gap_s": float(number), "reason": "stream_lost"}
                EventLog(zone).warning("instant_logs.gap_closed", extra=extra)
                EventLog("another").warning("instant_logs.gap_closed", extra=extra)
        return FlowRunContext.get().flow_run.id

    run_id = await warn()

    async def told() -> list[str]:
        log = await read_log(run_id)
        return log if "more warnings are left out" in log else []

    log = await wait_until(told)
    shown = [line for line in log if line.startswith("recording again")]
    gaps = [f"a gap of {number}.0 s (stream lost)" for number in range(50)]
    assert shown == [f"recording again, behind {gap}" for gap in gaps]
