"""Captures without a socket: the emulator's traffic through the journal to a store.

The requests, their rendering, the journal, the decoding, the Parquet files and the
manifest are the product's; only the stream is left out, so that hundreds of captures
take minutes. ``tests/integration`` records the same traffic over streams.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import orjson

from instant_logs_plugin.capture.clock import Clock
from instant_logs_plugin.capture.commit import Committer
from instant_logs_plugin.capture.framing import Framed
from instant_logs_plugin.capture.journal import Journal, JournalSettings
from instant_logs_plugin.capture.journal_directory import JournalDirectory
from instant_logs_plugin.edge.fields import PRESETS
from instant_logs_plugin.emulator.rendering import compile_renders
from instant_logs_plugin.emulator.scenarios import Conditions
from instant_logs_plugin.emulator.traffic import Traffic
from instant_logs_plugin.store.filesystem import Store, open_store
from instant_logs_plugin.store.layout import manifest_path
from instant_logs_plugin.store.manifest import (
    CaptureState,
    Manifest,
    Request,
    Sampling,
    Segment,
    WindowSpan,
    format_manifest,
)

__all__ = ["ZONE", "Synthetic", "write_synthetic"]

ZONE = "0123456789abcdef0123456789abcdef"
FIELDS = tuple(
    dict.fromkeys((*PRESETS["default"], *PRESETS["performance"], "SecurityActions"))
)
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Synthetic:
    """What a synthetic capture holds.

    Attributes:
        records: Records, on average after sampling.
        number: Of the session: another number draws other requests of the same zone.
        conditions: How the traffic is at a moment, in seconds since the start.
        sample: 1 in N asked for.
        duration_s: Length of the window.
        started_at: Start of the window.
        fields: Fields that were asked for.
    """

    records: int = 2_000
    seed: int = 1
    number: int = 1
    conditions: Callable[[float], Conditions] = lambda _: Conditions()
    sample: int = 1
    duration_s: float = 60.0
    started_at: datetime = START
    fields: tuple[str, ...] = FIELDS


def write_synthetic(
    store_uri: str, capture_id: str, what: Synthetic, **manifest: Any
) -> Manifest:
    """Write a capture; ``manifest`` replaces what its manifest says otherwise."""
    store = open_store(store_uri)
    segment = _commit(store, capture_id, what)
    written = segment.rows if segment else 0
    document = Manifest(
        capture_id=capture_id,
        zone_id=ZONE,
        state=CaptureState.COMPLETE,
        end_reason="duration",
        request=Request(fields=what.fields, sample=what.sample),
        started_at=what.started_at,
        window=WindowSpan(
            start=what.started_at,
            end=what.started_at + timedelta(seconds=what.duration_s),
        ),
        ended_at=what.started_at + timedelta(seconds=what.duration_s),
        received=written,
        written=written,
        coverage=1.0,
        segments=(segment,) if segment else (),
        sampling=Sampling(min=1, max=1),
    )
    document = replace(document, **manifest)
    text = format_manifest(document)
    store.write_bytes(manifest_path(capture_id), text.encode())
    return document


def _commit(store: Store, capture_id: str, what: Synthetic) -> Segment | None:
    """Journal what arrives, and commit it, as a recorder does."""
    root = Path(tempfile.mkdtemp(prefix="synthetic-"))
    directory = JournalDirectory(root, capture_id)
    journal = Journal(directory, JournalSettings(fsync_interval_s=60.0), Clock.start())
    moments = _moments(what)
    start_us = int(what.started_at.timestamp() * 1e6)
    for at_s, line in zip(moments, _lines(what, moments), strict=True):
        journal.append([Framed(line + b"\n", 1)], start_us + int(at_s * 1e6))
    sealed = journal.seal()
    committer = Committer(
        store,
        directory.path,
        zone_id=ZONE,
        capture_id=capture_id,
        started_at=what.started_at,
        fields=what.fields,
    )
    done = committer.commit(sealed) if sealed else None
    committer.close()
    journal.discard()
    shutil.rmtree(root)
    return done.segment if done else None


def _moments(what: Synthetic) -> list[float]:
    """Return when requests happen, in seconds since the start; each one arrives then.

    Requests are independent: one that sampling drops need not be drawn.
    """
    random = Random(f"moments {what.seed} {what.number}")
    kept = range(what.records)
    if what.sample > 1:
        every = range(what.records * what.sample)
        kept = [one for one in every if random.random() * what.sample < 1]
    return sorted(random.random() * what.duration_s for _ in kept)


def _lines(what: Synthetic, moments: list[float]) -> list[bytes]:
    traffic, renders = Traffic(what.seed, what.number), compile_renders(what.fields)
    start_s = what.started_at.timestamp()
    lines = []
    for at_s in moments:
        request = traffic.draw(start_s + at_s, what.conditions(at_s))
        values = {name: render(request) for name, render in renders}
        lines.append(orjson.dumps(values | {"sampleInterval": 1}))
    return lines
