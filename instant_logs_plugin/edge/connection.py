"""A websockets connection whose plain messages take a short way.

They go from the socket's callback straight into an inbox; handshake, control frames,
fragments and faults are websockets' part. The inbox is bounded by bytes: when it is
full the socket is not read, and TCP pushes back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection
from websockets.frames import DATA_OPCODES, Frame
from websockets.protocol import State

from instant_logs_plugin.edge.frames import FrameCutter, Message
from instant_logs_plugin.errors import StreamLost

__all__ = ["StreamConnection"]

_ABNORMAL_CLOSURE = 1006
_REPLY_END = b"\r\n\r\n"
_READ_BYTES = 4 * 2**20
"""Read at once, at most; a transport would read less, and each read has its price."""
_LENT_BYTES = _READ_BYTES // 8
"""Messages that fill so much of a buffer are handed on with it; others are copied."""
_MESSAGE_BYTES = 192
"""What a message costs beside its payload: a million empty ones are not free."""
_UNWANTED_BYTES = 2**20
"""What is read for the peer's goodbye; a flood that stands before it is cut off."""
_UNSENT_BYTES = 2**20
"""Pongs that wait for a peer which pings and does not read; then it is cut off."""


class StreamConnection(ClientConnection, asyncio.BufferedProtocol):
    """A connection whose messages wait in an inbox of bounded bytes."""

    def __init__(
        self, *args: Any, inbox_bytes: int, max_message_bytes: int, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self._arriving = _fresh_buffer()
        self._frames = FrameCutter(max_message_bytes=max_message_bytes)
        self._reply_tail = b""
        self._inbox: list[Message] = []
        self._inbox_size = 0
        self._inbox_limit = inbox_bytes
        self._fragments = bytearray()
        self._arrived = asyncio.Event()
        self._is_reading = True
        self._is_closing = False
        self._unwanted_bytes = 0
        self.heard_at = self.loop.time()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the transport is to put what arrives."""
        del sizehint
        return self._arriving

    def buffer_updated(self, nbytes: int) -> None:
        """Take plain messages; everything else goes the usual way."""
        data = self._arriving[:nbytes]
        self.heard_at = self.loop.time()
        if self._is_closing:
            self._unwanted_bytes += len(data)
            if self._unwanted_bytes > _UNWANTED_BYTES:
                self.abort()
                return
        if self.protocol.state is State.CONNECTING:
            data = self._take_reply(bytes(data))
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

    async def take(self) -> list[Message]:
        """Return what has arrived; wait for the first message if there is none."""
        while not self._inbox:
            # A peer that said goodbye, or broke the protocol, need not hang up.
            if self.protocol.state is not State.OPEN:
                raise self._loss()
            self._arrived.clear()
            await self._arrived.wait()
        return self.take_now()

    def take_now(self) -> list[Message]:
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

    def _take_reply(self, data: bytes) -> memoryview:
        """Hand on the reply to the handshake; return the frames behind it."""
        seen = self._reply_tail + data
        self._reply_tail = seen[1 - len(_REPLY_END) :]
        frames = seen.partition(_REPLY_END)[2]
        super().data_received(data[: len(data) - len(frames)])
        if self.protocol.state is State.OPEN:
            return memoryview(frames)
        if frames:  # the body of a refusal
            super().data_received(frames)
        return memoryview(b"")

    def _put(self, messages: Sequence[Message]) -> None:
        if self._is_closing or not messages:
            return
        size = sum(map(len, messages))
        if size >= _LENT_BYTES:
            self._arriving = _fresh_buffer()
            self._inbox += messages
        else:
            self._inbox += map(bytes, messages)
        self._inbox_size += size + len(messages) * _MESSAGE_BYTES
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


def _fresh_buffer() -> memoryview:
    """Return memory to read into; not bytearray(), which would fill it first."""
    return np.empty(_READ_BYTES, np.uint8).data
