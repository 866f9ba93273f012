"""Chaos by a seed: what goes wrong with each session, and strangers who barge in.

What a capture then says of itself is held against what the emulator really sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from instant_logs_plugin.emulator import (
    Emulator,
    EmulatorConfig,
    Fault,
    FaultKind,
)
from instant_logs_plugin.store.manifest import Manifest
from tests.support.recording import ZONE, SentLine, read_ray_ids, sent_lines

__all__ = ["Figures", "barge_in", "chaos_config", "check_books"]

_TOLERANCE_S = 0.5
_SESSIONS = 2_000
_CODES = (1000, 1001, 1011, 1012, 4000)


def chaos_config(seed: int, *, hour_s: float, rate: float) -> EmulatorConfig:
    """Return an emulator whose sessions meet with faults drawn by a seed.

    Args:
        seed: The same seed, the same faults.
        hour_s: How long a session's hour lasts.
        rate: Records per second.
    """
    random = Random(seed)
    faults = [
        fault
        for number in range(1, _SESSIONS)
        for fault in _session_faults(random, number, rate=rate)
    ]
    return EmulatorConfig(
        seed=seed,
        rate=rate,
        delay_s=0.0,
        tick_s=0.02,
        keep_sent=True,
        time_scale=3600.0 / hour_s,
        end_by=random.choice(("drop", "close")),
        faults=tuple(faults),
    )


def _session_faults(random: Random, number: int, *, rate: float) -> list[Fault]:
    after = random.randint(10, int(8 * rate))
    ending = random.choice(
        [
            Fault(kind=FaultKind.DROP, session=number, after=after),
            Fault(
                kind=FaultKind.CLOSE,
                session=number,
                after=after,
                code=random.choice(_CODES),
            ),
            Fault(kind=FaultKind.EXPIRE, session=number, after=after),
            Fault(kind=FaultKind.STALL, session=number, after=after),
            Fault(kind=FaultKind.HALF_OPEN, session=number, after=after),
            None,
            None,
        ]
    )
    faults = [] if ending is None else [ending]
    if random.random() < 0.5:
        lines = random.randint(1, 200)
        faults.append(Fault(kind=FaultKind.REPEAT, session=number, lines=lines))
    if random.random() < 0.3:
        every = random.randint(5, 50)
        faults.append(Fault(kind=FaultKind.MALFORMED, session=number, every=every))
    if random.random() < 0.3:
        faults.append(Fault(kind=FaultKind.SPLIT, session=number))
    if number > 1:
        faults += _refusals(random, number)
    return faults


def _refusals(random: Random, number: int) -> list[Fault]:
    """A create or a handshake may be refused, now and then with a time to wait."""
    kinds = (FaultKind.POST_429, FaultKind.POST_500, FaultKind.HANDSHAKE_429)
    if random.random() > 0.25:
        return []
    retry = random.choice((0, 1))
    return [Fault(kind=random.choice(kinds), session=number, retry=retry)]


async def barge_in(emulator: Emulator, seed: int, *, mean_pause_s: float) -> None:
    """Take the zone again and again, read for a moment, and leave; until cancelled."""
    random = Random(f"stranger {seed}")
    path = f"{emulator.base_url}/zones/{ZONE}/logpush/edge/jobs"
    body = {"fields": "RayID", "sample": 1, "filter": "", "kind": "instant-logs"}
    headers = {"Authorization": "Bearer any"}
    async with httpx.AsyncClient(trust_env=False) as client:
        while True:
            await asyncio.sleep(random.uniform(0.5, 1.5) * mean_pause_s)
            reply = await client.post(path, json=body, headers=headers)
            if reply.status_code == 201:
                url = reply.json()["result"]["destination_conf"]
                await _read_for(url, random.uniform(0.2, 1.0))


async def _read_for(url: str, span_s: float) -> None:
    with contextlib.suppress(WebSocketException, OSError, TimeoutError):
        stream = await connect(url, compression=None)
        try:
            async with asyncio.timeout(span_s):
                async for _ in stream:
                    pass
        finally:
            # A close would wait for the peer, and be cancelled with the run.
            stream.transport.abort()


@dataclass(frozen=True)
class Figures:
    """What a run came to.

    Attributes:
        sent: Records that the emulator sent on streams of ours.
        written: Records in the store.
        duplicates: Records that came twice and were kept once.
        lost: Records sent and not recorded; each lies in a gap.
        sessions: Sessions that were ours.
        gaps: How many gaps by reason.
        coverage: Recorded share of the window.
    """

    sent: int
    written: int
    duplicates: int
    lost: int
    sessions: int
    gaps: dict[str, int]
    coverage: float


def check_books(emulator: Emulator, manifest: Manifest, directory: Path) -> Figures:
    """Hold a capture against what was sent; raises if a single record is off."""
    ours = _our_lines(emulator)
    recorded = read_ray_ids(directory)
    assert set(recorded.values()) <= {1}, "a record was written twice"
    assert recorded.total() == manifest.written
    assert recorded.keys() <= {line.ray_id for line in ours}, "a record from nowhere"
    lost = [line for line in ours if line.ray_id not in recorded]
    _check_prefixes(ours, recorded)
    spans = [(g.started_at.timestamp(), g.ended_at.timestamp()) for g in manifest.gaps]
    assert manifest.window.end is not None
    spans.append((manifest.window.end.timestamp(), float("inf")))
    for line in lost:
        assert any(
            start - _TOLERANCE_S <= line.at_s <= end + _TOLERANCE_S
            for start, end in spans
        ), f"{line} was sent and not recorded, and lies in no gap"
    repeated = sum(one.sent.repeated for one in emulator.sessions)
    assert manifest.duplicates <= repeated
    return Figures(
        sent=len({line.ray_id for line in ours}),
        written=manifest.written,
        duplicates=manifest.duplicates,
        lost=len(lost),
        sessions=len({line.session for line in ours}),
        gaps=dict(Counter(gap.reason for gap in manifest.gaps)),
        coverage=manifest.coverage,
    )


def _our_lines(emulator: Emulator) -> list[SentLine]:
    """Return what was sent to us: the stranger asks for one field only."""
    ours = {one.number for one in emulator.sessions if len(one.job.fields) > 1}
    return [line for line in sent_lines(emulator) if line.session in ours]


def _check_prefixes(ours: list[SentLine], recorded: Counter[str]) -> None:
    """Of each session the first so many records are there: no hole before the end.

    What was sent again in the next session may be there from then only.
    """
    times_sent = Counter(line.ray_id for line in ours)
    ended: set[int] = set()
    for line in ours:
        if times_sent[line.ray_id] > 1:
            continue
        if line.ray_id not in recorded:
            ended.add(line.session)
        else:
            assert line.session not in ended, f"a hole before {line}"


def as_text(figures: Figures) -> str:
    """Return the figures on one line."""
    return json.dumps(vars(figures))
