"""Where a capture's messages come from: one session's stream after the other.

Opens the first stream or fails; replaces a lost one for as long as the window
lasts, with growing, jittered pauses, ``Retry-After`` obeyed; and tells window and
ledger what happened and when.

A stream that ends is joined once more if its session can still be alive: that loses
less than a new session. A stream that falls silent is ambiguous: the session list
tells a quiet zone from a session that is gone or was superseded.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from random import Random

from instant_logs_plugin.capture.clock import Clock
from instant_logs_plugin.capture.framing import Framed, LineFramer
from instant_logs_plugin.capture.ledger import Ledger
from instant_logs_plugin.capture.opening import Holder, SessionOpener, backoff
from instant_logs_plugin.capture.window import CaptureWindow, EndReason, GapReason
from instant_logs_plugin.edge.session import SESSION_LIFETIME_S, SecretUrl, Session
from instant_logs_plugin.edge.stream import Stream
from instant_logs_plugin.errors import (
    InstantLogsError,
    RateLimited,
    SessionExpired,
    SessionSuperseded,
    StreamError,
    StreamLost,
    StreamSilent,
    ZoneBusy,
    is_transient,
)

__all__ = ["OpenStream", "StreamSource"]

_log = logging.getLogger(__name__)

_EXPIRY_TOLERANCE_S = 5.0
_RECONNECTS = 1_000
_BUSY_MESSAGES = 20
"""Expected in a read deadline; none of them by chance: once in 500 million."""

OpenStream = Callable[[SecretUrl], AbstractAsyncContextManager[Stream]]


class StreamSource:
    """The streams of one capture; at most one is open.

    Args:
        opener: Creates the sessions.
        open_stream: Opens the stream of a session.
        window: Told when streams open and end.
        ledger: Told which sessions took part.
        clock: Both clocks.
        random: For jitter.
        open_timeout_s: How long the first session is tried for while the
            service cannot be reached.
        rewrite: Applied to lines before anybody else sees them; keeps newlines.
    """

    def __init__(
        self,
        opener: SessionOpener,
        open_stream: OpenStream,
        *,
        window: CaptureWindow,
        ledger: Ledger,
        clock: Clock,
        random: Random,
        open_timeout_s: float,
        rewrite: Callable[[bytes], bytes],
    ) -> None:
        self._opener = opener
        self._open_stream = open_stream
        self._window = window
        self._ledger = ledger
        self._clock = clock
        self._random = random
        self._open_timeout_s = open_timeout_s
        self._rewrite = rewrite
        self._stream: Stream | None = None
        self._exit = contextlib.AsyncExitStack()
        self._framer = LineFramer()
        self._session: Session | None = None
        self._created_at = self._opened_at = 0.0
        self._message_count = 0
        self._message_at = self._ask_at = 0.0
        self._reconnects_left = _RECONNECTS
        self.error: InstantLogsError | None = None

    async def open_first(self) -> None:
        """Open the capture's first stream; waits for a taken zone by the policy.

        Raises:
            InstantLogsError: The zone stayed taken, the service refused, or could
                not be reached within the timeout.
        """
        deadline = self._clock.now() + self._open_timeout_s
        pauses = backoff(self._random)
        while True:
            try:
                return await self._open(await self._opener.create())
            except InstantLogsError as exc:
                pause_s = _pause_s(exc, next(pauses))
                too_late = self._clock.now() + pause_s > deadline
                if too_late or not is_transient(exc):
                    raise
                _log.info("instant_logs.open_retried", extra={"pause_s": pause_s})
            await asyncio.sleep(pause_s)

    async def reopen(self, until: float) -> None:
        """Replace the stream that ended; gives up at ``until``.

        A zone that somebody else took is waited for, never taken back. An error
        that no retry mends, and one too many, ends the capture (``error`` holds it).
        """
        if await self._rejoin():
            return None
        pauses = backoff(self._random)
        while self._clock.now() < until:
            self._reconnects_left -= 1
            try:
                return await self._open(await self._opener.try_create())
            except InstantLogsError as exc:
                is_mendable = is_transient(exc) or isinstance(exc, ZoneBusy)
                if not is_mendable or self._reconnects_left <= 0:
                    self.error = exc
                    self._window.stop(self._clock.now(), EndReason.STREAM_FAILED)
                    return None
                self._window.explain(gap_reason(exc))
                pause_s = _pause_s(exc, next(pauses))
            await asyncio.sleep(min(pause_s, max(0.0, until - self._clock.now())))
        return None

    async def read(self, until: float) -> tuple[Framed, int]:
        """Return the lines that arrived and the count of their messages.

        Returns with none at ``until``, or when the stream ended: then the window
        and the ledger have been told, and the last, unfinished line is returned.
        """
        if self._stream is None:
            raise StreamLost(1006, "no stream is open")
        deadline = min(until, self._ask_at)
        try:
            async with asyncio.timeout(max(0.0, deadline - self._clock.now())):
                messages = await self._stream.read_batch()
        except TimeoutError:
            return await self._ask_for_session(until), 0
        except StreamError as exc:
            dead_s = self._stream.unheard_s
            return await self.end(self._loss_reason(exc), dead_s=dead_s), 0
        self._heard(len(messages))
        return self._rewritten(self._framer.feed(messages)), len(messages)

    async def end(self, reason: GapReason, *, dead_s: float = 0.0) -> Framed:
        """Close the stream because of ``reason``; return its unfinished line.

        Args:
            reason: Why nothing is recorded from then on.
            dead_s: For how long nothing could be recorded already.
        """
        now = self._clock.now()
        self._window.lost(max(self._opened_at, now - dead_s), reason)
        self._ledger.session_ended(now, reason.value)
        if reason in _ENDS_SESSION:
            self._session = None
        _log.warning("instant_logs.stream_ended", extra={"reason": reason.value})
        return await self.close(reason.value)

    async def close(self, reason: str) -> Framed:
        """Close the stream, if one is open; return its unfinished line."""
        self._ledger.session_ended(self._clock.now(), reason)
        self._stream = None
        await self._exit.aclose()
        return self._rewritten(self._framer.flush())

    def abandon(self) -> Framed:
        """Let go of the stream without waiting; return its unfinished line."""
        self._ledger.session_ended(self._clock.now(), EndReason.INTERRUPTED.value)
        return self._rewritten(self._framer.flush())

    def _rewritten(self, framed: Framed) -> Framed:
        return Framed(self._rewrite(framed.data), framed.line_count)

    async def _open(self, session: Session) -> None:
        self._session, self._created_at = session, self._clock.now()
        await self._join(session)

    async def _rejoin(self) -> bool:
        """Join the session of the stream that ended, once; it may still be alive.

        Not if that stream brought nothing: a dead URL is not hammered.
        """
        session, self._session = self._session, None
        if session is None or not self._message_count:
            return False
        try:
            await self._join(session)
        except StreamError:
            return False
        self._session = session
        return True

    async def _join(self, session: Session) -> None:
        self._stream = await self._exit.enter_async_context(
            self._open_stream(session.url)
        )
        self._framer, self._message_count = LineFramer(), 0
        now = self._opened_at = self._clock.now()
        self._heard(0)
        self._window.opened(now, session_age_s=now - self._created_at)
        self._ledger.session_opened(now, session.fingerprint)
        extra = {"session": session.fingerprint}
        _log.info("instant_logs.session_opened", extra=extra)

    def _heard(self, message_count: int) -> None:
        self._message_count += message_count
        self._message_at = self._clock.now()
        if self._stream is not None:
            self._ask_at = self._message_at + self._stream.read_deadline_s

    async def _ask_for_session(self, until: float) -> Framed:
        """After a silence: go on if the zone is quiet, end the stream if it is deaf."""
        if self._stream is None or self._clock.now() >= until:
            return Framed()
        reason = await self._why_silent(until)
        now = self._clock.now()
        self._ask_at = now + self._stream.read_deadline_s
        if reason is None:
            return Framed()
        return await self.end(reason, dead_s=now - self._message_at)

    async def _why_silent(self, until: float) -> GapReason | None:
        """Return what ended or deafened the stream, or None if nothing is known to."""
        try:
            async with asyncio.timeout(max(0.0, until - self._clock.now())):
                holder = await self._opener.find_holder()
        except (InstantLogsError, TimeoutError):
            return None
        match holder:
            case Holder.STRANGER:
                return GapReason.SESSION_SUPERSEDED
            case Holder.NOBODY:
                return GapReason.SESSION_EXPIRED
        return GapReason.STREAM_SILENT if self._was_busy() else None

    def _was_busy(self) -> bool:
        """Tell whether a silence of a read deadline cannot be chance."""
        if self._stream is None:
            return False
        heard_s = max(self._message_at - self._opened_at, 1e-3)
        expected = self._message_count / heard_s * self._stream.read_deadline_s
        return expected >= _BUSY_MESSAGES and self._message_count >= _BUSY_MESSAGES

    def _loss_reason(self, exc: StreamError) -> GapReason:
        """An end at a session's full age is its expiry, however it looked."""
        age_s = self._clock.now() - self._opened_at
        if age_s >= SESSION_LIFETIME_S - _EXPIRY_TOLERANCE_S:
            return GapReason.SESSION_EXPIRED
        return gap_reason(exc)


_ENDS_SESSION = {
    GapReason.RENEWAL,
    GapReason.SESSION_EXPIRED,
    GapReason.SESSION_SUPERSEDED,
    GapReason.STREAM_SILENT,
}
"""Behind these the session itself is no use any more."""


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


def _pause_s(exc: InstantLogsError, pause_s: float) -> float:
    """Return the pause before the next try: never less than was asked for."""
    return max(pause_s, getattr(exc, "retry_after_s", None) or 0.0)
