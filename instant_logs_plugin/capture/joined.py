"""One open stream of a session, read as lines, with what its silences mean."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Self

from instant_logs_plugin.capture.clock import Clock
from instant_logs_plugin.capture.framing import Framed, LineFramer
from instant_logs_plugin.edge.frames import Message
from instant_logs_plugin.edge.session import SESSION_LIFETIME_S, SecretUrl, Session
from instant_logs_plugin.edge.stream import Stream

__all__ = ["JoinedStream", "OpenStream"]

OpenStream = Callable[[SecretUrl], AbstractAsyncContextManager[Stream]]

_EXPIRY_TOLERANCE_S = 5.0
_BUSY_MESSAGES = 20
"""Expected in a read deadline; none of them by chance: once in 500 million."""


class JoinedStream:
    """A stream from its handshake to its close; made by `join`.

    Attributes:
        session: Whose stream it is.
        created_at: When the session was created; monotonic seconds.
        opened_at: When the stream was open.
        message_count: Messages so far.
        ask_at: When, without a message until then, to ask for the session.
    """

    def __init__(
        self,
        session: Session,
        stream: Stream,
        *,
        created_at: float,
        clock: Clock,
        read_deadline_s: float,
        leave: contextlib.AsyncExitStack,
    ) -> None:
        self.session, self.created_at = session, created_at
        self.opened_at = self._message_at = clock.now()
        self.ask_at = self.opened_at + read_deadline_s
        self.message_count = 0
        self._stream, self._leave = stream, leave
        self._clock, self._read_deadline_s = clock, read_deadline_s
        self._framer = LineFramer()

    @classmethod
    async def join(
        cls,
        session: Session,
        open_stream: OpenStream,
        *,
        created_at: float,
        clock: Clock,
        read_deadline_s: float,
    ) -> Self:
        """Open a stream of a session; the caller closes it.

        Raises:
            StreamRefused: The handshake failed.
        """
        leave = contextlib.AsyncExitStack()
        stream = await leave.enter_async_context(open_stream(session.url))
        return cls(
            session,
            stream,
            created_at=created_at,
            clock=clock,
            read_deadline_s=read_deadline_s,
            leave=leave,
        )

    @property
    def lived_s(self) -> float:
        """Seconds since the opening."""
        return self._clock.now() - self.opened_at

    @property
    def unheard_s(self) -> float:
        """Seconds for which the peer left even a ping unanswered; 0 if it did not."""
        return self._stream.unheard_s

    @property
    def silent_s(self) -> float:
        """Seconds since the last message, or since the opening."""
        return self._clock.now() - self._message_at

    @property
    def is_at_full_age(self) -> bool:
        """Whether the session's time is over: whatever ends it now is its expiry."""
        age_s = self._clock.now() - self.created_at
        return age_s >= SESSION_LIFETIME_S - _EXPIRY_TOLERANCE_S

    def was_busy(self) -> bool:
        """Tell whether a silence of a read deadline cannot be chance."""
        heard_s = max(self._message_at - self.opened_at, 1e-3)
        expected = self.message_count / heard_s * self._read_deadline_s
        return expected >= _BUSY_MESSAGES and self.message_count >= _BUSY_MESSAGES

    def heard_at(self, now: float) -> float:
        """Return when the peer was last heard, be it by a pong or its close."""
        return now - self._stream.idle_s

    def ask_later(self) -> None:
        """Wait for another read deadline before asking for the session."""
        self.ask_at = self._clock.now() + self._read_deadline_s

    async def read(self) -> tuple[Framed, int]:
        """Return the lines that arrived and the count of their messages.

        Raises:
            StreamLost: The stream has ended and all was returned.
        """
        return self._framed(await self._stream.read_batch())

    def take(self) -> tuple[Framed, int]:
        """Return what has arrived, the last, unfinished line included."""
        framed, message_count = self._framed(self._stream.take_batch())
        return framed + self._framer.flush(), message_count

    async def close(self) -> None:
        """Close the stream."""
        await self._leave.aclose()

    def _framed(self, messages: list[Message]) -> tuple[Framed, int]:
        self.message_count += len(messages)
        self._message_at = self._clock.now()
        self.ask_later()
        return self._framer.feed(messages), len(messages)
