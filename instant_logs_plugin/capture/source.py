"""Where a capture's messages come from: one session's stream after the other.

Opens the first stream or fails; replaces a lost one for as long as the window
lasts, with growing, jittered pauses, ``Retry-After`` obeyed; and tells window and
ledger what happened and when.
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
from instant_logs_plugin.capture.opening import SessionOpener, backoff
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
        self._opened_at = 0.0
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
        that no retry mends ends the capture (``error`` holds it).
        """
        pauses = backoff(self._random)
        while self._clock.now() < until:
            try:
                return await self._open(await self._opener.try_create())
            except InstantLogsError as exc:
                if not (is_transient(exc) or isinstance(exc, ZoneBusy)):
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
        try:
            async with asyncio.timeout(max(0.0, until - self._clock.now())):
                messages = await self._stream.read_batch()
        except TimeoutError:
            return Framed(), 0
        except StreamError as exc:
            return await self.end(self._loss_reason(exc)), 0
        return self._rewritten(self._framer.feed(messages)), len(messages)

    async def end(self, reason: GapReason) -> Framed:
        """Close the stream because of ``reason``; return its unfinished line."""
        now = self._clock.now()
        self._window.lost(now, reason)
        self._ledger.session_ended(now, reason.value)
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
        self._stream = await self._exit.enter_async_context(
            self._open_stream(session.url)
        )
        self._framer = LineFramer()
        now = self._opened_at = self._clock.now()
        self._window.opened(now)
        self._ledger.session_opened(now, session.fingerprint)
        extra = {"session": session.fingerprint}
        _log.info("instant_logs.session_opened", extra=extra)

    def _loss_reason(self, exc: StreamError) -> GapReason:
        """An end at a session's full age is its expiry, however it looked."""
        age_s = self._clock.now() - self._opened_at
        if age_s >= SESSION_LIFETIME_S - _EXPIRY_TOLERANCE_S:
            return GapReason.SESSION_EXPIRED
        return gap_reason(exc)


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
