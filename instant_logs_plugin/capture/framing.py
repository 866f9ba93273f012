r"""Lines out of messages: where one record ends and the next begins.

Pure: fed with messages, gives back bytes. The service documents "messages of
line-delimited JSON" and sends one object per message without a newline; both
are taken, with or without a final newline, and a line cut across two messages.
Lines are split on ``\n`` only: U+2028 is legal inside JSON. No byte is lost but
newlines and blank lines.

A message's end is the end of a line unless what stands there is an unfinished
object, which is *held* until the next message shows whether it goes on.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from instant_logs_plugin.capture.line_scan import count_lines
from instant_logs_plugin.capture.unfinished import Unfinished
from instant_logs_plugin.edge.frames import Message

__all__ = ["MAX_LINE_BYTES", "Arrival", "Framed", "LineFramer"]

MAX_LINE_BYTES = 64 * 2**20
"""A longer line is given up as it stands (and will be a reject)."""


class Arrival(NamedTuple):
    """Lines that arrived together.

    Attributes:
        line_count: How many.
        received_at_us: When, in microseconds since the epoch, UTC.
    """

    line_count: int
    received_at_us: int


@dataclass(frozen=True, slots=True)
class Framed:
    r"""Whole lines, each ended by ``\n``, none blank.

    Attributes:
        data: The lines.
        line_count: How many they are; 0 for no bytes.
    """

    data: bytes = b""
    line_count: int = 0

    @property
    def byte_count(self) -> int:
        """Bytes of the lines without their newlines."""
        return len(self.data) - self.line_count

    def __add__(self, other: Framed) -> Framed:
        return Framed(self.data + other.data, self.line_count + other.line_count)

    def head(self, *, max_lines: int | None, max_bytes: int | None) -> Framed:
        """Return the leading lines up to the bound that is met first.

        The line that reaches ``max_bytes`` is still in: a bound is honoured
        within one line. None means no bound; 0 gives no line.
        """
        taken = self
        if max_lines is not None and max_lines < self.line_count:
            taken = _cut(self.data, _end_of_line(self.data, max_lines), max_lines)
        if max_bytes is not None and max_bytes < taken.byte_count:
            taken = _head_bytes(taken.data, max_bytes)
        return taken


def _cut(data: bytes, end: int, line_count: int) -> Framed:
    return Framed(data[:end], line_count)


def _end_of_line(data: bytes, line_count: int) -> int:
    """Return the offset behind the newline of the n-th line."""
    end = 0
    for _ in range(line_count):
        end = data.index(b"\n", end) + 1
    return end


def _head_bytes(data: bytes, max_bytes: int) -> Framed:
    end = line_count = 0
    while end - line_count < max_bytes:
        end = data.index(b"\n", end) + 1
        line_count += 1
    return _cut(data, end, line_count)


_first, _last = itemgetter(0), itemgetter(-1)


class LineFramer:
    """Turns messages into lines; one per stream, as a cut never spans two."""

    def __init__(self, *, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._max_line_bytes = max_line_bytes
        self._held: Unfinished | None = None

    @property
    def held_bytes(self) -> int:
        """Bytes of the unfinished line that waits for the next message."""
        return self._held.size_bytes if self._held else 0

    def feed(self, messages: Sequence[Message]) -> Framed:
        """Return the lines that ``messages`` complete, in order."""
        if self._held is None:
            framed = _frame_objects(messages)
            if framed is not None:
                return framed
        whole = map(bytes, messages)
        return _joined(line for message in whole for line in self._take(message))

    def flush(self) -> Framed:
        """Return the held bytes as a line: the stream has ended."""
        return _joined(self._give_up())

    def _take(self, message: bytes) -> Iterator[bytes]:
        if not message:  # it ends nothing
            return
        lines = message.split(b"\n")
        if self._held is not None:
            if self._held.continues_with(lines[0]):
                self._held.add(lines.pop(0))
                if not lines and self._is_held_on():
                    return
            yield from self._give_up()
        if lines:
            yield from lines[:-1]
            yield from self._hold(lines[-1])

    def _hold(self, tail: bytes) -> Iterator[bytes]:
        """Keep what is behind the last newline if it is unfinished, or yield it."""
        if tail.startswith(b"{"):
            self._held = Unfinished(tail)
            if self._is_held_on():
                return
            self._held = None
        yield tail

    def _is_held_on(self) -> bool:
        held = self._held
        is_open = held is not None and held.is_open
        return is_open and self.held_bytes <= self._max_line_bytes

    def _give_up(self) -> Iterator[bytes]:
        held, self._held = self._held, None
        if held is not None:
            yield held.line


def _joined(lines: Iterator[bytes]) -> Framed:
    kept = [line for line in lines if line]
    return Framed(b"".join(line + b"\n" for line in kept), len(kept))


def _frame_objects(messages: Sequence[Message]) -> Framed | None:
    """Join messages in bulk if each plainly begins with a line and ends with one.

    Plainly: its first byte is a brace, its last one a brace or a newline, and the last
    object is whole. What is between is lines, whatever they hold.
    """
    ends = _ends_of_whole(messages)
    if ends is None:
        return None
    if ends.count(b"\n") == len(messages):
        data = b"".join(messages)
    else:
        data = b"\n".join((*messages, b""))
    line_count, has_blank = count_lines(data)
    if has_blank:
        data = b"".join(line for line in io.BytesIO(data) if line != b"\n")
        line_count = data.count(b"\n")
    if Unfinished(data[data.rfind(b"\n", 0, -1) + 1 : -1]).is_open:
        return None
    return Framed(data, line_count)


def _ends_of_whole(messages: Sequence[Message]) -> bytes | None:
    """Return their last bytes, if each begins and ends as lines do; loops in C."""
    try:
        firsts, lasts = bytes(map(_first, messages)), bytes(map(_last, messages))
    except IndexError:  # an empty message
        return None
    whole_count = lasts.count(b"}") + lasts.count(b"\n")
    return lasts if firsts.count(b"{") == whole_count == len(messages) else None
