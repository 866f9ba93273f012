"""Messages out of a websocket's bytes, as far as they come in plain frames.

Pure. Nearly every frame of a stream is *plain*: a whole text or binary message, not
masked, not compressed. These are cut out here, for a tenth of what a full
implementation of the protocol takes. What else comes (control frames, fragments,
whatever breaks the protocol or its bounds) is for such an implementation, and goes to
it as it came: it is at the start of a frame whenever one is given to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Cut", "FrameCutter", "Message"]

Message = bytes | memoryview
"""A message's payload; a view keeps the memory that it came in."""

_PLAIN = (0x81, 0x82)
"""First bytes of a whole text message and of a whole binary one."""
_LAST, _CONTROL, _MASKED = 0x80, 0x08, 0x80
_IN_2_BYTES, _IN_8_BYTES = 126, 127
_LEAST_HEAD_BYTES = 2


class Cut(NamedTuple):
    """Some of what arrived, in order.

    Attributes:
        messages: Those that came in plain frames; views, nothing is copied.
        rest: What came behind them: a frame that is not plain, or a part of one.
    """

    messages: list[memoryview]
    rest: bytes


class FrameCutter:
    """Cuts the bytes of one connection, from its first frame on.

    Args:
        max_message_bytes: A larger message is not plain.
    """

    def __init__(self, *, max_message_bytes: int) -> None:
        self._max_message_bytes = max_message_bytes
        self._held: list[bytes] = []
        self._held_bytes = self._awaited_bytes = 0
        self._other_bytes_left = 0
        self._is_in_message = False

    def cut(self, arrived: memoryview) -> Iterator[Cut]:
        """Yield what is there; the start of a plain frame is held until its end.

        Messages are views of what arrived, which is to stay as it is while they are
        used. What is held is a copy.
        """
        while arrived:
            if not self._held:
                yield from self._cut(arrived)
                return
            lacking = self._awaited_bytes - self._held_bytes
            self._hold(arrived[:lacking])
            arrived = arrived[lacking:]
            if self._held_bytes == self._awaited_bytes:
                data, self._held, self._held_bytes = b"".join(self._held), [], 0
                yield from self._cut(memoryview(data))

    def _cut(self, data: memoryview) -> Iterator[Cut]:
        """Yield what is there from the start of a frame on, or from within another."""
        end = 0
        while end < len(data):
            messages, start = self._take_plain(data, end)
            end = self._end_of_other(data, start)
            if messages or start < end:
                yield Cut(messages, bytes(data[start:end]))
            if start == end:
                self._hold(data[end:])
                return

    def _hold(self, data: memoryview) -> None:
        if data:
            self._held.append(bytes(data))
            self._held_bytes += len(data)

    def _take_plain(self, data: memoryview, at: int) -> tuple[list[memoryview], int]:
        """Return the messages of the plain frames that are whole, and their end."""
        messages: list[memoryview] = []
        if self._other_bytes_left or self._is_in_message:
            return messages, at
        size, limit = len(data), self._max_message_bytes
        last = size - _LEAST_HEAD_BYTES
        while at <= last and data[at] in _PLAIN:
            start, length = _payload(data, at)
            end = start + length
            if end > size or length > limit or data[at + 1] & _MASKED:
                break
            messages.append(data[start:end])
            at = end
        return messages, at

    def _end_of_other(self, data: memoryview, start: int) -> int:
        """Return where what is to be passed on ends; ``start`` if nothing is."""
        if not self._other_bytes_left:
            self._begin_frame(data, start)
        end = min(start + self._other_bytes_left, len(data))
        self._other_bytes_left -= end - start
        return end

    def _begin_frame(self, data: memoryview, at: int) -> None:
        """Decide what becomes of a frame that is not both plain and whole."""
        here = len(data) - at
        self._awaited_bytes = _LEAST_HEAD_BYTES
        if here < self._awaited_bytes:
            return
        start, length = _payload(data, at)
        self._awaited_bytes = start - at
        if here < self._awaited_bytes:
            return
        is_plain = data[at] in _PLAIN and not data[at + 1] & _MASKED
        if is_plain and length <= self._max_message_bytes and not self._is_in_message:
            self._awaited_bytes += length
            return
        self._other_bytes_left, self._awaited_bytes = start + length - at, 0
        if not data[at] & _CONTROL:
            self._is_in_message = not data[at] & _LAST


def _payload(data: memoryview, at: int) -> tuple[int, int]:
    """Return where the payload of the frame at ``at`` starts, and its length.

    The length is not known while its own bytes are not there: the start is then
    behind the data.
    """
    length = data[at + 1] & ~_MASKED
    if length < _IN_2_BYTES:
        return at + 2, length
    start = at + (4 if length == _IN_2_BYTES else 10)
    return start, int.from_bytes(data[at + 2 : start], "big")
