"""Which lines of a block the bulk reader reads exactly, told without parsing them.

DuckDB's typed reader rounds 1.5 into a BIGINT, reads ``true`` as 1 and ``"200"`` as
200, takes a number for text, ignores unknown keys and allows a trailing comma. A line
is *plain* if none of that can happen in it: it has the keys of the block's shape, in
that order and no others, and each value begins as its column's type does.

How: every ``":`` of the block is located, and the eight bytes around each (five of the
key's tail, the quote, the colon, the value's first) are compared at once. Where the
tails of two keys of different kinds are alike, the eight bytes before decide. Integers
are looked at digit by digit, in words. What is left open is closed after the read: a
key that was not there is a NULL where the line holds no ``null`` (``are_nulls``).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from instant_logs_plugin.capture.line_shape import (
    TAIL_BYTES,
    USUAL_FIRST,
    WORD_BYTES,
    Shape,
    far_word,
)
from instant_logs_plugin.edge.fields import FieldType

__all__ = ["BlockScan", "LineScanner"]

Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]
Words = npt.NDArray[np.uint64]

_CHUNK_BYTES = 2**18
_PAD = b"\0" * 16
_QUOTE, _COLON, _COMMA, _NEWLINE = b'":,\n'
_OPEN, _CLOSE, _MINUS, _ZERO, _N = b"{}-0n"
_NULL = int.from_bytes(b"null", "little")
_EMPTY_OBJECT = int.from_bytes(b"{}", "little")
_HIGH_BITS = np.uint64(0x8080808080808080)
_LOW_BITS = np.uint64(0x7F7F7F7F7F7F7F7F)
_ZEROS = np.uint64(0x3030303030303030)
_ABOVE_NINE = np.uint64(0x7676767676767676)


def _firsts(*texts: bytes) -> Bools:
    table = np.zeros(256, np.bool_)
    table[list(b"".join(texts))] = True
    return table


_DIGITS = b"0123456789"
_FIRST_BYTES: dict[FieldType, Bools] = {
    FieldType.STRING: _firsts(b'"n'),
    FieldType.UNKNOWN: _firsts(b'"n'),
    FieldType.TIMESTAMP: _firsts(b'"n', _DIGITS),
    FieldType.INT: _firsts(b"n-", _DIGITS),
    FieldType.FLOAT: _firsts(b"n", _DIGITS),
    FieldType.BOOL: _firsts(b"tfn"),
    FieldType.STRING_LIST: _firsts(b"[n"),
    FieldType.INT_LIST: _firsts(b"[n"),
    FieldType.OBJECT: _firsts(b"n"),
}


class LineScanner:
    """Scans blocks, one after the other, in one buffer: fresh memory costs a copy."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def scan(self, data: bytes, line_count: int, shape: Shape) -> BlockScan:
        r"""Look at a block; what comes back is good until the next call.

        Args:
            data: Whole lines, each ended by ``\n``, none blank.
            line_count: How many.
            shape: The keys that they are expected to have.
        """
        size = 1 + len(data) + len(_PAD)
        if len(self._buffer) < size:
            self._buffer = bytearray(size)
        with memoryview(self._buffer) as view:
            view[0:1] = b"\n"
            view[1 : 1 + len(data)] = data
            view[1 + len(data) : size] = _PAD
        return BlockScan(self._buffer, len(data), line_count, shape)


class BlockScan:
    """What is known of a block's lines; made by `LineScanner`.

    Attributes:
        shape: The keys that the lines are expected to have.
        plain: For each line, whether the bulk reader reads it exactly.
    """

    def __init__(
        self, buffer: bytearray, size: int, line_count: int, shape: Shape
    ) -> None:
        self.shape = shape
        self._bytes = np.frombuffer(buffer, np.uint8, 1 + size + len(_PAD))
        # One word at every offset: a view, not a copy.
        words = len(self._bytes) - WORD_BYTES + 1
        self._words: Words = np.ndarray((words,), "<u8", buffer, 0, (1,))
        self._size = size
        self._line_count = line_count
        self._colons: Indices = np.empty((0, 0), np.intp)
        self.plain = self._scan()

    def are_nulls(self, index: int, rows: Indices) -> bool:
        """Tell whether the key of a column stands with ``null`` in these plain lines.

        Args:
            index: The key's place in the shape.
            rows: Places among the plain lines.
        """
        ends = self._colons[rows, index] + 2
        pattern = np.frombuffer(self.shape.patterns[index] + b"null", np.uint8)
        offsets = np.arange(len(pattern)) - (len(pattern) - 4)
        return bool((self._bytes[ends[:, None] + offsets] == pattern).all())

    def _scan(self) -> Bools:
        colons, width = self._find_colons(), len(self.shape.keys)
        if len(colons) == width * self._line_count:
            rows = colons.reshape(-1, width)
            starts = self._row_starts(rows)
            if self._begin_lines(starts).all():
                ends = np.append(starts[1:] - 1, self._size)
                return self._keep(rows, self._are_plain(rows, ends), None)
        return self._scan_uneven(colons, width)

    def _scan_uneven(self, colons: Indices, width: int) -> Bools:
        """Look at the lines that have the right number of colons only."""
        newlines = np.flatnonzero(self._bytes[: self._size + 1] == _NEWLINE)
        counts = np.diff(np.searchsorted(colons, newlines))
        right = counts == width
        rows = colons[np.repeat(right, counts)].reshape(-1, width)
        found = self._begin_lines(self._row_starts(rows))
        found &= self._row_starts(rows) == newlines[:-1][right] + 1
        found &= self._are_plain(rows, newlines[1:][right])
        return self._keep(rows, found, right)

    def _keep(self, rows: Indices, found: Bools, right: Bools | None) -> Bools:
        self._colons = rows if found.all() else rows[found]
        if right is None:
            return found
        plain = np.zeros(len(right), np.bool_)
        plain[right] = found
        return plain

    def _find_colons(self) -> Indices:
        """Return the offset of each quote that a colon follows; memory in chunks."""
        parts = []
        for start in range(0, len(self._bytes) - 1, _CHUNK_BYTES):
            part = self._bytes[start : start + _CHUNK_BYTES + 1]
            hits = part[:-1] == _QUOTE
            hits &= part[1:] == _COLON
            parts.append(np.flatnonzero(hits) + start)
        return np.concatenate(parts)

    def _row_starts(self, rows: Indices) -> Indices:
        """Return where each row's brace must stand."""
        starts: Indices = rows[:, 0] - (len(self.shape.keys[0].encode()) + 2)
        return starts

    def _begin_lines(self, starts: Indices) -> Bools:
        safe = np.maximum(starts, 1)
        found: Bools = (self._bytes[safe] == _OPEN) & (starts >= 1)
        found &= self._bytes[safe - 1] == _NEWLINE
        return found

    def _are_plain(self, rows: Indices, ends: Indices) -> Bools:
        """Tell for each row of colons whether its keys and values are as expected."""
        shape = self.shape
        words = self._words[np.maximum(rows - TAIL_BYTES, 0)]
        as_usual = ((words ^ shape.expected) & shape.masks) == 0
        plain: Bools = as_usual.all(axis=1)
        unusual = np.flatnonzero(~plain)
        if len(unusual):
            plain[unusual] = self._are_allowed(rows[unusual], words[unusual])
        self._check_kinds(plain, rows)
        plain &= self._bytes[ends - 1] == _CLOSE
        plain &= self._bytes[ends - 2] != _COMMA
        return plain

    def _are_allowed(self, rows: Indices, words: Words) -> Bools:
        """Compare keys alone, and look values up: nulls, times as numbers."""
        keys = self.shape.masks & np.uint64(2**56 - 1)
        allowed: Bools = (((words ^ self.shape.expected) & keys) == 0).all(axis=1)
        for index, kind in enumerate(self.shape.types):
            allowed &= self._may_begin(kind, rows[:, index] + 2)
        return allowed

    def _may_begin(self, kind: FieldType, starts: Indices) -> Bools:
        """Tell where a value begins as one of its kind, or is null."""
        firsts = self._bytes[starts]
        found: Bools = _FIRST_BYTES[kind][firsts]
        if kind is FieldType.OBJECT:
            found |= (self._words[starts] & np.uint64(0xFFFF)) == _EMPTY_OBJECT
        nulls = np.flatnonzero(firsts == _N)
        if len(nulls):  # or a nan, which the bulk reader takes
            found[nulls] = (self._words[starts[nulls]] & np.uint64(0xFFFFFFFF)) == _NULL
        return found

    def _check_kinds(self, plain: Bools, rows: Indices) -> None:
        """Look closer where the usual word leaves a choice."""
        shape = self.shape
        for index in shape.far:
            plain &= self._has_far_word(rows[:, index], shape.keys[index])
        for index in shape.ints:
            plain &= self._are_ints(rows[:, index] + 2)
        for index, kind in enumerate(shape.types):
            if kind not in USUAL_FIRST and kind is not FieldType.INT:
                plain &= self._may_begin(kind, rows[:, index] + 2)

    def _has_far_word(self, colons: Indices, key: str) -> Bools:
        text = far_word(key)
        shift = WORD_BYTES - len(text)
        words = self._words[np.maximum(colons - TAIL_BYTES - WORD_BYTES, 0)]
        far: Bools = (words >> np.uint64(8 * shift)) == int.from_bytes(text, "little")
        return far

    def _are_ints(self, starts: Indices) -> Bools:
        """Tell where a plain integer of at most 16 digits, or null, stands alone."""
        found: Bools = self._end_of_digits(starts, least=1)
        rest = np.flatnonzero(~found)
        if len(rest):
            found[rest] = self._are_rare_ints(starts[rest])
        return found

    def _are_rare_ints(self, starts: Indices) -> Bools:
        words = self._words[starts]
        first = (words & np.uint64(0xFF)).astype(np.uint8)
        second = ((words >> np.uint64(8)) & np.uint64(0xFF)).astype(np.uint8)
        is_negative = (first == _MINUS) & (second > _ZERO)
        found: Bools = is_negative & self._end_of_digits(starts + 1, least=1)
        is_long = _nondigits(words) == 0
        found |= is_long & self._end_of_digits(starts + WORD_BYTES, least=0)
        found |= (words & np.uint64(0xFFFFFFFF)) == _NULL
        return found

    def _end_of_digits(self, starts: Indices, *, least: int) -> Bools:
        """Tell where digits, at least so many, end in a comma or brace in a word."""
        words = self._words[np.minimum(starts, len(self._words) - 1)]
        nondigits = _nondigits(words)
        lowest = nondigits & (~nondigits + np.uint64(1))
        unit = lowest >> np.uint64(7)
        end = words & (unit * np.uint64(0xFF))
        found: Bools = (end == unit * np.uint64(_COMMA)) | (
            end == unit * np.uint64(_CLOSE)
        )
        found &= lowest != 0
        if least:
            found &= unit != 1
        return found


def _nondigits(words: Words) -> Words:
    """Set the high bit of each byte that is no digit."""
    values = words ^ _ZEROS
    found: Words = (((values & _LOW_BITS) + _ABOVE_NINE) | values) & _HIGH_BITS
    return found
