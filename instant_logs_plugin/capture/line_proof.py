"""Whether the bulk reader read lines exactly, told from what it read.

The values say how long each line must be and where each key must end. If every ``":``
is where it must be, and each value begins as its column's type does, then every value
is as long as it was read: nothing was rounded, cast or left out. Why that holds:

- all keys are there: a column that is NULL must stand as ``"key":null``;
- between two keys that are in place stands one value, for no string holds ``":``;
- what DuckDB casts in silence changes its length: 1.5 is longer than 2, ``"200"``
  longer than 200, ``true`` longer than 1, an escape longer than its character; a
  number in a text column is shorter, but begins with no quote; 1e2 is as long as 100,
  so multiples of a hundred are looked at digit by digit;
- two keys of one length could have changed places: where their types differ, bytes
  that tell them apart are compared.

This costs a third of `line_scan`, which must find every colon; lines with escapes,
spaces or times as numbers are left to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from instant_logs_plugin.capture.line_shape import Shape
from instant_logs_plugin.edge.fields import FieldType

__all__ = ["ReadProof", "make_proof"]

Bools = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.intp]

_QUOTE, _COLON, _OPEN, _CLOSE, _NEWLINE, _BRACKET = b'":{}\n['
_MINUS, _ZERO, _TRUE, _FALSE = b"-0tf"
_NULL_WIDTH = 4
_ROWS_AT_ONCE = 512
_POWERS_OF_TEN = [10**power for power in range(1, 19)]


class _Form(Enum):
    """How values of a column look; what it decides is the width and the first byte."""

    TEXT = 1
    LIST = 2
    INT = 3
    BOOL = 4


_FIRST_BYTES = {_Form.TEXT: _QUOTE, _Form.LIST: _BRACKET}
_FORMS = {
    FieldType.STRING: _Form.TEXT,
    FieldType.UNKNOWN: _Form.TEXT,
    FieldType.TIMESTAMP: _Form.TEXT,
    FieldType.STRING_LIST: _Form.LIST,
    FieldType.INT_LIST: _Form.LIST,
    FieldType.INT: _Form.INT,
    FieldType.BOOL: _Form.BOOL,
}


@dataclass(frozen=True)
class _Key:
    """One key of the shape.

    Attributes:
        name: The key.
        form: How its values look.
        pattern: What stands before its value, from the comma or brace on.
        tells: Offsets from the value's start, and the bytes that must be there.
    """

    name: str
    form: _Form
    pattern: bytes
    tells: tuple[tuple[int, int], ...]


def make_proof(shape: Shape) -> ReadProof | None:
    """Return the proof for lines of a shape, or None if it has a type without one."""
    forms = [_FORMS.get(kind) for kind in shape.types]
    found = [form for form in forms if form is not None]
    if len(found) < len(forms):
        return None
    tells = _tells(shape.keys, found)
    parts = zip(shape.keys, found, shape.patterns, tells, strict=True)
    return ReadProof([_Key(*part) for part in parts])


class ReadProof:
    """Proves reads of lines that have the same keys; see `make_proof`."""

    def __init__(self, keys: Sequence[_Key]) -> None:
        self._keys = keys
        # Braces, commas, keys and the newline.
        self._fixed = sum(len(key.pattern) for key in keys) + 2
        firsts = [_FIRST_BYTES.get(key.form) for key in keys]
        self._firsts = np.array([first or 0 for first in firsts], np.uint8)
        self._has_first = np.array([0xFF if first else 0 for first in firsts], np.uint8)

    def prove(self, data: bytes, table: pa.Table) -> Bools:
        r"""Tell for each line whether its row is exactly what it says.

        Args:
            data: Whole lines, each ended by ``\n``, none blank.
            table: What was read of them: one row for each, times and lists as text.
        """
        raw = np.frombuffer(data, np.uint8)
        columns = [_Column(table[key.name], key.form) for key in self._keys]
        lengths = np.full(table.num_rows, self._fixed, np.intp)
        for column in columns:
            lengths += column.widths
        ends = np.cumsum(lengths)
        if ends[-1] == len(data):
            exact = self._compare(raw, columns, ends - lengths, lengths)
            if exact.all():
                return exact
        # A line is longer than what was read of it: look where each one starts.
        starts = np.flatnonzero(raw[:-1] == _NEWLINE) + 1
        starts = np.concatenate([np.zeros(1, np.intp), starts])
        return self._compare(raw, columns, starts, lengths)

    def _compare(
        self, raw: Bytes, columns: list[_Column], starts: Places, lengths: Places
    ) -> Bools:
        ends = starts + lengths
        exact: Bools = _at(raw, starts) == _OPEN
        exact &= _at(raw, ends - 1) == _NEWLINE
        exact &= _at(raw, ends - 2) == _CLOSE
        values = self._value_starts(columns, starts)
        wrong = self._look_at_starts(raw, values)
        for index, (key, column) in enumerate(zip(self._keys, columns, strict=True)):
            column.settle(wrong[:, index], raw, values[:, index], key)
        if wrong.any():
            exact &= ~wrong.any(axis=1)
        return exact

    def _value_starts(self, columns: list[_Column], starts: Places) -> Places:
        """Return where each value must start; one row of the matrix for each line."""
        steps = np.empty((len(starts), len(columns)), np.intp)
        np.add(starts, len(self._keys[0].pattern), out=steps[:, 0])
        pairs = zip(columns, self._keys[1:], strict=False)
        for index, (column, key) in enumerate(pairs, 1):
            np.add(column.widths, len(key.pattern), out=steps[:, index])
        return np.cumsum(steps, axis=1, out=steps)

    def _look_at_starts(self, raw: Bytes, values: Places) -> Bytes:
        """Return 0 where a value starts as it must, behind its key's end.

        A few lines at a time, all their values: the bytes stay in the cache.
        """
        wrong = np.empty(values.shape, np.uint8)
        for start in range(0, len(values), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            places = values[rows]
            found = (_at(raw, places) ^ self._firsts) & self._has_first
            found |= _at(raw, places - 1) ^ np.uint8(_COLON)
            found |= _at(raw, places - 2) ^ np.uint8(_QUOTE)
            wrong[rows] = found
        return wrong


class _Column:
    """One column that was read: how wide its values must stand in the lines.

    Attributes:
        widths: Bytes of each value in its line, quotes included.
    """

    def __init__(self, column: Any, form: _Form) -> None:
        values, self.widths = _measure(column, form)
        self._nulls = self._round = self._truths = None
        if column.null_count:
            self._nulls = np.flatnonzero(np.asarray(pc.is_null(column)))
            self.widths[self._nulls] = _NULL_WIDTH
        if form is _Form.INT:
            self._round = np.flatnonzero((values % 100 == 0) & (values != 0))
        elif form is _Form.BOOL:
            self._truths = values

    def settle(self, wrong: Bytes, raw: Bytes, starts: Places, key: _Key) -> None:
        """Judge what ends and first bytes do not: integers, truth values, nulls, keys.

        Args:
            wrong: Not 0 where a value is not as it must be; changed in place.
            raw: All lines.
            starts: Where the values must start.
            key: Stands before them.
        """
        if self._round is not None:
            places = self._round
            fits = _are_digits(raw, starts[places], self.widths[places])
            wrong[places] |= ~fits
        if self._truths is not None:
            wrong |= _at(raw, starts) != np.where(self._truths, _TRUE, _FALSE)
        if self._nulls is not None:
            places = self._nulls
            wrong[places] = ~_are_nulls(raw, starts[places], key.pattern)
        for offset, byte in key.tells:
            wrong |= _at(raw, starts + offset) != byte


def _measure(column: Any, form: _Form) -> tuple[Any, Places]:
    """Return values where they count, and the width of each in bytes."""
    if form is _Form.BOOL:
        values = np.asarray(pc.fill_null(column, pa.scalar(value=False)))
        return values, np.where(values, len("true"), len("false")).astype(np.intp)
    if form is _Form.INT:
        values = np.asarray(pc.fill_null(column, 0))
        return values, _int_widths(values)
    quotes = 2 if form is _Form.TEXT else 0
    lengths = np.asarray(pc.fill_null(pc.binary_length(column), 0))
    return None, lengths.astype(np.intp) + quotes


def _int_widths(values: npt.NDArray[np.int64]) -> Places:
    """Return the digits of each, and its sign."""
    negative = values < 0
    sizes = np.abs(values) if negative.any() else values
    widths = negative.astype(np.intp) + 1
    largest = sizes.max(initial=0)
    for power in _POWERS_OF_TEN:
        if power > largest:
            break
        widths += sizes >= power
    return widths


def _are_digits(raw: Bytes, starts: Places, widths: Places) -> Bools:
    """Tell where so many bytes are an integer: digits, and perhaps a sign."""
    found = np.ones(len(starts), np.bool_)
    for offset in range(widths.max(initial=0)):
        bytes_ = _at(raw, starts + offset)
        is_fit = (bytes_ - np.uint8(_ZERO)) < 10  # noqa: PLR2004 - wraps below zero
        if offset == 0:
            is_fit |= bytes_ == _MINUS
        found &= is_fit | (offset >= widths)
    return found


def _are_nulls(raw: Bytes, starts: Places, pattern: bytes) -> Bools:
    """Tell where the key stands whole, with ``null`` behind it."""
    text = np.frombuffer(pattern + b"null", np.uint8)
    offsets = np.arange(len(text)) - len(pattern)
    found: Bools = (_at(raw, starts[:, None] + offsets) == text).all(axis=1)
    return found


def _at(raw: Bytes, places: Places) -> Bytes:
    # Places beyond the data are clipped to bytes that are no match.
    return raw.take(places, mode="clip")


def _tells(
    keys: Sequence[str], forms: Sequence[_Form]
) -> Iterator[tuple[tuple[int, int], ...]]:
    """Yield for each key the bytes that tell it from those it may be taken for."""
    for key, form in zip(keys, forms, strict=True):
        rivals = {
            other
            for other, its_form in zip(keys, forms, strict=True)
            if len(other) == len(key) and its_form is not form
        }
        yield tuple(_tell(key, rivals))


def _tell(key: str, rivals: set[str]) -> Iterator[tuple[int, int]]:
    """Choose bytes until no rival has all of them; most telling first."""
    left = set(rivals)
    while left:
        index = max(
            range(len(key)), key=lambda i: sum(other[i] != key[i] for other in left)
        )
        left = {other for other in left if other[index] == key[index]}
        # Behind the key stand its quote and the colon.
        yield index - len(key) - 2, ord(key[index])
