"""Recording in this process, and what was recorded against what was sent."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from instant_logs_plugin.capture.opening import SessionApi
from instant_logs_plugin.capture.options import CaptureOptions
from instant_logs_plugin.capture.record import (
    CaptureOutcome,
    CaptureSetup,
    record_capture,
)
from instant_logs_plugin.capture.window import Bounds
from instant_logs_plugin.edge.stream import StreamSettings
from instant_logs_plugin.emulator import Emulator
from instant_logs_plugin.lease.file_lock import hold_on_host
from instant_logs_plugin.settings import open_client
from instant_logs_plugin.store.filesystem import open_store
from instant_logs_plugin.store.manifest import Gap, Manifest
from tests.support.command_line import emulator_environment

__all__ = [
    "ZONE",
    "Loss",
    "SentLine",
    "assert_accounted",
    "losses",
    "median_s",
    "read_ray_ids",
    "record_zone",
    "seconds",
    "sent_lines",
]

ZONE = "0123456789abcdef0123456789abcdef"
FIELDS = ("RayID", "EdgeStartTimestamp", "EdgeResponseStatus")


async def record_zone(
    service: Emulator | SessionApi,
    directory: Path,
    *,
    bounds: Bounds,
    stream: StreamSettings | None = None,
    fields: tuple[str, ...] = FIELDS,
    timeout_s: float = 60.0,
    **options: Any,
) -> CaptureOutcome:
    """Record a zone of an emulator, or of another session API, into a directory."""
    asked = CaptureOptions(zone_id=ZONE, fields=fields, bounds=bounds, **options)
    async with asyncio.timeout(timeout_s), contextlib.AsyncExitStack() as opened:
        api = service
        if isinstance(service, Emulator):
            client = open_client(emulator_environment(service))
            api = await opened.enter_async_context(client)
        setup = CaptureSetup(
            api=api,
            store=open_store(str(directory / "captures")),
            journal_root=directory / "journal",
            hold=hold_on_host(directory / "leases"),
            stream=stream or StreamSettings(),
        )
        return await record_capture(asked, setup)


def seconds(gap: Gap) -> float:
    """Return a gap's length."""
    return (gap.ended_at - gap.started_at).total_seconds()


def assert_accounted(manifest: Manifest) -> None:
    """Check the ledger: every line, and every second of the window."""
    total = manifest.written + manifest.rejected + manifest.duplicates
    assert manifest.received == total
    start, end = manifest.window.start, manifest.window.end
    assert start is not None
    assert end is not None
    missing = sum(map(seconds, manifest.gaps))
    covered = manifest.coverage * (end - start).total_seconds()
    assert covered + missing == pytest.approx((end - start).total_seconds(), abs=0.01)


def read_ray_ids(directory: Path) -> Counter[str]:
    """Return how often each ray id is in the store."""
    ids: Counter[str] = Counter()
    for path in (directory / "captures").rglob("*.parquet"):
        ids.update(pq.read_table(path, columns=["RayID"])["RayID"].to_pylist())
    return ids


@dataclass(frozen=True)
class SentLine:
    """A record that the emulator sent: by whom, in which session, and when."""

    ray_id: str
    session: int
    at_s: float


def sent_lines(emulator: Emulator) -> list[SentLine]:
    """Return every record that the emulator sent, in order of sessions."""
    return [
        SentLine(line.partition(b'"RayID":"')[2].partition(b'"')[0].decode(), n, at_s)
        for n, sent in enumerate(emulator.sent(), start=1)
        for line, at_s in zip(tuple(sent.lines), sent.times_s, strict=False)
    ]


@dataclass(frozen=True)
class Loss:
    """What the change from one session to the next cost.

    Attributes:
        seconds: Of traffic: from the last record kept of one session to the first
            of the next, by the emulator's clock.
        records: Sent in the first session, and not recorded.
    """

    seconds: float
    records: int


def losses(lines: Sequence[SentLine], recorded: Counter[str]) -> list[Loss]:
    """Return the loss behind each session but the last, by what was sent."""
    sessions = sorted({line.session for line in lines})
    kept = {
        session: [
            line.at_s
            for line in lines
            if line.session == session and line.ray_id in recorded
        ]
        for session in sessions
    }
    lost = Counter(line.session for line in lines if line.ray_id not in recorded)
    with_records = [session for session in sessions if kept[session]]
    return [
        Loss(min(kept[after]) - max(kept[before]), lost[before])
        for before, after in itertools.pairwise(with_records)
    ]


def median_s(found: Sequence[Loss]) -> float:
    """Return the median loss in seconds of traffic."""
    return statistics.median(loss.seconds for loss in found)
