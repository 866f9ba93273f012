"""A raw socket that sends pre-rendered websocket frames, in a process of its own.

``python -m tests.benchmarks.sender COLUMNS LINES PER_MESSAGE RATE`` prints its port and
serves one connection after the other. It costs as little as a sender can, so that
what is measured is the receiver.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import itertools
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

from tests.benchmarks.traffic import read_lines

__all__ = ["sender"]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _EXTENDED_16, _EXTENDED_64 = 0x81, 126, 127
_CHUNK_FRAMES = 256


@contextlib.contextmanager
def sender(
    *, columns: int, lines: int, per_message: int, rate: float = 0.0
) -> Iterator[str]:
    """Run a sender; yields its URL.

    Args:
        columns: Of each record: 10 or 42.
        lines: Different records; they are repeated without end.
        per_message: Records in a message.
        rate: Records per second; 0 is as fast as they are read.
    """
    options = map(str, (columns, lines, per_message, rate))
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, *options], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield f"ws://127.0.0.1:{int(process.stdout.readline())}/session"
    finally:
        process.kill()
        process.communicate()


def _frame(payload: bytes) -> bytes:
    size = len(payload)
    if size < _EXTENDED_16:
        return bytes((_TEXT, size)) + payload
    if size < 2**16:
        return bytes((_TEXT, _EXTENDED_16)) + size.to_bytes(2, "big") + payload
    return bytes((_TEXT, _EXTENDED_64)) + size.to_bytes(8, "big") + payload


def _accept(connection: socket.socket) -> None:
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(65536)
    headers = dict(
        line.lower().split(b": ", 1) if line[:3] != b"Sec" else line.split(b": ", 1)
        for line in request.split(b"\r\n")[1:]
        if b": " in line
    )
    key = headers[b"Sec-WebSocket-Key"].strip()
    accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def _send(
    connection: socket.socket, chunks: list[bytes], per_chunk: int, rate: float
) -> None:
    started = time.monotonic()
    for number, chunk in enumerate(itertools.cycle(chunks)):
        if rate:
            due = started + number * per_chunk / rate
            time.sleep(max(0.0, due - time.monotonic()))
        connection.sendall(chunk)


def _main(columns: int, lines: int, per_message: int, rate: float) -> None:
    records = read_lines(columns, lines)
    frames = [
        _frame(b"\n".join(records[start : start + per_message]))
        for start in range(0, len(records), per_message)
    ]
    # A paced sender sends small chunks: an even stream, not bursts of a second.
    in_chunk = max(1, 200 // per_message) if rate else _CHUNK_FRAMES
    chunks = [
        b"".join(frames[start : start + in_chunk])
        for start in range(0, len(frames), in_chunk)
    ]
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            connection, _ = server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection, contextlib.suppress(OSError):
                _accept(connection)
                _send(connection, chunks, in_chunk * per_message, rate)


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
