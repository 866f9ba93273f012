"""Where a capture's messages come from: one session's stream after the other.

Reads the open stream, and tells window and ledger what happened and when.

A stream that falls silent is ambiguous: the session list tells a quiet zone from a
session that is gone or was superseded. A session that grows old is renewed while
its stream is still read: the next stream is open before the old one is closed,
unless the service wants the old one gone first.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from instant_logs_plugin.capture.clock import Clock
from instant_logs_plugin.capture.framing import Framed
from instant_logs_plugin.capture.joined import JoinedStream
from instant_logs_plugin.capture.joining import StreamJoiner, gap_reason, pause_after
from instant_logs_plugin.capture.ledger import Ledger
from instant_logs_plugin.capture.opening import Holder, SessionOpener
from instant_logs_plugin.capture.overlap import Overlap
from instant_logs_plugin.capture.window import CaptureWindow, EndReason, GapReason
from instant_logs_plugin.errors import (
    InstantLogsError,
    StreamError,
    StreamLost,
    ZoneBusy,
)

__all__ = ["Received", "StreamSource"]

_POLL_S = 0.05
_RENEW_AGAIN_S = 2.0
_ABNORMAL_CLOSURE = 1006
_NO_LINES = Framed()


@dataclass(frozen=True, slots=True)
class Received:
    """What arrived.

    Attributes:
        framed: The lines to keep.
        message_count: Messages that all lines came in.
        duplicate_count: Lines beside them that an earlier stream had delivered.
        duplicate_bytes: Their bytes.
    """

    framed: Framed = _NO_LINES
    message_count: int = 0
    duplicate_count: int = 0
    duplicate_bytes: int = 0


class StreamSource:
    """The streams of one capture; one is open, or two for a moment while renewing.

    Args:
        joiner: Opens the streams.
        opener: Knows whose session the zone has.
        window: Told when streams open and end.
        ledger: Told which sessions took part.
        clock: Both clocks.
        overlap: Knows what was delivered already.
        rewrite: Applied to lines before they leave; keeps newlines.
    """

    def __init__(
        self,
        joiner: StreamJoiner,
        opener: SessionOpener,
        *,
        window: CaptureWindow,
        ledger: Ledger,
        clock: Clock,
        overlap: Overlap,
        rewrite: Callable[[bytes], bytes],
    ) -> None:
        self._joiner = joiner
        self._opener = opener
        self._window = window
        self._ledger = ledger
        self._clock = clock
        self._log = opener.log
        self._overlap = overlap
        self._rewrite = rewrite
        self._joined: JoinedStream | None = None
        self._renewal: asyncio.Task[JoinedStream] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._ending: _Ending | None = None
        self.error: InstantLogsError | None = None

    async def open_first(self, timeout_s: float) -> None:
        """Open the capture's first stream; waits for a taken zone by the policy.

        Raises:
            InstantLogsError: The zone stayed taken, the service refused, or could
                not be reached within the timeout.
        """
        self._adopt(await self._joiner.first(timeout_s))

    async def reopen(self, until: float) -> None:
        """Replace the stream that ended; gives up at ``until``.

        An error that no retry mends, and one too many, ends the capture (``error``
        holds it).
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, until - self._clock.now())):
                try:
                    self._adopt(await self._replacement())
                except InstantLogsError as exc:
                    self.error = exc
                    self._window.stop(self._clock.now(), EndReason.STREAM_FAILED)

    def renew(self) -> None:
        """Begin to open the next session's stream, while this one goes on."""
        self._window.renewing()
        self._renewal = asyncio.create_task(self._joiner.next())

    async def read(self, until: float) -> Received:
        """Return what arrived.

        Returns with nothing at ``until``, or when the stream ended: then the window
        and the ledger have been told, and the last, unfinished line is returned.
        """
        joined = self._joined
        if joined is None:
            raise StreamLost(_ABNORMAL_CLOSURE, "no stream is open")
        if self._renewal is not None and self._renewal.done():
            return await self._finish_renewal(joined, self._renewal)
        now = self._clock.now()
        deadline = min(until, joined.ask_at if self._renewal is None else now + _POLL_S)
        try:
            async with asyncio.timeout(max(0.0, deadline - now)):
                framed, message_count = await joined.read()
        except TimeoutError:
            return await self._ask_for_session(joined, until)
        except StreamError as exc:
            reason = self._loss_reason(joined, exc)
            return await self.end(reason, dead_s=joined.unheard_s, cause=exc)
        return self._received(framed, message_count)

    async def end(
        self,
        reason: GapReason,
        *,
        dead_s: float = 0.0,
        cause: InstantLogsError | None = None,
    ) -> Received:
        """Close the stream because of ``reason``; return its unfinished line.

        Args:
            reason: Why nothing is recorded from then on.
            dead_s: For how long nothing could be recorded already.
            cause: The error that ended it, if one did.
        """
        now, joined = self._clock.now(), self._joined
        if joined is None:
            return Received()
        self._ending = _Ending(joined, reason, cause)
        self._window.lost(max(joined.opened_at, now - dead_s), reason)
        self._log.warning("instant_logs.stream_lost", extra={"reason": reason.value})
        return await self._leave(joined, reason.value)

    def let_go(self, reason: str) -> Received:
        """Begin to close what is open, without waiting; return what it holds."""
        if self._renewal is not None:
            self._renewal.cancel()
        joined, self._joined = self._joined, None
        if joined is None:
            return Received()
        self._closing = asyncio.create_task(joined.close())
        return self._last_of(joined, reason)

    async def close(self, reason: str) -> None:
        """Close what is open, and wait for it and for what is being created."""
        self.let_go(reason)
        await self._drop_renewal()
        await self._opener.settle()
        if self._closing is not None:
            await self._closing

    async def _leave(self, joined: JoinedStream, reason: str) -> Received:
        self._joined = None
        received = self._last_of(joined, reason)
        await joined.close()
        return received

    def _last_of(self, joined: JoinedStream, reason: str) -> Received:
        self._ledger.session_ended(self._clock.now(), reason)
        return self._received(*joined.take())

    def _received(self, framed: Framed, message_count: int) -> Received:
        kept = self._overlap.keep(framed, self._clock.now())
        return Received(
            Framed(self._rewrite(kept.data), kept.line_count),
            message_count,
            framed.line_count - kept.line_count,
            framed.byte_count - kept.byte_count,
        )

    def _adopt(self, joined: JoinedStream) -> None:
        self._joined = joined
        self._overlap.opened(joined.opened_at)
        age_s = joined.opened_at - joined.created_at
        self._window.opened(joined.opened_at, session_age_s=age_s)
        fingerprint = joined.session.fingerprint
        self._ledger.session_opened(joined.opened_at, fingerprint)
        self._log.info("instant_logs.session_opened", extra={"session": fingerprint})
        self._tell_of_gap(joined.opened_at)

    def _tell_of_gap(self, ended_at: float) -> None:
        """Tell how long nothing was recorded, if a stream ends a gap of the window."""
        for gap in self._window.gaps(ended_at)[-1:]:
            if gap.end == ended_at and gap.reason is not None:
                extra = {"gap_s": gap.end - gap.start, "reason": gap.reason.value}
                self._log.warning("instant_logs.gap_closed", extra=extra)

    async def _replacement(self) -> JoinedStream:
        """Return the stream of a renewal that is under way, or another one."""
        if self._renewal is not None:
            await asyncio.wait({self._renewal})
            renewal, self._renewal = self._renewal, None
            with contextlib.suppress(InstantLogsError):
                return renewal.result()
        ending = self._ending
        if ending is None:
            return await self._joiner.next()
        return await self._joiner.again(
            ending.joined,
            cause=ending.cause,
            may_be_alive=ending.reason not in _ENDS_SESSION,
            explain=self._window.explain,
        )

    async def _finish_renewal(
        self, old: JoinedStream, renewal: asyncio.Task[JoinedStream]
    ) -> Received:
        """Go over to the stream of a renewal, or decide what its failure means."""
        self._renewal = None
        try:
            new = renewal.result()
        except ZoneBusy:
            # The service wants the old session gone first.
            return await self.end(GapReason.RENEWAL)
        except InstantLogsError as exc:
            self._log.warning("instant_logs.renewal_failed", extra={"error": str(exc)})
            pause_s = pause_after(exc, _RENEW_AGAIN_S)
            self._window.renew_at(self._clock.now() + pause_s)
            return Received()
        return await self._go_over(old, new)

    async def _go_over(self, old: JoinedStream, new: JoinedStream) -> Received:
        """Leave the old stream for the new one.

        Creating a session ends the one before: from then on the old stream counts
        as recorded only for as long as it was heard.
        """
        heard_until = max(new.created_at, old.heard_at(self._clock.now()))
        if heard_until < new.opened_at:
            self._window.lost(heard_until, GapReason.RENEWAL)
        rest = await self._leave(old, GapReason.RENEWAL.value)
        self._adopt(new)
        return rest

    async def _drop_renewal(self) -> None:
        renewal, self._renewal = self._renewal, None
        if renewal is None:
            return
        renewal.cancel()
        (result,) = await asyncio.gather(renewal, return_exceptions=True)
        if isinstance(result, JoinedStream):
            await result.close()

    async def _ask_for_session(self, joined: JoinedStream, until: float) -> Received:
        """After a silence: go on if the zone is quiet, end the stream if it is deaf."""
        if self._renewal is not None or self._clock.now() >= until:
            return Received()
        reason = await self._why_silent(joined, until)
        joined.ask_later()
        if reason is None:
            return Received()
        return await self.end(reason, dead_s=joined.silent_s)

    async def _why_silent(self, joined: JoinedStream, until: float) -> GapReason | None:
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
        return GapReason.STREAM_SILENT if joined.was_busy() else None

    def _loss_reason(self, joined: JoinedStream, exc: StreamError) -> GapReason:
        """The end of a session's time is its expiry, however it looked."""
        if self._renewal is not None:
            return GapReason.RENEWAL
        return GapReason.SESSION_EXPIRED if joined.is_at_full_age else gap_reason(exc)


@dataclass(frozen=True)
class _Ending:
    """How the last stream ended."""

    joined: JoinedStream
    reason: GapReason
    cause: InstantLogsError | None


_ENDS_SESSION = {
    GapReason.RENEWAL,
    GapReason.SESSION_EXPIRED,
    GapReason.SESSION_SUPERSEDED,
    GapReason.STREAM_SILENT,
}
"""Behind these the session itself is no use any more."""
