"""The manifest of a capture that ended by a crash, from what is known of it.

Pure. The header says how the capture stood when a session last began or ended; the
segments say which lines there are; the last sign of life says until when the state of
the header went on. From there to the window's end nothing was recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from instant_logs_plugin.capture.header import CaptureHeader, CommitMark, wall_time
from instant_logs_plugin.capture.window import EndReason, GapReason
from instant_logs_plugin.store.manifest import (
    CaptureState,
    Gap,
    Manifest,
    SessionSpan,
    WindowSpan,
)

__all__ = ["recovered_manifest"]

_REASONS = frozenset(reason.value for reason in GapReason)
_CRASH = GapReason.CRASH.value


def recovered_manifest(
    header: CaptureHeader, marks: Sequence[CommitMark], *, last_beat_us: int
) -> Manifest:
    """Return the final manifest.

    ``messages`` is as last known; lines, bytes and rejects are counted from what is
    there, ``received`` from both sides.

    Args:
        header: How the capture stood.
        marks: What became of every segment.
        last_beat_us: When all was well, microseconds since the epoch; 0 if unknown.
    """
    known = header.manifest
    done = [mark.committed for mark in marks]
    latest_us = max((mark.received_until_us for mark in marks), default=0)
    alive_at = max(header.written_at, wall_time(max(latest_us, last_beat_us)))
    gaps = _gaps(header, alive_at)
    lines = sum(mark.lines for mark in marks)
    low = [one.interval_min for one in done if one.interval_min is not None]
    high = [one.interval_max for one in done if one.interval_max is not None]
    return replace(
        known,
        state=CaptureState.RECOVERED,
        end_reason=known.end_reason or _CRASH,
        ended_at=alive_at,
        received=lines + known.duplicates,
        written=sum(one.written for one in done),
        rejected=sum(one.rejected for one in done),
        late=sum(one.late for one in done),
        bytes=sum(mark.bytes for mark in marks),
        sessions=tuple(_ended(one, alive_at) for one in known.sessions),
        gaps=gaps,
        coverage=_coverage(known.window, gaps),
        segments=tuple(one.segment for one in done if one.segment),
        sampling=replace(
            known.sampling, min=min(low, default=None), max=max(high, default=None)
        ),
    )


def _ended(session: SessionSpan, at: datetime) -> SessionSpan:
    if session.ended_at is not None:
        return session
    return replace(session, ended_at=at, end_reason=_CRASH)


def _gaps(header: CaptureHeader, alive_at: datetime) -> tuple[Gap, ...]:
    known = header.manifest
    start, end = known.window.start, known.window.end
    if start is None or end is None:
        return ()
    if known.end_reason not in {None, EndReason.STORE_FAILED}:
        return known.gaps
    alive_at = min(max(alive_at, start), end)
    since = min(max(header.written_at, start), alive_at)
    gaps = [
        replace(gap, ended_at=min(gap.ended_at, since))
        for gap in known.gaps
        if gap.started_at < since
    ]
    reason = known.sessions[-1].end_reason if known.sessions else None
    if reason in _REASONS:  # no stream was open
        gaps.append(Gap(started_at=since, ended_at=alive_at, reason=str(reason)))
    gaps.append(Gap(started_at=alive_at, ended_at=end, reason=_CRASH))
    return tuple(_joined(gaps))


def _joined(gaps: list[Gap]) -> Iterator[Gap]:
    """Yield gaps of some length, those that touch and are of one reason as one."""
    held: Gap | None = None
    for gap in gaps:
        if gap.started_at >= gap.ended_at:
            continue
        if held and (held.ended_at, held.reason) == (gap.started_at, gap.reason):
            held = replace(held, ended_at=gap.ended_at)
            continue
        if held:
            yield held
        held = gap
    if held:
        yield held


def _coverage(window: WindowSpan, gaps: tuple[Gap, ...]) -> float:
    if window.start is None or window.end is None:
        return 0.0
    total = window.end - window.start
    missing = sum((gap.ended_at - gap.started_at for gap in gaps), timedelta())
    return round(1.0 - missing / total, 6) if total else 1.0
