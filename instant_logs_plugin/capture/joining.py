"""Opening streams: the first, the next, and one again after a loss.

The one place that decides how often and how fast the service is asked: pauses grow,
with full jitter, and never are shorter than the service asked for; a stream that
lived too short is not replaced at once; a lost session is joined again only if it
can be alive, and once; one whose handshake was refused for the moment is tried again
before another is created; a capture has a budget of tries.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from random import Random

from instant_logs_plugin.capture.clock import Clock
from instant_logs_plugin.capture.joined import JoinedStream, OpenStream
from instant_logs_plugin.capture.opening import Holder, SessionOpener, backoff
from instant_logs_plugin.capture.window import GapReason
from instant_logs_plugin.edge.session import SESSION_UNREAD_S, Session
from instant_logs_plugin.errors import (
    InstantLogsError,
    RateLimited,
    ReconnectsSpent,
    SessionExpired,
    SessionSuperseded,
    StreamError,
    StreamRefused,
    StreamSilent,
    ZoneBusy,
    is_transient,
)

__all__ = ["StreamJoiner", "gap_reason", "pause_after"]

_STEADY_S = 5.0
"""A stream that lived as long is replaced at once, a shorter one after a pause."""
_SHORT_LIFE_PAUSE_S = 2.0
"""The longest pause behind a stream that lived shorter, but brought something."""
_TOO_MANY, _SERVER_ERROR = 429, 500
_LOOK_S = 2.0
"""How long a look at the session list may hold up joining a session again."""


class StreamJoiner:
    """Opens the streams of one capture.

    Args:
        opener: Creates the sessions.
        open_stream: Opens the stream of a session.
        clock: Both clocks.
        random: For jitter.
        read_deadline_s: Told to each stream.
        max_reconnects: How many tries to replace lost streams there are in all.
    """

    def __init__(
        self,
        opener: SessionOpener,
        open_stream: OpenStream,
        *,
        clock: Clock,
        random: Random,
        read_deadline_s: float,
        max_reconnects: int,
    ) -> None:
        self._opener = opener
        self._open_stream = open_stream
        self._clock = clock
        self._random = random
        self._read_deadline_s = read_deadline_s
        self._max_reconnects = self._reconnects_left = max_reconnects
        self._pauses, self._short_pauses = self._fresh_pauses()
        self._refused: tuple[Session, float] | None = None

    async def first(self, timeout_s: float) -> JoinedStream:
        """Open the capture's first stream; waits for a taken zone by the policy.

        Raises:
            InstantLogsError: The zone stayed taken, the service refused, or could
                not be reached within the timeout.
        """
        deadline = self._clock.now() + timeout_s
        while True:
            try:
                return await self._open(self._opener.create)
            except InstantLogsError as exc:
                pause_s = pause_after(exc, next(self._pauses))
                too_late = self._clock.now() + pause_s > deadline
                if too_late or not is_transient(exc):
                    raise
                extra = {"error": str(exc), "pause_s": pause_s}
                self._opener.log.info("instant_logs.open_retried", extra=extra)
            await asyncio.sleep(pause_s)

    async def next(self) -> JoinedStream:
        """Open the stream of a session of our own: one try.

        Raises:
            InstantLogsError: The zone is somebody else's, or it did not work.
        """
        return await self._open(self._opener.try_create)

    async def again(
        self,
        ended: JoinedStream,
        *,
        cause: InstantLogsError | None,
        may_be_alive: bool,
        explain: Callable[[GapReason], None],
    ) -> JoinedStream:
        """Replace a stream that ended; tries until it works or nothing can mend it.

        A zone that somebody else took is waited for, never taken back; the waiting
        costs no try.

        Args:
            ended: The stream before.
            cause: What ended it, if that was an error.
            may_be_alive: Whether its session can have outlived it.
            explain: Told why there is no stream, whenever that is found out.

        Raises:
            InstantLogsError: No retry mends it.
            ReconnectsSpent: It was one try too many.
        """
        await asyncio.sleep(self._pause_behind(ended))
        if may_be_alive and ended.message_count:
            joined = await self._rejoin(ended, cause, explain)
            if joined is not None:
                return joined
        while True:
            self._spend(cause)
            pause_s = next(self._pauses)
            try:
                return await self.next()
            except ZoneBusy as exc:
                self._reconnects_left += 1
                pause_s, cause = min(pause_s, self._opener.busy.poll_s), exc
            except InstantLogsError as exc:
                if not is_transient(exc):
                    raise
                cause = exc
            explain(gap_reason(cause))
            await asyncio.sleep(pause_after(cause, pause_s))

    def _pause_behind(self, ended: JoinedStream) -> float:
        """Return the pause before a stream is replaced: none if it lived for a while.

        One that brought nothing is like a refusal: pauses go on growing.
        """
        if ended.lived_s >= _STEADY_S:
            self._pauses, self._short_pauses = self._fresh_pauses()
            return 0.0
        if not ended.message_count:
            return next(self._pauses)
        self._pauses, _ = self._fresh_pauses()
        return next(self._short_pauses)

    def _fresh_pauses(self) -> tuple[Iterator[float], Iterator[float]]:
        return backoff(self._random), backoff(self._random, most_s=_SHORT_LIFE_PAUSE_S)

    async def _rejoin(
        self,
        ended: JoinedStream,
        cause: InstantLogsError | None,
        explain: Callable[[GapReason], None],
    ) -> JoinedStream | None:
        """Join a session again, once, unless somebody else took the zone meanwhile."""
        if await self._find_holder() is Holder.STRANGER:
            explain(GapReason.SESSION_SUPERSEDED)
            return None
        self._spend(cause)
        try:
            return await self._join(ended.session, ended.created_at)
        except StreamError as exc:
            await asyncio.sleep(pause_after(exc, 0.0))
            return None

    async def _find_holder(self) -> Holder | None:
        """Tell whose the zone is; None when the service does not tell soon."""
        try:
            async with asyncio.timeout(_LOOK_S):
                return await self._opener.find_holder()
        except (InstantLogsError, TimeoutError):
            return None

    def _spend(self, cause: InstantLogsError | None) -> None:
        if self._reconnects_left <= 0:
            words = str(cause) if cause else "the stream ended"
            raise ReconnectsSpent(self._max_reconnects, words) from cause
        self._reconnects_left -= 1

    async def _open(self, create: Callable[[], Awaitable[Session]]) -> JoinedStream:
        """Open the stream of the session that was refused before, or of a new one."""
        session, created_at = await self._take_refused() or (
            await create(),
            self._clock.now(),
        )
        try:
            return await self._join(session, created_at)
        except StreamRefused as exc:
            if _is_for_the_moment(exc):
                self._refused = session, created_at
            raise

    async def _take_refused(self) -> tuple[Session, float] | None:
        """Return the session of the last handshake, if it may still be there.

        A handshake does not tell: one with a session that is gone gets a 429, too.
        """
        refused, self._refused = self._refused, None
        if refused is None or self._clock.now() >= refused[1] + SESSION_UNREAD_S:
            return None
        return refused if await self._find_holder() in {Holder.US, None} else None

    async def _join(self, session: Session, created_at: float) -> JoinedStream:
        return await JoinedStream.join(
            session,
            self._open_stream,
            created_at=created_at,
            clock=self._clock,
            read_deadline_s=self._read_deadline_s,
        )


def gap_reason(exc: InstantLogsError) -> GapReason:
    """Return the reason that an error gives to a gap."""
    for kind, reason in _GAP_REASONS.items():
        if isinstance(exc, kind):
            return reason
    return GapReason.SERVICE_UNAVAILABLE


_GAP_REASONS: dict[type[InstantLogsError], GapReason] = {
    RateLimited: GapReason.RATE_LIMITED,
    SessionExpired: GapReason.SESSION_EXPIRED,
    SessionSuperseded: GapReason.SESSION_SUPERSEDED,
    StreamSilent: GapReason.STREAM_SILENT,
    StreamError: GapReason.STREAM_LOST,
    ZoneBusy: GapReason.SESSION_SUPERSEDED,
}


def _is_for_the_moment(exc: StreamRefused) -> bool:
    """Tell whether a handshake failed for what passes, not for want of the session."""
    return exc.status is None or exc.status == _TOO_MANY or exc.status >= _SERVER_ERROR


def pause_after(exc: InstantLogsError, pause_s: float) -> float:
    """Return the pause before the next try: never less than was asked for."""
    return max(pause_s, getattr(exc, "retry_after_s", None) or 0.0)
