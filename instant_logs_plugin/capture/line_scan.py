"""One look at the bytes of many lines: where keys end, and what is odd about them.

In parts that stay in the processor's cache.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Scan", "count_lines", "line_starts", "scan_lines"]

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.intp]

_QUOTE, _COLON, _NEWLINE, _ESCAPE = b'":\n\\'
_FIRST_PRINTABLE, _FIRST_BEYOND_ASCII = 0x20, 0x80
_PART_BYTES = 2**19
_NOWHERE = np.empty(0, np.intp)


@dataclass(frozen=True)
class Scan:
    """What was seen.

    Attributes:
        text: The bytes, with an underscore for each that is escaped: every quote in it
            begins or ends a string.
        key_ends: Where a quote stands that a colon follows.
        quote_count: How many quotes there are.
        escapes: Where the backslashes stand that escape something.
        forbidden: Where bytes stand that no string may hold: control characters, and
            all beyond ASCII, if the lines are not UTF-8.
    """

    text: Bytes
    key_ends: Places
    quote_count: int
    escapes: Places
    forbidden: Places


def scan_lines(data: bytes, line_count: int) -> Scan:
    """Look at some lines, each ended by a newline."""
    text = np.frombuffer(data, np.uint8)
    escapes = _find_escapes(data) if b"\\" in data else _NOWHERE
    if len(escapes):
        text = text.copy()
        text[escapes + 1] = ord("_")
    # Made once: fresh memory costs more than what is done in it.
    flags, others = np.empty((2, _PART_BYTES), np.bool_)
    key_ends: list[Places] = []
    quote_count = unusual_count = 0
    for first in range(0, len(text), _PART_BYTES):
        part = text[first : first + _PART_BYTES]
        nexts = text[first + 1 : first + 1 + _PART_BYTES]
        found, colons = flags[: len(part)], others[: len(nexts)]
        # Signed, what is beyond ASCII is below zero.
        np.less(part.view(np.int8), _FIRST_PRINTABLE, out=found)
        unusual_count += int(np.count_nonzero(found))
        np.equal(part, _QUOTE, out=found)
        quote_count += int(np.count_nonzero(found))
        np.equal(nexts, _COLON, out=colons)
        colons &= found[: len(nexts)]
        key_ends.append(np.flatnonzero(colons) + first)
    return Scan(
        text,
        np.concatenate(key_ends),
        quote_count,
        escapes,
        _find_forbidden(data) if unusual_count > line_count else _NOWHERE,
    )


def count_lines(data: bytes) -> tuple[int, bool]:
    """Return how many newlines there are, and whether two of them are neighbours.

    NumPy counts without the interpreter's lock, which other threads wait for.
    """
    raw = np.frombuffer(data, np.uint8)
    line_count, has_neighbours = 0, False
    flags, others = np.empty((2, _PART_BYTES + 1), np.bool_)
    for first in range(0, len(raw), _PART_BYTES):
        part = raw[first : first + _PART_BYTES + 1]
        are_ends, are_neighbours = flags[: len(part)], others[: len(part) - 1]
        np.equal(part, _NEWLINE, out=are_ends)
        line_count += int(np.count_nonzero(are_ends[:_PART_BYTES]))
        np.logical_and(are_ends[1:], are_ends[:-1], out=are_neighbours)
        has_neighbours = has_neighbours or bool(are_neighbours.any())
    return line_count, has_neighbours


def line_starts(data: bytes) -> Places:
    """Return where each line starts, and where one more would."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == _NEWLINE)
    return np.append(0, ends + 1)


def _find_escapes(data: bytes) -> Places:
    """Return where backslashes escape what follows: every other one of a row."""
    places = np.flatnonzero(np.frombuffer(data, np.uint8) == _ESCAPE)
    indices = np.arange(len(places))
    begins_row = np.diff(places, prepend=-2) > 1
    row_starts = np.maximum.accumulate(np.where(begins_row, indices, 0))
    escaping: Places = places[(indices - row_starts) % 2 == 0]
    return escaping


def _find_forbidden(data: bytes) -> Places:
    raw = np.frombuffer(data, np.uint8)
    are_forbidden = (raw < _FIRST_PRINTABLE) & (raw != _NEWLINE)
    if not _is_utf8(data):
        are_forbidden |= raw >= _FIRST_BEYOND_ASCII
    return np.flatnonzero(are_forbidden)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
