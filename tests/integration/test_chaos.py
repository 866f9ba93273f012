"""Chaos on the emulator: drops, refusals, expiries, kicks, repeats; exact books."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from instant_logs_plugin.capture.options import BusyPolicy
from instant_logs_plugin.capture.window import Bounds
from instant_logs_plugin.edge.stream import StreamSettings
from instant_logs_plugin.emulator import run_emulator
from tests.support.chaos import Figures, as_text, barge_in, chaos_config, check_books
from tests.support.recording import assert_accounted, record_zone

SWIFT = StreamSettings(ping_interval_s=0.5, ping_timeout_s=1.0)


async def run(
    seed: int, directory: Path, *, duration_s: float, hour_s: float, rate: float
) -> Figures:
    with run_emulator(chaos_config(seed, hour_s=hour_s, rate=rate)) as emulator:
        stranger = asyncio.create_task(
            barge_in(emulator, seed, mean_pause_s=hour_s / 2)
        )
        try:
            outcome = await record_zone(
                emulator,
                directory,
                bounds=Bounds(duration_s=duration_s, renew_after_s=0.9 * hour_s),
                stream=SWIFT,
                busy=BusyPolicy(poll_s=0.5),
                open_timeout_s=20.0,
                read_deadline_s=1.5,
                min_coverage=0.0,
                timeout_s=duration_s + 60,
            )
        finally:
            stranger.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await stranger
        manifest = outcome.manifest
        assert outcome.error is None
        assert manifest.end_reason == "duration"
        assert_accounted(manifest)
        ends = len(manifest.sessions)
        malformed = sum(one.sent.malformed for one in emulator.sessions)
        # A line that is none, cut across two messages, is two rejects.
        assert manifest.rejected <= 2 * malformed + ends
        return check_books(emulator, manifest, directory)


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_books_are_exact(seed, tmp_path):
    """Of what was sent, every record is written once or lies in a gap."""
    figures = await run(seed, tmp_path, duration_s=15.0, hour_s=8.0, rate=300.0)
    assert figures.written > 300
    assert figures.sessions > 2


@pytest.mark.soak
@pytest.mark.timeout(800)
async def test_ten_minutes_of_it(tmp_path, record_property):
    """Ten minutes with an hour of thirty seconds: hundreds of sessions."""
    figures = await run(3, tmp_path, duration_s=600.0, hour_s=30.0, rate=500.0)
    record_property("figures", vars(figures))
    print(as_text(figures))  # noqa: T201 - 'make soak' shows its figures
    assert figures.written > 10_000
