"""The flow ``deploy-check``: baselines made, kept and named; the verdict as state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from prefect.exceptions import FailedRun

from instant_logs_plugin.emulator import EmulatorConfig, run_emulator
from instant_logs_plugin.errors import CaptureNotFound, InvalidOption
from instant_logs_plugin.prefect import CaptureParameters, CheckParameters, load_flow
from instant_logs_plugin.store.catalog import find_capture
from instant_logs_plugin.store.filesystem import Store
from tests.support.prefect_server import read_artifacts, read_events, wait_until

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

deploy_check = load_flow("deploy_check:deploy_check")
Check = Callable[..., Any]


@pytest.fixture
def zone() -> str:
    """Return a zone that no other test records."""
    return uuid4().hex


@pytest.fixture
def check(zone, environment, point_at) -> Check:
    """Return what checks the zone against traffic of a scenario."""

    async def run(
        scenario: str = "steady", *, duration_s: float = 6.0, **asked: Any
    ) -> Any:
        config = EmulatorConfig(
            scenario=scenario, onset_s=0.0, rate=1000.0, delay_s=0.0
        )
        capture = CaptureParameters(
            zone_id=zone,
            duration_s=duration_s,
            fields="default,performance",
            min_coverage=asked.pop("min_coverage", 0.5),
        )
        with run_emulator(config) as emulator:
            point_at(emulator)
            return await deploy_check(
                capture, CheckParameters(**asked), return_state=True
            )

    return run


async def test_verdicts(zone, environment, check):
    """The first capture is the baseline; one that passes takes its place; worse fails.

    'latest:check=pass' names the last good one, and an automation is told of the worse.
    """
    made = await check(revision="v1")
    assert (made.is_completed(), made.name) == (True, "BaselineMade")
    first = await made.aresult()
    assert first["labels"]["check"] == "baseline"
    assert first["labels"]["revision"] == "v1"

    passed = await check(revision="v2")
    assert (passed.is_completed(), passed.name) == (True, "Passed"), passed.message
    assert (await passed.aresult())["verdict"] == "pass"
    good = find_capture(Store(environment["store"]), "latest:check=pass")
    assert good.labels["revision"] == "v2"
    (artifact,) = await read_artifacts(f"deploy-check-{zone}")
    assert first["capture_id"] in str(artifact.data)

    worse = await check("deploy-regression", revision="v3")
    assert (worse.is_failed(), worse.name) == (True, "Worse"), worse.message
    with pytest.raises(FailedRun):
        await worse.aresult()

    async def told() -> list[dict[str, Any]]:
        return await read_events("instant-logs.compare.failed", zone)

    (event,) = await wait_until(told)
    assert event["payload"]["verdict"] == "fail"
    assert event["payload"]["baseline_id"] == good.capture_id
    assert event["payload"]["reasons"]


async def test_too_little_evidence_is_no_verdict(check):
    """What it means is the caller's choice; its name says what it is."""
    assert (await check(duration_s=1.0)).name == "BaselineMade"
    for outcome in ("pass", "fail"):
        state = await check(duration_s=1.0, min_records=10**6, on_inconclusive=outcome)
        assert (state.name, state.is_completed()) == ("Inconclusive", outcome == "pass")


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"baseline": "nowhere"}, CaptureNotFound),
        ({"settings_file": "/nowhere.toml"}, InvalidOption),
    ],
)
async def test_what_cannot_be_checked_is_not_recorded(asked, error, environment, check):
    """A wrong name ends the run before anything is recorded."""
    state = await check(**asked)
    with pytest.raises(error):
        await state.aresult()
    assert not (environment["store"] / "manifests").exists()
