"""The block of a zone, with no Prefect server: started, waited for, asked, ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from instant_logs_plugin.emulator import Emulator
from instant_logs_plugin.errors import (
    CaptureRunning,
    InvalidFilter,
    NotEntitled,
    ZoneBusy,
)
from instant_logs_plugin.prefect import (
    CaptureStore,
    CloudflareCredentials,
    InstantLogsZone,
    RecordingParameters,
)

ZONE = "0123456789abcdef0123456789abcdef"
DEADLINE_S = 60.0


@pytest.fixture
def zone(tmp_path, monkeypatch) -> Callable[..., InstantLogsZone]:
    """Return what makes a block of an emulated zone."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    def make(emulator: Emulator, **recording: Any) -> InstantLogsZone:
        asked = {"duration_s": 1.0, "fields": "minimal"} | recording
        return InstantLogsZone(
            zone_id=ZONE,
            credentials=CloudflareCredentials(
                api_token="any", base_url=emulator.base_url
            ),
            store=CaptureStore(uri=str(tmp_path / "captures")),
            recording=RecordingParameters(**asked),
        )

    return make


def test_a_capture_from_synchronous_code(zone, emulate, tmp_path):
    """Its result is the manifest, never rows; before its end there is none."""
    run = zone(emulate(rate=500.0)).trigger()
    with pytest.raises(CaptureRunning):
        run.fetch_result()
    run.wait_for_completion()
    manifest = run.fetch_result()
    assert manifest["state"] == "complete"
    assert manifest["written"] > 0
    path = tmp_path / "captures" / "manifests" / f"{manifest['capture_id']}.json"
    assert path.is_file()


async def test_a_capture_from_asynchronous_code(zone, emulate):
    """The same, awaited; the event loop of the caller stays free."""
    run = await zone(emulate(rate=500.0)).atrigger()
    await asyncio.wait_for(run.await_for_completion(), DEADLINE_S)
    assert (await run.afetch_result())["state"] == "complete"


async def test_a_cancelled_wait_commits(zone, emulate, tmp_path):
    """What was received is in the store before the cancellation goes on."""
    emulator = emulate(rate=500.0)
    run = await zone(emulator, duration_s=60).atrigger()
    waiting = asyncio.create_task(run.await_for_completion())
    deadline = time.monotonic() + DEADLINE_S
    while not (emulator.sessions and emulator.sessions[0].sent.records > 100):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    (path,) = (tmp_path / "captures" / "manifests").iterdir()
    assert '"state": "interrupted"' in path.read_text()


def test_wrong_parameters_contact_nobody(zone, emulate):
    """They are refused when the capture is to start."""
    emulator = emulate()
    with pytest.raises(InvalidFilter):
        zone(emulator, filter="EdgeResponseStatus ~ 5").trigger()
    assert emulator.sessions == ()


@pytest.mark.parametrize("on_busy", ["fail", "skip"])
def test_a_taken_zone(on_busy, zone, emulate):
    """There is no manifest: who asks for it learns why."""
    emulator = emulate(rate=200.0)
    first = zone(emulator, duration_s=60).trigger()
    deadline = time.monotonic() + DEADLINE_S
    while not emulator.sessions:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    second = zone(emulator, on_busy=on_busy).trigger()
    if on_busy == "skip":
        second.wait_for_completion()
    else:
        with pytest.raises(ZoneBusy):
            second.wait_for_completion()
    with pytest.raises(ZoneBusy):
        second.fetch_result()
    first.cancel()


def test_a_refusal_reaches_who_waits(zone, emulate):
    """An error of the capture is the error of the wait."""
    run = zone(emulate(is_entitled=False)).trigger()
    with pytest.raises(NotEntitled):
        run.wait_for_completion()
