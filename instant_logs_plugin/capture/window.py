"""The capture's state machine: what to do next, what was covered, what was not.

Pure: it is told what happened and when, and answers. Times are seconds of one
monotonic clock, so a wall clock that jumps changes nothing; spans are half-open.

Theory of operation. The window ``[start, end)`` starts ``warm_up_s`` after the
first stream opened and lasts ``duration_s``, unless a count ends it sooner. What
arrives in the warm-up, or in the ``drain_s`` behind the end (the service is
3 to 5 s behind the event), is recorded too: those two only move the window inside
the recording. A stream is open or it is not; every part of the window without
one is a gap, and the reason is why the stream before it ended::

    opened ──▶ receiving ──lost(reason)──▶ open again? ──opened──▶ receiving
                  │                            │
                  └──── duration, max_records, max_bytes, stop ────▶ closed
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from instant_logs_plugin.errors import InvalidOption

__all__ = ["Bounds", "CaptureWindow", "EndReason", "GapReason", "Plan", "Span", "Step"]


_LONGEST_S = 366 * 86_400.0
_SESSION_S = 3600.0
"""The age at which the service ends a session."""


class GapReason(StrEnum):
    """Why a part of the window has no stream (design §2.4)."""

    NOT_STARTED = "not_started"
    STREAM_LOST = "stream_lost"
    STREAM_SILENT = "stream_silent"
    SESSION_EXPIRED = "session_expired"
    SESSION_SUPERSEDED = "session_superseded"
    RENEWAL = "renewal"
    RATE_LIMITED = "rate_limited"
    SERVICE_UNAVAILABLE = "service_unavailable"
    CRASH = "crash"


class EndReason(StrEnum):
    """Why a capture ended."""

    DURATION = "duration"
    MAX_RECORDS = "max_records"
    MAX_BYTES = "max_bytes"
    INTERRUPTED = "interrupted"
    STREAM_FAILED = "stream_failed"
    STORE_FAILED = "store_failed"

    @property
    def is_own_bound(self) -> bool:
        """Whether the capture ended as it was asked to."""
        return self in {EndReason.DURATION, EndReason.MAX_RECORDS, EndReason.MAX_BYTES}


class Step(StrEnum):
    """What the recorder does next."""

    OPEN = "open"
    RECEIVE = "receive"
    RENEW = "renew"
    CLOSE = "close"


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """When a capture ends; the first bound that is met wins.

    Attributes:
        duration_s: Length of the window.
        max_records: Lines to receive, or None for no such bound.
        max_bytes: Bytes of lines to receive, or None for no such bound.
        warm_up_s: Seconds between the first stream and the window's start.
        drain_s: Seconds of receiving behind the window's end.
        renew_after_s: Age at which a session is replaced; the service ends it
            at 3,600 s.
    """

    duration_s: float
    max_records: int | None = None
    max_bytes: int | None = None
    warm_up_s: float = 0.0
    drain_s: float = 0.0
    renew_after_s: float = 3540.0

    def __post_init__(self) -> None:
        """Check every bound.

        Raises:
            InvalidOption: A bound is not positive, a margin is negative, a time is
                longer than a year, or a session would end before it is renewed.
        """
        if not 0 < self.duration_s <= _LONGEST_S:
            allowed = "above 0 s, and a year at most"
            raise InvalidOption("duration", self.duration_s, allowed)
        if not 0 < self.renew_after_s < _SESSION_S:
            allowed = (
                f"above 0 s and below {_SESSION_S:g} s, the age of a session's end"
            )
            raise InvalidOption("renew_after", self.renew_after_s, allowed)
        for option in ("max_records", "max_bytes"):
            value = getattr(self, option)
            if value is not None and value < 1:
                raise InvalidOption(option, value, "at least 1")
        for option in ("warm_up", "drain"):
            if not 0 <= (value := getattr(self, f"{option}_s")) <= _LONGEST_S:
                raise InvalidOption(option, value, "at least 0 s, and a year at most")


@dataclass(frozen=True)
class Span:
    """A half-open span; ``reason`` is None where it was recorded."""

    start: float
    end: float
    reason: GapReason | None = None


@dataclass(frozen=True)
class Plan:
    """A step, and when to ask again at the latest."""

    step: Step
    until: float = math.inf


class CaptureWindow:
    """One capture from its first stream to its end."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.line_count = self.byte_count = self.message_count = 0
        self.duplicate_count = self.duplicate_bytes = 0
        self.end_reason: EndReason | None = None
        self._start: float | None = None
        self._end: float | None = None
        self._opened_at: float | None = None
        self._renewal_at = math.inf
        self._recorded: list[tuple[float, float]] = []
        self._losses: list[tuple[float, GapReason]] = []

    @property
    def start(self) -> float | None:
        """When the window starts; None before the first stream."""
        return self._start

    @property
    def end(self) -> float | None:
        """Where the window ends, exclusive; None before the first stream."""
        return self._end

    @property
    def lines_left(self) -> int | None:
        """Lines until ``max_records``; None without that bound."""
        bound = self.bounds.max_records
        return None if bound is None else max(0, bound - self.line_count)

    @property
    def bytes_left(self) -> int | None:
        """Bytes until ``max_bytes``; None without that bound."""
        bound = self.bounds.max_bytes
        return None if bound is None else max(0, bound - self.byte_count)

    def opened(self, now: float, *, session_age_s: float = 0.0) -> None:
        """A stream is open; the first one fixes the window.

        Told while one is open already, recording goes on without a gap.
        """
        if self._opened_at is None:
            self._opened_at = now
        self._renewal_at = now - session_age_s + self.bounds.renew_after_s
        if self._start is None:
            self._start = now + self.bounds.warm_up_s
            self._end = self._start + self.bounds.duration_s

    def renewing(self) -> None:
        """A renewal is under way; none is due until a stream opens or one fails."""
        self._renewal_at = math.inf

    def renew_at(self, at: float) -> None:
        """A renewal failed; try it again at ``at``."""
        self._renewal_at = at

    def repeated(self, *, lines: int, byte_count: int) -> None:
        """Lines arrived that were delivered before; they meet no bound."""
        self.duplicate_count += lines
        self.duplicate_bytes += byte_count

    def received(
        self, now: float, *, lines: int, byte_count: int, messages: int
    ) -> None:
        """Lines arrived; a count that is met ends the window at ``now``."""
        self.line_count += lines
        self.byte_count += byte_count
        self.message_count += messages
        if self.lines_left == 0:
            self.stop(now, EndReason.MAX_RECORDS)
        elif self.bytes_left == 0:
            self.stop(now, EndReason.MAX_BYTES)

    def recount(self, *, lines: int, byte_count: int) -> None:
        """Count what was kept: an interruption can fall between receiving and that."""
        self.line_count, self.byte_count = lines, byte_count

    def lost(self, now: float, reason: GapReason) -> None:
        """The stream ended; ``reason`` is that of the gap that opens now.

        Told again while no stream is open, it changes the reason from ``now`` on.
        """
        self._close_stream(now)
        self._losses.append((now, reason))

    def explain(self, reason: GapReason) -> None:
        """Correct the reason of the gap that is open: it was found out since."""
        if self._losses and self._opened_at is None:
            self._losses[-1] = (self._losses[-1][0], reason)

    def stop(self, now: float, reason: EndReason) -> None:
        """End the capture; only the first reason counts.

        A bound or a signal cuts the window at ``now``. After a failure the rest
        of the window was asked for and not recorded: it stays, as a gap.
        """
        if self.end_reason is not None:
            return
        self.end_reason = reason
        self._close_stream(now)
        cuts = reason.is_own_bound or reason is EndReason.INTERRUPTED
        if cuts and self._start is not None and self._end is not None:
            self._end = min(self._end, max(now, self._start))

    def plan(self, now: float) -> Plan:
        """Return the step that is due at ``now``; may end the capture."""
        closing_at = math.inf if self._end is None else self._end + self.bounds.drain_s
        if now >= closing_at:
            self.stop(now, EndReason.DURATION)
        if self.end_reason is not None:
            return Plan(Step.CLOSE)
        if self._opened_at is None:
            return Plan(Step.OPEN, closing_at)
        if now >= self._renewal_at:
            return Plan(Step.RENEW, closing_at)
        return Plan(Step.RECEIVE, min(self._renewal_at, closing_at))

    def spans(self, now: float) -> Iterator[Span]:
        """Yield the window up to ``now`` as recorded spans and gaps, in order.

        They touch, do not overlap, and fill the window. Spans of no length are
        left out.
        """
        if self._start is None or self._end is None:
            return
        end = self._end if self.end_reason is not None else min(now, self._end)
        at = self._start
        for opened, closed in self._open_spans(now):
            first, last = max(opened, at), min(closed, end)
            if first < last:
                yield from self._gaps_between(at, first)
                yield Span(first, last)
                at = last
        yield from self._gaps_between(at, end)

    def gaps(self, now: float) -> tuple[Span, ...]:
        """Return the gaps of the window up to ``now``, in order."""
        return tuple(span for span in self.spans(now) if span.reason is not None)

    def coverage(self, now: float) -> float:
        """Return the recorded share of the window up to ``now``, 0 to 1.

        A window of no length is covered (1.0) once a stream was open.
        """
        spans = list(self.spans(now))
        total = sum(span.end - span.start for span in spans)
        missing = sum(span.end - span.start for span in spans if span.reason)
        if total <= 0:
            return 1.0 if self._start is not None else 0.0
        return 1.0 - missing / total

    def _close_stream(self, now: float) -> None:
        if self._opened_at is not None:
            self._recorded.append((self._opened_at, now))
            self._opened_at = None

    def _open_spans(self, now: float) -> list[tuple[float, float]]:
        if self._opened_at is None:
            return self._recorded
        return [*self._recorded, (self._opened_at, now)]

    def _gaps_between(self, start: float, end: float) -> Iterator[Span]:
        """Yield the gaps of ``[start, end)``, cut where the reason changed."""
        while start < end:
            later = [at for at, _ in self._losses if start < at < end]
            stop = min(later, default=end)
            yield Span(start, stop, self._reason_at(start))
            start = stop

    def _reason_at(self, at: float) -> GapReason:
        told = [reason for since, reason in self._losses if since <= at]
        return told[-1] if told else GapReason.NOT_STARTED
