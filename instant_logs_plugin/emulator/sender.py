"""Sends one session its records, in bursts, with the faults that hit it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from websockets.asyncio.server import ServerConnection
from websockets.protocol import State

from instant_logs_plugin.emulator.config import EmulatorConfig
from instant_logs_plugin.emulator.faults import Fault, FaultKind, find_fault
from instant_logs_plugin.emulator.feed import Feed
from instant_logs_plugin.emulator.messages import Message, Packer, cut_fragments
from instant_logs_plugin.emulator.registry import ServedSession

__all__ = ["Sender", "cut_connection"]

_FLUSH_TIMEOUT_S = 0.2


@dataclass(kw_only=True)
class Sender:
    """Sends until the feed, the connection or a fault ends it.

    Attributes:
        config: How the emulator behaves.
        faults: Those that hit the session.
        session: Who is sent to; its account is kept.
        connection: Where to.
        feed: What.
        now: Gives emulated seconds.
        elapsed: Gives real seconds since the emulator's start.
        earlier: Lines that the zone's session before was sent last, oldest first.
    """

    config: EmulatorConfig
    faults: Sequence[Fault]
    session: ServedSession
    connection: ServerConnection
    feed: Feed
    now: Callable[[], float]
    elapsed: Callable[[], float]
    earlier: Sequence[bytes] = ()
    _packer: Packer = field(init=False)
    _has_fragments: bool = field(init=False)

    def __post_init__(self) -> None:
        """Prepare what the config and the faults say."""
        self._packer = Packer(self.config, self.faults)
        has_fault = find_fault(self.faults, FaultKind.FRAGMENT) is not None
        self._has_fragments = self.config.fragment or has_fault

    async def run(self) -> None:
        """Send, then wait until the connection closes.

        Raises:
            ConnectionClosed: It closed while sending.
        """
        fault = await self._send_all()
        if fault is not None:
            await self._misbehave(fault)
        elif self.config.at_end == "close":
            await self.connection.close()
        await self.connection.wait_closed()

    async def _send_all(self) -> Fault | None:
        """Send until the feed is over; return the fault that stops it before."""
        await self._repeat()
        while not self.feed.is_over:
            self.feed.advance(self.elapsed())
            fault = await self._send_due()
            if fault is not None:
                return fault
            await asyncio.sleep(self.config.tick_s)
        return self._due_ending(0)

    async def _repeat(self) -> None:
        """Send again what an earlier session was sent last, if a fault says so."""
        fault = find_fault(self.faults, FaultKind.REPEAT)
        lines = list(self.earlier)[-fault.lines :] if fault else []
        self.session.sent.repeated += len(lines)
        for message in self._packer.pack(lines):
            await self._send(message)

    async def _send_due(self) -> Fault | None:
        """Send what is due, chunk by chunk; others run in between."""
        while True:
            lines = self.feed.take(time.time())
            fault = self._due_ending(len(lines))
            if fault is not None:
                lines = lines[: max(0, fault.after - self.session.sent.records)]
            for message in self._packer.pack(lines):
                await self._send(message)
            if fault is not None or not self.feed.is_due:
                return fault
            await asyncio.sleep(0)

    def _due_ending(self, line_count: int) -> Fault | None:
        """Return the fault that comes first within so many more lines."""
        sent = self.session.sent.records + line_count
        due = (one for one in self.faults if one.is_ending and sent >= one.after)
        return min(due, key=lambda fault: fault.after, default=None)

    async def _send(self, message: Message) -> None:
        """Send a message; a cancelled send was still written, and is counted."""
        data, connection = message.data, self.connection
        if connection.state is State.OPEN:
            self.session.sent.add(
                len(data), message.lines, message.malformed, at_s=time.time()
            )
        self.session.unread_since = self.now()
        await connection.send(
            cut_fragments(data) if self._has_fragments else data,
            text=not self.config.binary,
        )
        self.session.unread_since = None

    async def _misbehave(self, fault: Fault) -> None:
        match fault.kind:
            case FaultKind.DROP:
                await cut_connection(self.connection)
            case FaultKind.CLOSE:
                await self.connection.close(fault.code)
            case FaultKind.EXPIRE:
                self.session.end(self.now(), "expired")
            case FaultKind.HALF_OPEN:
                self.connection.transport.pause_reading()
            case _:
                pass  # a stall is to do nothing


async def cut_connection(connection: ServerConnection) -> None:
    """Cut a connection without a close frame, behind what was sent."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_FLUSH_TIMEOUT_S):
            while connection.transport.get_write_buffer_size():  # noqa: ASYNC110
                await asyncio.sleep(0.001)
    connection.transport.abort()
