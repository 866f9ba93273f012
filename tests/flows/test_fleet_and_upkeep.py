"""The flows ``fleet-snapshot`` and ``maintain-store`` on a real Prefect server."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from instant_logs_plugin.emulator import EmulatorConfig, run_emulator
from instant_logs_plugin.lease.file_lock import hold_on_host
from instant_logs_plugin.prefect import (
    MaintenanceParameters,
    RecordingParameters,
    load_flow,
)
from tests.support.prefect_server import read_artifacts

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

fleet_snapshot = load_flow("fleet:fleet_snapshot")
maintain_store = load_flow("maintain:maintain_store")
RECORDING = RecordingParameters(
    duration_s=1.5, fields="minimal", on_busy="fail", min_coverage=0.5
)


@pytest.fixture
def zones() -> list[str]:
    """Return zones that no other test records."""
    return [uuid4().hex for _ in range(3)]


@pytest.fixture
def emulator(environment, point_at) -> Any:
    """Return a running emulator that flows are pointed at."""
    with run_emulator(EmulatorConfig(rate=300.0, delay_s=0.0)) as running:
        point_at(running)
        yield running


async def test_zones_are_recorded_at_once(zones, emulator, environment):
    """Each has its capture and its summary; a zone named twice is recorded once."""
    # Longer than the server, on SQLite, may take to grant the last of three leases.
    asked = RECORDING.model_copy(update={"duration_s": 6.0})
    state = await fleet_snapshot([*zones, zones[0]], asked, return_state=True)
    assert (state.is_completed(), state.name) == (True, "Completed"), state.message
    rows = await state.aresult()
    assert {row["state"] for row in rows.values()} == {"complete"}
    spans = [window(environment["store"], row["capture_id"]) for row in rows.values()]
    assert max(start for start, _ in spans) < min(end for _, end in spans)
    for zone_id in zones:
        (artifact,) = await read_artifacts(f"traffic-snapshot-{zone_id}")
        assert rows[zone_id]["capture_id"] in str(artifact.data)


def window(store: Path, capture_id: str) -> tuple[str, str]:
    document = json.loads((store / "manifests" / f"{capture_id}.json").read_text())
    return document["window"]["start"], document["window"]["end"]


async def test_some_zones_may_fail(zones, emulator, environment):
    """The others are recorded, and the state says that not all were."""
    async with hold_on_host()(zones[1], timeout_s=0):
        state = await fleet_snapshot(zones, RECORDING, return_state=True)
    assert (state.is_completed(), state.name) == (True, "CompletedWithWarnings")
    assert zones[1] in (state.message or "")
    rows = await state.aresult()
    assert [rows[one]["state"] for one in zones] == ["complete", "failed", "complete"]
    artifact = (await read_artifacts("fleet-snapshot"))[-1]
    assert "is busy" in str(artifact.data)


async def test_all_zones_may_fail(zones, environment, monkeypatch):
    """Then so does the run."""
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "any")
    with run_emulator(EmulatorConfig(is_entitled=False)) as emulator:
        monkeypatch.setenv("CLOUDFLARE_BASE_URL", emulator.base_url)
        state = await fleet_snapshot(zones, RECORDING, return_state=True)
    assert (state.is_failed(), state.name) == (True, "AllZonesFailed")


async def test_a_store_is_kept_in_order(zones, emulator, environment):
    """What is older than it is to be kept goes; the rest is verified."""
    await fleet_snapshot(zones[:2], RECORDING)
    manifests = sorted((environment["store"] / "manifests").iterdir())
    make_old(manifests[0], timedelta(days=40))
    state = await maintain_store(
        upkeep=MaintenanceParameters(keep_days=30), return_state=True
    )
    assert state.name == "Completed", state.message
    done = await state.aresult()
    assert (done["recovered"], done["pruned"]) == (0, 1)
    assert done["pruned_bytes"] > 0
    assert [one.name for one in manifests if one.exists()] == [manifests[1].name]


def make_old(manifest: Path, age: timedelta) -> None:
    document = json.loads(manifest.read_text())
    document["ended_at"] = (datetime.now(UTC) - age).isoformat()
    manifest.write_text(json.dumps(document))


async def test_damage_fails_the_run(zones, emulator, environment):
    """The state says so, and the artifact what is damaged."""
    await fleet_snapshot(zones[:1], RECORDING)
    (segment,) = (environment["store"] / "requests").rglob("*.parquet")
    segment.write_bytes(segment.read_bytes()[:-1])
    state = await maintain_store(return_state=True)
    assert (state.is_failed(), state.name) == (True, "Damaged")
    artifact = (await read_artifacts("maintain-store"))[-1]
    assert segment.name in str(artifact.data)
