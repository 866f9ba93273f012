"""The task ``record-capture`` on a server: what is tried again, and what is not."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import pytest
from prefect import flow

from instant_logs_plugin.capture.options import CaptureOptions
from instant_logs_plugin.capture.window import Bounds
from instant_logs_plugin.emulator import (
    Emulator,
    EmulatorConfig,
    parse_fault,
    run_emulator,
)
from instant_logs_plugin.errors import ApiUnreachable, NotEntitled
from instant_logs_plugin.prefect import (
    load_credentials,
    load_store,
    record_capture,
)
from tests.support.prefect_server import read_artifacts

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@flow(name="record-impatiently")
async def record(zone_id: str) -> Any:
    """Record with no patience of the recorder's own, and short pauses of Prefect's."""
    options = CaptureOptions(
        zone_id=zone_id,
        fields=("RayID",),
        bounds=Bounds(duration_s=6),
        open_timeout_s=0.001,
    )
    hasty = record_capture.with_options(retry_delay_seconds=0.1)
    outcome = await hasty(
        options, credentials=await load_credentials(None), store=await load_store(None)
    )
    return outcome.manifest.state.value


async def test_a_transient_error_before_the_first_stream(environment, point_at):
    """Is retried; the progress of the capture has one artifact all the while."""
    zone, fault = uuid4().hex, parse_fault("post-500:times=2")
    with run_emulator(EmulatorConfig(rate=200.0, faults=(fault,))) as emulator:
        point_at(emulator)
        assert await record(zone) == "complete"
    assert len(list((environment["store"] / "manifests").iterdir())) == 1
    (progress,) = await read_artifacts(f"progress-{zone}")
    assert progress.data == 100


async def test_a_stream_that_does_not_open(environment, point_at):
    """The next try knows the session as its own: it does not wait for the zone."""
    zone, fault = uuid4().hex, parse_fault("handshake-429:session=1,times=99,retry=1")
    with run_emulator(EmulatorConfig(rate=200.0, faults=(fault,))) as emulator:
        point_at(emulator)
        assert await record(zone) == "complete"
        refused, used = emulator.attempts
    assert used.met is refused.created
    (manifest,) = (environment["store"] / "manifests").iterdir()
    assert len(manifest.stem.split("-")) == 2, "the first try counts as a capture"


@pytest.mark.parametrize(
    ("trouble", "error", "creates"),
    [
        ({"faults": (parse_fault("post-500:times=99"),)}, ApiUnreachable, 4),
        ({"is_entitled": False}, NotEntitled, 1),
    ],
    ids=["unreachable", "not entitled"],
)
async def test_how_often_it_is_tried(trouble, error, creates, environment, point_at):
    """What may pass four times, what no retry mends once; then the run fails."""
    with run_emulator(EmulatorConfig(**trouble)) as emulator:
        point_at(emulator)
        with pytest.raises(error):
            await record(uuid4().hex)
        assert count_creates(emulator) == creates


def count_creates(emulator: Emulator) -> int:
    state = emulator.base_url.removesuffix("/client/v4") + "/emulator/state"
    return int(httpx.get(state).json()["creates"])
