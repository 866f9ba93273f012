"""The websocket stream of one session: its messages, as they arrive.

Plain messages go from the socket's callback straight into an inbox; handshake, control
frames, fragments and faults are websockets' part. The inbox is bounded by bytes: when
it is full the socket is not read, and TCP pushes back. Closing never waits for the
peer's close frame longer than a moment: under flood it stands behind everything unread.

The session URL is a credential: it is in no error and in no log, whatever the
level (websockets would log the request line).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)
from websockets.frames import DATA_OPCODES, Frame
from websockets.protocol import State

from instant_logs_plugin.edge.frames import FrameCutter
from instant_logs_plugin.edge.hosts import is_loopback
from instant_logs_plugin.edge.replies import parse_retry_after
from instant_logs_plugin.edge.session import SecretUrl
from instant_logs_plugin.errors import InvalidOption, StreamLost, StreamRefused

__all__ = ["SILENT", "Stream", "StreamSettings", "open_stream"]

_ABNORMAL_CLOSURE = 1006
_REPLY_END = b"\r\n\r\n"
_MESSAGE_BYTES = 64
"""What a message costs beside its payload: a million empty ones are not free."""
_UNWANTED_BYTES = 2**20
"""What is read for the peer's goodbye; a flood that stands before it is cut off."""
_UNSENT_BYTES = 2**20
"""Pongs that wait for a peer which pings and does not read; then it is cut off."""

# Not of getLogger(): what configures logging, as Prefect does, would wake it up.
SILENT = logging.Logger("websockets", level=logging.CRITICAL + 1)  # noqa: LOG001
"""Given to websockets, whose own logger would show the request line and the URL."""


@dataclass(frozen=True, kw_only=True)
class StreamSettings:
    """How a stream is read.

    Attributes:
        open_timeout_s: For connecting and the handshake.
        ping_interval_s: Between pings to the service.
        ping_timeout_s: Without a pong for this long the peer is dead. Above a
            possible stall of the disk: a pong waits behind unread messages.
        close_timeout_s: How long a close waits for the peer.
        max_message_bytes: A larger message ends the session (close code 1009).
        inbox_bytes: Unread bytes above which the socket is not read.
    """

    open_timeout_s: float = 10.0
    ping_interval_s: float = 15.0
    ping_timeout_s: float = 30.0
    close_timeout_s: float = 0.25
    max_message_bytes: int = 64 * 2**20
    inbox_bytes: int = 4 * 2**20

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            InvalidOption: A setting is not above 0.
        """
        for name, value in vars(self).items():
            if not 0 < value < float("inf"):
                raise InvalidOption(name, value, "above 0")


@contextlib.asynccontextmanager
async def open_stream(
    url: SecretUrl, settings: StreamSettings | None = None
) -> AsyncIterator[Stream]:
    """Open a session's stream; leaving closes it.

    Raises:
        StreamRefused: The handshake failed.
    """
    settings = settings or StreamSettings()
    connection = await _connect(url, settings)
    try:
        yield Stream(connection, settings)
    finally:
        await _close(connection, settings.close_timeout_s)


class Stream:
    """An open stream; made by `open_stream`."""

    def __init__(self, connection: _Connection, settings: StreamSettings) -> None:
        self._connection = connection
        self._settings = settings

    @property
    def idle_s(self) -> float:
        """Seconds since the peer was last heard, be it by a pong."""
        return self._connection.loop.time() - self._connection.heard_at

    @property
    def unheard_s(self) -> float:
        """Seconds for which the peer left even a ping unanswered; 0 if it did not."""
        idle_s = self.idle_s
        return idle_s if idle_s > self._settings.ping_interval_s else 0.0

    async def read_batch(self) -> list[bytes]:
        """Return the messages that arrived since the last call, at least one.

        Text messages come as UTF-8. Cancelling it loses nothing.

        Raises:
            StreamLost: The stream has ended and every message was returned.
        """
        return await self._connection.take()

    def take_batch(self) -> list[bytes]:
        """Return the messages that arrived since the last call, if any."""
        return self._connection.take_now()


class _Connection(ClientConnection):
    """A connection whose messages wait in an inbox of bounded bytes."""

    def __init__(
        self, *args: Any, inbox_bytes: int, max_message_bytes: int, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self._frames = FrameCutter(max_message_bytes=max_message_bytes)
        self._reply_tail = b""
        self._inbox: list[bytes] = []
        self._inbox_size = 0
        self._inbox_limit = inbox_bytes
        self._fragments = bytearray()
        self._arrived = asyncio.Event()
        self._is_reading = True
        self._is_closing = False
        self._unwanted_bytes = 0
        self.heard_at = self.loop.time()

    def data_received(self, data: bytes) -> None:
        """Take plain messages; everything else goes the usual way."""
        self.heard_at = self.loop.time()
        if self._is_closing:
            self._unwanted_bytes += len(data)
            if self._unwanted_bytes > _UNWANTED_BYTES:
                self.abort()
                return
        if self.protocol.state is State.CONNECTING:
            data = self._take_reply(data)
        for messages, rest in self._frames.cut(data):
            if self.protocol.state is State.OPEN:
                self._put(messages)
            if rest:
                super().data_received(rest)
        if self.protocol.state is not State.OPEN:
            self._arrived.set()
        if self.transport.get_write_buffer_size() > _UNSENT_BYTES:
            self.abort()

    def process_event(self, event: Any) -> None:
        """Take fragments; everything else goes the usual way."""
        if isinstance(event, Frame) and event.opcode in DATA_OPCODES:
            self._join(event)
        else:
            super().process_event(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake the reader: nothing more comes."""
        super().connection_lost(exc)
        self._arrived.set()

    async def take(self) -> list[bytes]:
        """Return what has arrived; wait for the first message if there is none."""
        while not self._inbox:
            # A peer that said goodbye, or broke the protocol, need not hang up.
            if self.protocol.state is not State.OPEN:
                raise self._loss()
            self._arrived.clear()
            await self._arrived.wait()
        return self.take_now()

    def take_now(self) -> list[bytes]:
        """Return what has arrived."""
        messages, self._inbox, self._inbox_size = self._inbox, [], 0
        self._resume()
        return messages

    def discard(self) -> None:
        """Drop what has arrived and what will: the stream is being closed."""
        self._is_closing = True
        self._inbox, self._inbox_size = [], 0
        self._resume()

    def abort(self) -> None:
        """Drop the connection now."""
        self.transport.abort()

    def _take_reply(self, data: bytes) -> bytes:
        """Hand on the reply to the handshake; return the frames behind it."""
        seen = self._reply_tail + data
        self._reply_tail = seen[1 - len(_REPLY_END) :]
        frames = seen.partition(_REPLY_END)[2]
        super().data_received(data[: len(data) - len(frames)])
        if self.protocol.state is State.OPEN:
            return frames
        if frames:  # the body of a refusal
            super().data_received(frames)
        return b""

    def _put(self, messages: list[bytes]) -> None:
        if self._is_closing or not messages:
            return
        self._inbox += messages
        self._inbox_size += sum(map(len, messages)) + len(messages) * _MESSAGE_BYTES
        self._arrived.set()
        if self._inbox_size > self._inbox_limit and self._is_reading:
            self.transport.pause_reading()
            self._is_reading = False

    def _join(self, fragment: Frame) -> None:
        self._fragments += fragment.data
        if fragment.fin:
            self._put([bytes(self._fragments)])
            self._fragments.clear()

    def _resume(self) -> None:
        if not (self._is_reading or self.transport.is_closing()):
            self.transport.resume_reading()
        self._is_reading = True

    def _loss(self) -> StreamLost:
        close = self.protocol.close_rcvd or self.protocol.close_sent
        if close is not None:
            return StreamLost(close.code, close.reason)
        return StreamLost(_ABNORMAL_CLOSURE, str(self.recv_exc or ""))


class _Connect(connect):
    """A connect that never follows a redirect: only the URL given was checked."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def _connect(url: SecretUrl, settings: StreamSettings) -> _Connection:
    def create(*args: Any, **options: Any) -> _Connection:
        return _Connection(
            *args,
            inbox_bytes=settings.inbox_bytes,
            max_message_bytes=settings.max_message_bytes,
            **options,
        )

    connecting = _Connect(
        url.reveal(),
        compression=None,
        open_timeout=settings.open_timeout_s,
        ping_interval=settings.ping_interval_s,
        ping_timeout=settings.ping_timeout_s,
        close_timeout=settings.close_timeout_s,
        max_size=settings.max_message_bytes,
        logger=SILENT,
        proxy=None if is_loopback(url.reveal()) else True,
        create_connection=cast("type[ClientConnection]", create),
    )
    try:
        return cast("_Connection", await connecting)
    except (WebSocketException, OSError, ImportError, ValueError) as exc:
        refusal = _refusal(exc)
    # Raised outside: the foreign error's text or frames may hold the URL.
    raise refusal


def _refusal(exc: Exception) -> StreamRefused:
    """Map what a failed handshake raises: the one place that does."""
    match exc:
        case InvalidStatus():
            headers = exc.response.headers
            retry_after_s = parse_retry_after(
                headers.get("Retry-After"), headers.get("Date")
            )
            status = exc.response.status_code
            return StreamRefused(status, "the service refused", retry_after_s)
        # An OSError and a ValueError at once; its text names the flaw, not the URL.
        case ssl.SSLCertVerificationError():
            reason = f"its certificate is not trusted: {exc.verify_message}"
        case InvalidURI() | ValueError():
            reason = "the session URL is no websocket URL"
        case TimeoutError():
            reason = "no answer in time"
        case InvalidHandshake():
            reason = f"the handshake failed ({type(exc).__name__})"
        case ImportError():  # as websockets does of a proxy it needs a library for
            reason = "the environment's proxy is of a kind that is not supported"
        case OSError():
            reason = exc.strerror or type(exc).__name__
        case _:
            reason = type(exc).__name__
    return StreamRefused(None, reason)


async def _close(connection: _Connection, timeout_s: float) -> None:
    """Say goodbye, but wait only a moment: a flood may stand before the answer."""
    connection.discard()
    try:
        async with asyncio.timeout(timeout_s):
            await connection.close()
    except (TimeoutError, WebSocketException, OSError):
        pass
    finally:
        connection.abort()
