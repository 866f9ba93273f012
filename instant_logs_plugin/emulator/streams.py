"""The websocket side: one connection per session, fed in bursts, ended by the rules."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from instant_logs_plugin.edge.stream import SILENT
from instant_logs_plugin.emulator.config import EmulatorConfig
from instant_logs_plugin.emulator.faults import Fault, FaultKind, find_fault
from instant_logs_plugin.emulator.feed import Feed
from instant_logs_plugin.emulator.registry import Registry, ServedSession
from instant_logs_plugin.emulator.requests import Asked, RequestLog, What
from instant_logs_plugin.emulator.sender import Sender, cut_connection

__all__ = ["STREAM_PATH", "StreamServer"]

STREAM_PATH = "/instant-logs/ws/sessions/"

_SWITCHING = HTTPStatus.SWITCHING_PROTOCOLS.value

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class StreamServer:
    """Serves the streams of a registry's sessions.

    Attributes:
        config: How the emulator behaves.
        registry: Knows the sessions.
        now: Gives emulated seconds.
        open_feed: Opens the feed of a session.
        elapsed: Gives real seconds since the emulator's start.
        asked: Where every handshake is entered.
    """

    config: EmulatorConfig
    registry: Registry
    now: Callable[[], float]
    open_feed: Callable[[ServedSession], Feed]
    elapsed: Callable[[], float]
    asked: RequestLog

    async def start(self) -> Server:
        """Start listening; the caller closes the server.

        Raises:
            OSError: The port is taken.
        """
        return await serve(
            self._serve,
            self.config.host,
            self.config.stream_port,
            process_request=self._check,
            compression=None,
            ping_interval=None,
            close_timeout=0.2,
            max_size=2**16,
            logger=SILENT,
        )

    async def _check(
        self, connection: ServerConnection, request: Request
    ) -> Response | None:
        """Refuse a handshake that leads to no session, or to one that is over."""
        session = self._find(request.path)
        if session is not None:
            session.handshakes += 1
            await self._be_late(connection, session)
        refusal = self._refuse(connection, session)
        self.asked.add(
            Asked(
                at_s=time.time(),
                what=What.HANDSHAKE,
                zone_id=session.zone_id if session else "",
                session=session.number if session else 0,
                status=refusal.status_code if refusal else _SWITCHING,
            )
        )
        return refusal

    def _refuse(
        self, connection: ServerConnection, session: ServedSession | None
    ) -> Response | None:
        if session is None:
            return connection.respond(HTTPStatus.NOT_FOUND, "no such session\n")
        lost = connection.connection_lost_waiter
        if lost.done():  # it left while it waited: nobody reads the session
            return _slow_down(connection, 0)
        fault = find_fault(self._faults_of(session), FaultKind.HANDSHAKE_429)
        if fault is not None and session.handshakes <= fault.times:
            return _slow_down(connection, fault.retry)
        if session.ended_at is not None or session.is_streaming:
            return _slow_down(connection, 0)
        # From here on: a second handshake must not pass before this stream opens.
        session.is_streaming = True
        # A client that is gone before the handshake ends is never served.
        lost.add_done_callback(lambda _: self._close(session))
        return None

    async def _be_late(
        self, connection: ServerConnection, session: ServedSession
    ) -> None:
        """Let a handshake wait, unless the client leaves."""
        slow = find_fault(self._faults_of(session), FaultKind.HANDSHAKE_SLOW)
        if slow is not None and session.handshakes <= slow.times:
            lost = connection.connection_lost_waiter
            await asyncio.wait({lost}, timeout=slow.ms / 1_000)

    def _close(self, session: ServedSession) -> None:
        session.on_end, session.is_streaming = None, False
        session.end(self.now(), "closed")

    def _find(self, path: str) -> ServedSession | None:
        if not path.startswith(STREAM_PATH):
            return None
        return self.registry.find(path.removeprefix(STREAM_PATH), self.now())

    def _faults_of(self, session: ServedSession) -> list[Fault]:
        return [one for one in self.config.faults if one.hits(session.number)]

    async def _serve(self, connection: ServerConnection) -> None:
        session = connection.request and self._find(connection.request.path)
        if not session:
            return
        try:
            await self._stream(session, connection)
        except Exception:
            _logger.exception("instant_logs.emulator_stream_failed")
        finally:
            self._close(session)

    async def _stream(
        self, session: ServedSession, connection: ServerConnection
    ) -> None:
        """Send until the session, its sender or the client ends it."""
        ended = asyncio.Event()
        session.unread_since, session.on_end = None, ended.set
        if session.ended_at is None:
            sender = self._sender(session, connection)
            await _first_of(sender.run(), connection.wait_closed(), ended.wait())
        if session.ended_at is not None:
            await self._end(connection)
        await connection.wait_closed()

    def _sender(self, session: ServedSession, connection: ServerConnection) -> Sender:
        before = self.registry.before(session)
        return Sender(
            config=self.config,
            faults=self._faults_of(session),
            session=session,
            connection=connection,
            feed=self.open_feed(session),
            now=self.now,
            elapsed=self.elapsed,
            earlier=tuple(before.sent.latest) if before else (),
        )

    async def _end(self, connection: ServerConnection) -> None:
        """End a stopped session's stream in the way that was asked for."""
        if self.config.end_by == "drop":
            await cut_connection(connection)
        elif self.config.end_by == "close":
            await connection.close()


def _slow_down(connection: ServerConnection, retry_after_s: int) -> Response:
    response = connection.respond(HTTPStatus.TOO_MANY_REQUESTS, "slow down\n")
    if retry_after_s:
        response.headers["Retry-After"] = str(retry_after_s)
    return response


async def _first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Run until the first is done, and cancel the others.

    Raises:
        Exception: What the first raised, unless the connection was closed.
    """
    tasks = [asyncio.ensure_future(one) for one in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, ConnectionClosed):
            raise result
