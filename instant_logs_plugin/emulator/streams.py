"""The websocket side: one connection per session, fed in bursts, ended by the rules."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from instant_logs_plugin.emulator.config import EmulatorConfig
from instant_logs_plugin.emulator.faults import Fault, FaultKind
from instant_logs_plugin.emulator.feed import Feed
from instant_logs_plugin.emulator.registry import Registry, ServedSession

__all__ = ["STREAM_PATH", "StreamServer"]

STREAM_PATH = "/instant-logs/ws/sessions/"

_silent = logging.getLogger("instant_logs_plugin.emulator.websockets")
_silent.disabled = True

_MALFORMED = ('{"EdgeResponseStatus":20', "not json", "[1,2,3]", '"text"', "{}x")
_ENDINGS = {
    FaultKind.DROP,
    FaultKind.CLOSE,
    FaultKind.STALL,
    FaultKind.HALF_OPEN,
    FaultKind.EXPIRE,
}


@dataclass(frozen=True, kw_only=True)
class StreamServer:
    """Serves the streams of a registry's sessions.

    Attributes:
        config: How the emulator behaves.
        registry: Knows the sessions.
        now: Gives emulated seconds.
        feed: Opens the feed of a session.
        elapsed: Gives real seconds since the emulator's start.
    """

    config: EmulatorConfig
    registry: Registry
    now: Callable[[], float]
    feed: Callable[[ServedSession], Feed]
    elapsed: Callable[[], float]

    async def start(self) -> Server:
        """Start listening; the caller closes the server."""
        return await serve(
            self._serve,
            self.config.host,
            self.config.stream_port,
            process_request=self._check,
            compression=None,
            ping_interval=None,
            close_timeout=0.2,
            max_size=2**16,
            logger=_silent,
        )

    def _check(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse a handshake that leads to no living session."""
        session = self._find(request.path)
        if session is None:
            return connection.respond(HTTPStatus.NOT_FOUND, "no such session\n")
        for fault in self.config.faults:
            if fault.kind is FaultKind.HANDSHAKE_429 and fault.hits(session.number):
                session.end(self.now(), "refused")
                response = connection.respond(
                    HTTPStatus.TOO_MANY_REQUESTS, "slow down\n"
                )
                response.headers["Retry-After"] = str(fault.retry)
                return response
        return None

    def _find(self, path: str) -> ServedSession | None:
        return self.registry.find(path.removeprefix(STREAM_PATH), self.now())

    async def _serve(self, connection: ServerConnection) -> None:
        session = connection.request and self._find(connection.request.path)
        if not session:
            return
        session.unread_since = None
        sending = asyncio.create_task(_Sender(self, session, connection).run())
        session.on_end = partial(_cancel_soon, sending)
        closing = asyncio.create_task(connection.wait_closed())
        with contextlib.suppress(ConnectionClosed):
            await asyncio.wait({sending, closing}, return_when=asyncio.FIRST_COMPLETED)
        sending.cancel()
        if session.ended_at is not None:
            await self._end(connection)
        await closing
        session.on_end = None
        session.end(self.now(), "closed")

    async def _end(self, connection: ServerConnection) -> None:
        """End a stopped session's stream in the way that was asked for."""
        if self.config.end_by == "drop":
            connection.transport.abort()
        elif self.config.end_by == "close":
            await connection.close()


def _cancel_soon(task: asyncio.Task[None]) -> None:
    """Cancel a task from within itself too."""
    task.get_loop().call_soon(task.cancel)


class _Sender:
    """Sends one session its records until they or it end."""

    def __init__(
        self, server: StreamServer, session: ServedSession, connection: ServerConnection
    ) -> None:
        self._server, self._session, self._connection = server, session, connection
        self._config = server.config
        self._faults = [f for f in self._config.faults if f.hits(session.number)]
        self._feed = server.feed(session)

    async def run(self) -> None:
        while not self._feed.is_over:
            lines = self._feed.burst(datetime.now(UTC), self._server.elapsed())
            ending = self._due_ending(len(lines))
            if ending is not None:
                lines = lines[: max(0, ending.after - self._session.sent.records)]
            await self._send(lines)
            if ending is not None:
                await self._misbehave(ending)
            if self._config.rate or not lines:
                await asyncio.sleep(self._config.tick_s)
            self._server.registry.expire(self._server.now())
        if self._config.at_end == "close":
            await self._connection.close()
        await self._connection.wait_closed()

    def _due_ending(self, line_count: int) -> Fault | None:
        sent = self._session.sent.records + line_count
        endings = (fault for fault in self._faults if fault.kind in _ENDINGS)
        return next((fault for fault in endings if sent >= fault.after), None)

    async def _send(self, lines: list[str]) -> None:
        messages = list(self._messages(lines))
        if self._config.keep_sent:
            self._session.sent.lines += lines
        self._session.sent.records += len(lines)
        for message in messages:
            self._session.sent.bytes += len(message)
            await self._connection.send(self._framed(message))

    def _framed(self, message: str) -> str | bytes | list[str]:
        if self._config.is_binary:
            return message.encode()
        if self._has(FaultKind.FRAGMENT):
            third = max(1, len(message) // 3)
            return [message[:third], message[third : 2 * third], message[2 * third :]]
        return message

    def _messages(self, lines: list[str]) -> Iterator[str]:
        size = self._config.records_per_message
        ending = "\n" if self._config.is_newline_ended else ""
        sent = list(self._with_faults(lines))
        for start in range(0, len(sent), size):
            message = "\n".join(sent[start : start + size]) + ending
            if self._has(FaultKind.SPLIT):
                yield message[: len(message) // 2]
                yield message[len(message) // 2 :]
            else:
                yield message

    def _with_faults(self, lines: list[str]) -> Iterator[str]:
        huge = self._find(FaultKind.HUGE)
        malformed = self._find(FaultKind.MALFORMED)
        for number, line in enumerate(lines, self._session.sent.records + 1):
            is_huge = huge is not None and number == huge.after + 1
            yield _blown_up(line, huge.mb) if huge and is_huge else line
            if malformed is not None and number % malformed.every == 0:
                yield _MALFORMED[number // malformed.every % len(_MALFORMED)]

    def _find(self, kind: FaultKind) -> Fault | None:
        return next((fault for fault in self._faults if fault.kind is kind), None)

    def _has(self, kind: FaultKind) -> bool:
        return self._find(kind) is not None

    async def _misbehave(self, fault: Fault) -> None:
        session, connection = self._session, self._connection
        match fault.kind:
            case FaultKind.DROP:
                connection.transport.abort()
            case FaultKind.CLOSE:
                await connection.close(fault.code)
            case FaultKind.EXPIRE:
                session.end(self._server.now(), "expired")
            case FaultKind.HALF_OPEN:
                connection.transport.pause_reading()
        await connection.wait_closed()


def _blown_up(line: str, megabytes: int) -> str:
    """Return the record with one value of that size, outside the request."""
    return line[:-1] + f',"Huge":"{"x" * (megabytes * 10**6)}"}}'
