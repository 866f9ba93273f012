"""Messages of a session's lines: how many in one, and what faults do to them.

Pure: lines in, messages out; nothing waits for the next call.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from instant_logs_plugin.emulator.config import EmulatorConfig
from instant_logs_plugin.emulator.faults import Fault, FaultKind, find_fault

__all__ = ["Message", "Packer", "cut_fragments"]

MALFORMED = (b'{"EdgeResponseStatus":20', b"not json", b"[1,2,3]", b'"text"', b"{}x")
"""Lines that are no records, in the order they are sent."""

_INTERVAL_KEY = b',"sampleInterval":'
_CONTINUATION_MASK, _CONTINUATION = 0xC0, 0x80


@dataclass(frozen=True, slots=True)
class Message:
    """One message.

    Attributes:
        data: Its payload; UTF-8.
        lines: The records' lines that end in it.
        malformed: How many lines of faults end in it.
    """

    data: bytes
    lines: tuple[bytes, ...] = ()
    malformed: int = 0


class Packer:
    """Packs a session's lines.

    Args:
        config: How the emulator behaves.
        faults: Those that hit the session.
    """

    def __init__(self, config: EmulatorConfig, faults: Sequence[Fault]) -> None:
        self._size = config.records_per_message
        self._ending = b"\n" if config.trailing_newline else b""
        self._is_split = find_fault(faults, FaultKind.SPLIT) is not None
        self._huge = find_fault(faults, FaultKind.HUGE)
        self._malformed = find_fault(faults, FaultKind.MALFORMED)
        self._count = 0

    def pack(self, lines: Sequence[bytes]) -> Iterator[Message]:
        """Yield the messages of the session's next lines."""
        sent = list(self._with_faults(lines))
        for start in range(0, len(sent), self._size):
            part = sent[start : start + self._size]
            data = b"\n".join(line for line, _ in part) + self._ending
            records = tuple(line for line, is_record in part if is_record)
            whole = Message(data, records, len(part) - len(records))
            yield from _split(whole) if self._is_split else (whole,)

    def _with_faults(self, lines: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
        """Yield each line, and whether it is a record."""
        for line in lines:
            self._count += 1
            yield self._maybe_huge(line), True
            if self._malformed is not None:
                nth, rest = divmod(self._count, self._malformed.every)
                if not rest:
                    yield MALFORMED[(nth - 1) % len(MALFORMED)], False

    def _maybe_huge(self, line: bytes) -> bytes:
        huge = self._huge
        if huge is None or self._count != huge.after + 1:
            return line
        return _blown_up(line, huge.mb)


def cut_fragments(data: bytes) -> list[bytes]:
    """Return a message's payload in three frames; cuts fall anywhere."""
    third = max(1, len(data) // 3)
    return [data[:third], data[third : 2 * third], data[2 * third :]]


def _split(message: Message) -> Iterator[Message]:
    """Yield a message as two; its lines end in the second."""
    middle = len(message.data) // 2
    # A text message must be UTF-8 by itself: no character is cut.
    while message.data[middle] & _CONTINUATION_MASK == _CONTINUATION:
        middle -= 1
    yield Message(message.data[:middle])
    yield Message(message.data[middle:], message.lines, message.malformed)


def _blown_up(line: bytes, megabytes: int) -> bytes:
    """Return the record with a value of that size in a field of no catalogue."""
    head, key, tail = line.rpartition(_INTERVAL_KEY)
    huge = b'"Huge":"' + b"x" * (megabytes * 10**6) + b'"'
    return head + b"," + huge + key + tail if key else line[:-1] + b"," + huge + b"}"
