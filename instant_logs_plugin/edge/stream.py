"""The websocket stream of one session: its messages, as they arrive.

Closing never waits for the peer's close frame longer than a moment: under flood it
stands behind everything unread.

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

from instant_logs_plugin.edge.connection import StreamConnection
from instant_logs_plugin.edge.frames import Message
from instant_logs_plugin.edge.hosts import is_loopback
from instant_logs_plugin.edge.replies import parse_retry_after
from instant_logs_plugin.edge.session import SecretUrl
from instant_logs_plugin.errors import InvalidOption, StreamRefused

__all__ = ["SILENT", "Stream", "StreamSettings", "open_stream"]

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

    def __init__(self, connection: StreamConnection, settings: StreamSettings) -> None:
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

    async def read_batch(self) -> list[Message]:
        """Return the messages that arrived since the last call, at least one.

        Text messages come as UTF-8. Cancelling it loses nothing.

        Raises:
            StreamLost: The stream has ended and every message was returned.
        """
        return await self._connection.take()

    def take_batch(self) -> list[Message]:
        """Return the messages that arrived since the last call, if any."""
        return self._connection.take_now()


class _Connect(connect):
    """A connect that never follows a redirect: only the URL given was checked."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def _connect(url: SecretUrl, settings: StreamSettings) -> StreamConnection:
    def create(*args: Any, **options: Any) -> StreamConnection:
        return StreamConnection(
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
        return cast("StreamConnection", await connecting)
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


async def _close(connection: StreamConnection, timeout_s: float) -> None:
    """Say goodbye, but wait only a moment: a flood may stand before the answer."""
    connection.discard()
    try:
        async with asyncio.timeout(timeout_s):
            await connection.close()
    except (TimeoutError, WebSocketException, OSError):
        pass
    finally:
        connection.abort()
