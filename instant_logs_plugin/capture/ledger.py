"""The ledger of a capture: every line in one column, every session with its end.

Pure: it is told what happened and renders the manifest. ``received`` is counted
where lines leave the stream, ``written`` and ``rejected`` where they reach the
store, so that the two sides prove each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from instant_logs_plugin.capture.clock import Clock
from instant_logs_plugin.capture.options import CaptureOptions
from instant_logs_plugin.capture.window import CaptureWindow, EndReason
from instant_logs_plugin.lease.held import Lease
from instant_logs_plugin.store.manifest import (
    CaptureState,
    Gap,
    Inbox,
    Manifest,
    Request,
    Sampling,
    Segment,
    SessionSpan,
    WindowSpan,
)

__all__ = ["Committed", "Ledger"]


@dataclass(frozen=True, kw_only=True)
class Committed:
    """What became of one sealed segment.

    Attributes:
        segment: The Parquet file, or None when every line was a reject.
        written: Rows in it.
        rejected: Lines that are no valid record.
        late: Rows older than their session, beyond a tolerance.
        interval_min: Smallest sample interval, or None when no row carries one.
        interval_max: Largest sample interval, or None when no row carries one.
    """

    segment: Segment | None
    written: int
    rejected: int
    late: int = 0
    interval_min: int | None = None
    interval_max: int | None = None


class Ledger:
    """The books of one running capture.

    Args:
        capture_id: The capture's id.
        options: What was asked.
        window: The capture's state machine; read, never told.
        versions: Names and versions of what took part.
        clock: Turns the window's times into wall times.
        lease: The zone's lease; None where nobody vouches for the zone.

    Attributes:
        fingerprints: Of every session that was created, used or not.
        on_session: Called after each change of what is known of the sessions.
    """

    def __init__(
        self,
        capture_id: str,
        options: CaptureOptions,
        window: CaptureWindow,
        *,
        versions: Mapping[str, str],
        clock: Clock,
        lease: Lease | None = None,
    ) -> None:
        self.capture_id = capture_id
        self.inbox_high_water_bytes = 0
        self._options = options
        self._window = window
        self._versions = dict(versions)
        self._to_wall = clock.to_wall
        self._started_at = clock.wall_start
        self._lease = lease
        self.fingerprints: list[str] = []
        self.on_session: Callable[[], None] = lambda: None
        self._sessions: list[SessionSpan] = []
        self._committed: tuple[Committed, ...] = ()

    @property
    def rejected(self) -> int:
        """Rejects committed so far."""
        return sum(done.rejected for done in self._committed)

    @property
    def sessions(self) -> tuple[SessionSpan, ...]:
        """The sessions' streams so far, in order."""
        return tuple(self._sessions)

    def session_created(self, fingerprint: str) -> None:
        """A session exists; its stream is not open yet."""
        self.fingerprints.append(fingerprint)
        self.on_session()

    def session_opened(self, now: float, fingerprint: str) -> None:
        """A session's stream is open."""
        opened_at = self._to_wall(now)
        self._sessions.append(SessionSpan(opened_at=opened_at, fingerprint=fingerprint))
        self.on_session()

    def session_ended(self, now: float, reason: str) -> None:
        """The stream of the last session ended; only its first end counts."""
        if self._sessions and self._sessions[-1].ended_at is None:
            ended = replace(
                self._sessions[-1], ended_at=self._to_wall(now), end_reason=reason
            )
            self._sessions[-1] = ended
            self.on_session()

    def settle(self, committed: Sequence[Committed]) -> None:
        """These sealed segments have reached the store so far."""
        self._committed = tuple(committed)

    def manifest(self, now: float, *, is_final: bool, error: str | None) -> Manifest:
        """Return the books as they stand at ``now``.

        Args:
            now: Monotonic time, of the window's clock.
            is_final: False renders the state ``recording``.
            error: Why the capture failed, or None.
        """
        window = self._window
        return Manifest(
            capture_id=self.capture_id,
            zone_id=self._options.zone_id,
            state=self._state(now) if is_final else CaptureState.RECORDING,
            end_reason=window.end_reason.value if window.end_reason else None,
            error=error,
            request=self._request(),
            labels=dict(self._options.labels),
            window=self._window_span(),
            started_at=self._started_at,
            ended_at=self._to_wall(now) if is_final else None,
            received=window.line_count + window.duplicate_count,
            written=sum(done.written for done in self._committed),
            rejected=self.rejected,
            duplicates=window.duplicate_count,
            late=sum(done.late for done in self._committed),
            bytes=window.byte_count + window.duplicate_bytes,
            messages=window.message_count,
            sessions=tuple(self._sessions),
            gaps=self._gaps(now),
            coverage=round(window.coverage(now), 6),
            segments=tuple(d.segment for d in self._committed if d.segment),
            sampling=self._sampling(),
            inbox=Inbox(high_water_bytes=self.inbox_high_water_bytes),
            lease_lost_at=self._lease.lost_at if self._lease else None,
            versions=self._versions,
        )

    def _state(self, now: float) -> CaptureState:
        reason = self._window.end_reason
        if reason is EndReason.INTERRUPTED:
            return CaptureState.INTERRUPTED
        if reason is None or not reason.is_own_bound:
            return CaptureState.FAILED
        gaps = self._window.gaps(now)
        return CaptureState.PARTIAL if gaps else CaptureState.COMPLETE

    def _request(self) -> Request:
        asked = self._options
        return Request(
            fields=asked.fields,
            filter=asked.filter,
            sample=asked.sample,
            preset=asked.preset,
            anonymize_ip=asked.anonymize_ip.value,
            redact_query=asked.redact_query,
            drop_fields=asked.drop_fields,
        )

    def _window_span(self) -> WindowSpan:
        start, end = self._window.start, self._window.end
        if start is None or end is None:
            return WindowSpan()
        return WindowSpan(start=self._to_wall(start), end=self._to_wall(end))

    def _gaps(self, now: float) -> tuple[Gap, ...]:
        return tuple(
            Gap(
                started_at=self._to_wall(gap.start),
                ended_at=self._to_wall(gap.end),
                reason=gap.reason.value,
            )
            for gap in self._window.gaps(now)
            if gap.reason is not None
        )

    def _sampling(self) -> Sampling:
        low = [d.interval_min for d in self._committed if d.interval_min is not None]
        high = [d.interval_max for d in self._committed if d.interval_max is not None]
        return Sampling(
            model=self._options.sampling_model,
            min=min(low, default=None),
            max=max(high, default=None),
        )
