"""A service that misbehaves below the protocol: raw bytes for API and stream.

What the emulator cannot do, as its websocket library would not let it: frames that
are none, compressed frames that nobody asked for, replies that lead elsewhere.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

__all__ = [
    "BINARY",
    "CLOSE",
    "CONTINUATION",
    "PING",
    "PONG",
    "TEXT",
    "Stub",
    "frame",
    "stub",
]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONTINUATION, TEXT, BINARY = 0x0, 0x1, 0x2
CLOSE, PING, PONG = 0x8, 0x9, 0xA
_FIN = 0x80

Send = Callable[[asyncio.StreamWriter], Awaitable[None]]


def frame(
    payload: bytes,
    opcode: int = TEXT,
    *,
    is_last: bool = True,
    reserved: int = 0,
    length_bytes: int = 0,
) -> bytes:
    """Return a frame as a server sends it.

    Args:
        payload: What is in it.
        opcode: Its kind.
        is_last: Whether the message ends with it.
        reserved: The reserved bits; 0x40 says compressed.
        length_bytes: Size of the extended length: 0, 2 or 8; 0 is the shortest.
    """
    size = len(payload)
    if not length_bytes and size > 125:
        length_bytes = 2 if size < 2**16 else 8
    marks = {0: size, 2: 126, 8: 127}
    head = bytes((opcode | reserved | (_FIN if is_last else 0), marks[length_bytes]))
    length = size.to_bytes(length_bytes, "big") if length_bytes else b""
    return head + length + payload


@dataclass(kw_only=True)
class Stub:
    """How it behaves.

    Attributes:
        send: What it does with a stream once the handshake is done.
        destination: Session URL; ``{port}`` is its own.
        api_reply: Status line and headers of every API reply, or None for a good one.
        handshake: Status line and headers of every handshake, or None for a good one.
        extensions: Value of the handshake's ``Sec-WebSocket-Extensions``, or none.
        tls: For TLS on its one port.
        requests: What it was asked: method and path, in order.
        port: Where it listens.
    """

    send: Send | None = None
    destination: str = "ws://127.0.0.1:{port}/session"
    api_reply: bytes | None = None
    handshake: bytes | None = None
    extensions: str = ""
    tls: ssl.SSLContext | None = None
    requests: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0

    @property
    def base_url(self) -> str:
        """The value of CLOUDFLARE_BASE_URL."""
        if self.tls is not None:
            return f"https://localhost:{self.port}/client/v4"
        return f"http://127.0.0.1:{self.port}/client/v4"

    @property
    def environment(self) -> dict[str, str]:
        """What points a process at it."""
        return {"CLOUDFLARE_API_TOKEN": "any", "CLOUDFLARE_BASE_URL": self.base_url}

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Serve one connection."""
        try:
            await self._serve(reader, writer)
        finally:
            writer.transport.abort()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            headers = _headers(head)
            self.requests.append((method, path))
            if "sec-websocket-key" in headers:
                await self._serve_stream(headers["sec-websocket-key"], writer)
            else:
                await reader.readexactly(int(headers.get("content-length", 0)))
                writer.write(self._api_reply(method))
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()
            await writer.wait_closed()

    def _api_reply(self, method: str) -> bytes:
        result: object = []
        if method == "POST":
            url = self.destination.format(port=self.port)
            result = {"destination_conf": url, "session_id": "f" * 32}
        body = json.dumps({"success": True, "errors": [], "result": result}).encode()
        head = self.api_reply or b"HTTP/1.1 200 OK\r\n"
        size = b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
        return head + size + body

    async def _serve_stream(self, key: str, writer: asyncio.StreamWriter) -> None:
        if self.handshake is not None:
            writer.write(self.handshake + b"Content-Length: 0\r\n\r\n")
            await writer.drain()
            return
        accept = base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest())
        extensions = self.extensions and (
            f"Sec-WebSocket-Extensions: {self.extensions}\r\n"
        )
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Accept: "
            + accept
            + b"\r\n"
            + extensions.encode()
            + b"\r\n"
        )
        if self.send is not None:
            await self.send(writer)


def _headers(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


@contextlib.contextmanager
def stub(behaviour: Stub) -> Iterator[Stub]:
    """Serve in a thread of its own for the time of the block."""
    loop, ready = asyncio.new_event_loop(), threading.Event()
    closing = asyncio.Event()

    async def main() -> None:
        tasks: set[asyncio.Task[None]] = set()

        def connected(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            task = asyncio.ensure_future(behaviour.serve(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(
            connected, "127.0.0.1", 0, ssl=behaviour.tls
        )
        behaviour.port = server.sockets[0].getsockname()[1]
        ready.set()
        await closing.wait()
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.01)  # aborted transports close their sockets

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(main())

    thread = threading.Thread(target=run, name="stub-service", daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield behaviour
    finally:
        loop.call_soon_threadsafe(closing.set)
        thread.join(10)
