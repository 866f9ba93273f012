"""A lease that is lost while a zone is recorded: told, and no reason to stop."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from instant_logs_plugin.capture.options import CaptureOptions
from instant_logs_plugin.capture.record import CaptureSetup, record_capture
from instant_logs_plugin.capture.window import Bounds
from instant_logs_plugin.lease.held import Lease
from instant_logs_plugin.settings import open_client
from instant_logs_plugin.store.catalog import read_manifest
from instant_logs_plugin.store.filesystem import Store
from tests.support.command_line import emulator_environment

LOST_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@contextlib.asynccontextmanager
async def hold_and_lose(zone_id: str, *, timeout_s: float) -> AsyncIterator[Lease]:
    """Grant a lease and give it up at once, as a server without memory does."""
    lease = Lease()
    lease.lose(LOST_AT)
    lease.lose(datetime.now(UTC))
    yield lease


async def test_the_stream_goes_on_and_the_manifest_tells(emulate, tmp_path: Path):
    """The service still sends: the capture is whole, and says what it lacked."""
    store = Store(tmp_path / "captures")
    options = CaptureOptions(
        zone_id="z", fields=("RayID",), bounds=Bounds(duration_s=1)
    )
    async with open_client(emulator_environment(emulate(rate=300.0))) as client:
        setup = CaptureSetup(
            api=client,
            store=store,
            journal_root=tmp_path / "journal",
            hold=hold_and_lose,
        )
        outcome = await record_capture(options, setup)
    assert outcome.error is None
    assert outcome.manifest.coverage == 1.0
    stored = read_manifest(store, outcome.manifest.capture_id)
    assert stored.lease_lost_at == LOST_AT
