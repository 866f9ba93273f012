"""Captures without a socket: the emulator's traffic through the decoder to a store.

The requests, their rendering, the decoding, the Parquet writer and the manifest are
the product's; only the stream between them is left out, so that hundreds of captures
take seconds. ``tests/integration`` records the same traffic through the stream.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import orjson

from instant_logs_plugin.capture.decode import Decoder, capture_schema
from instant_logs_plugin.capture.framing import Arrival
from instant_logs_plugin.edge.fields import PRESETS
from instant_logs_plugin.emulator.rendering import compile_renders
from instant_logs_plugin.emulator.scenarios import Conditions
from instant_logs_plugin.emulator.traffic import Traffic
from instant_logs_plugin.store.filesystem import open_store
from instant_logs_plugin.store.layout import manifest_path, segment_path
from instant_logs_plugin.store.manifest import (
    CaptureState,
    Manifest,
    Request,
    Sampling,
    WindowSpan,
    format_manifest,
)
from instant_logs_plugin.store.parquet import write_segment

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
    moments = _moments(what)
    lines = _lines(what, moments)
    start_us = int(what.started_at.timestamp() * 1e6)
    arrivals = [Arrival(1, start_us + int(at_s * 1e6)) for at_s in moments]
    decoder = Decoder(what.fields, capture_id=capture_id)
    decoded = decoder.decode(b"".join(line + b"\n" for line in lines), arrivals)
    decoder.close()
    assert not decoded.rejects
    segment = write_segment(
        store,
        segment_path(
            zone_id=ZONE,
            capture_id=capture_id,
            started_at=what.started_at,
            sequence=0,
        ),
        schema=capture_schema(what.fields),
        tables=[decoded.table],
    )
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
        received=segment.rows,
        written=segment.rows,
        coverage=1.0,
        segments=(segment,) if segment.rows else (),
        sampling=Sampling(min=1, max=1),
    )
    document = replace(document, **manifest)
    text = format_manifest(document)
    store.write_bytes(manifest_path(capture_id), text.encode())
    return document


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
