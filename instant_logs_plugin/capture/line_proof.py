"""Whether rows that were read in bulk are exactly what their lines say.

The values say how long each line must be, and where in it each key and value must
stand. A line is proven from its brace on, key by key: what stands before is as it was
read, so this key and value start where they must. Then

- the key's closing quote and its colon stand where they must, so the key is as long as
  the expected one, and a byte tells it from every other key of that length;
- TEXT begins with a quote: it is a string, and as long as it was read, because lines
  with escapes are not proven;
- an INT has a digit or sign at its start and a comma or brace behind its end. 1.5, read
  as 2, has not, nor have ``"200"`` and ``true``; 1e2 is as long as 100, so multiples
  of a hundred are compared digit by digit;
- a BOOL begins as ``true`` or ``false`` do;
- RAW is compared byte by byte;
- so are NULLs, with their keys: a NULL is also read where there is no such key.

At the end stand the brace and the newline: there is no other key. What is not proven is
not wrong, but has to be read in another way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from instant_logs_plugin.capture.line_shape import Form, Key, Shape

__all__ = ["ReadProof", "line_starts"]

Bools = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.intp]

_QUOTE, _COLON, _COMMA, _OPEN, _CLOSE, _NEWLINE, _ESCAPE = b'":,{}\n\\'
_MINUS, _ZERO, _TRUE, _FALSE = b"-0tf"
_NULL = b"null"
_VALUES_AT_ONCE = 2**14
_POWERS_OF_TEN = [10**power for power in range(1, 19)]


class ReadProof:
    """Proves rows of lines of one shape."""

    def __init__(self, shape: Shape) -> None:
        names = [key.name for key in shape.keys]
        quotes = [2 if key.form is Form.TEXT else 0 for key in shape.keys]
        widths = [len(name) + len(',"":') for name in names]
        # From the end of a value's text to the start of the next.
        self._steps = [sum(pair) for pair in zip(widths, [0, *quotes], strict=False)]
        self._fixed_width = sum(widths) + sum(quotes) + len("}\n")
        # Integers last: what is looked at in them alone is a slice of the matrices.
        self._keys = sorted(shape.keys, key=lambda key: key.form is Form.INT)
        self._order = [self._keys.index(key) for key in shape.keys]
        self._first_int = sum(key.form is not Form.INT for key in shape.keys)
        tells = [*_tells([key.name for key in self._keys])]
        self._tell_keys = [key for key, _, _ in tells]
        # Some sets of keys need no telling apart: still columns, if empty ones.
        self._tell_offsets = np.array([at for _, at, _ in tells], np.intp)[:, None]
        self._tell_bytes = np.array([byte for _, _, byte in tells], np.uint8)[:, None]
        judged = [key.form in {Form.TEXT, Form.BOOL} for key in self._keys]
        self._judged = np.where(judged, 0xFF, 0).astype(np.uint8)[:, None]

    def prove(self, data: bytes, table: pa.Table) -> Bools:
        r"""Tell for each line whether its row is exactly what it says.

        Args:
            data: Whole lines, each ended by ``\n``, none blank.
            table: What was read of them: a row for each.
        """
        raw = np.frombuffer(data, np.uint8)
        batches = [_Batch(batch, self._keys) for batch in table.to_batches()]
        lengths = [batch.lengths + self._fixed_width for batch in batches]
        ends = np.cumsum(np.concatenate(lengths))
        exact = self._prove_from(raw, batches, np.append(0, ends[:-1]))
        if ends[-1] != len(data) or not exact.all():
            # A line is longer than what was read of it: look where each one starts.
            exact = self._prove_from(raw, batches, line_starts(data)[:-1])
        return exact & ~_have_escapes(data, len(exact))

    def _prove_from(
        self, raw: Bytes, batches: Sequence[_Batch], starts: Places
    ) -> Bools:
        rows = np.cumsum([len(batch.lengths) for batch in batches])
        parts = np.split(starts, rows[:-1])
        pairs = zip(batches, parts, strict=True)
        return np.concatenate([self._prove_batch(raw, *pair) for pair in pairs])

    def _prove_batch(self, raw: Bytes, batch: _Batch, starts: Places) -> Bools:
        ends = starts + batch.lengths + self._fixed_width
        exact: Bools = _at(raw, starts) == _OPEN
        exact &= _at(raw, ends - 2) == _CLOSE
        exact &= _at(raw, ends - 1) == _NEWLINE
        places = self._places(batch, starts)
        at_once = max(1, _VALUES_AT_ONCE // len(places))
        for first in range(0, len(exact), at_once):
            rows = slice(first, first + at_once)
            exact[rows] &= self._look(raw, batch, places, rows)
        for row in self._misfits(raw, batch, places):
            exact[row] = False
        return exact

    def _places(self, batch: _Batch, starts: Places) -> Places:
        """Return where each value must start: a matrix of keys and lines."""
        places = np.empty_like(batch.widths)
        before = starts
        for row, step in zip(self._order, self._steps, strict=True):
            np.add(before, step, out=places[row])
            before = places[row] + batch.widths[row]
        return places

    def _look(self, raw: Bytes, batch: _Batch, places: Places, rows: slice) -> Bools:
        """Look where keys end and values begin; few lines, whose bytes stay cached."""
        places = places[:, rows].copy()
        firsts = _at(raw, places)
        ints = slice(self._first_int, None)
        fits = _may_begin_int(firsts[ints])
        fits &= _ends_value(_at(raw, places[ints] + batch.widths[ints, rows]))
        told = _at(raw, places[self._tell_keys] + self._tell_offsets)
        told ^= self._tell_bytes
        firsts ^= batch.firsts[:, rows]
        firsts &= self._judged
        places -= 1
        firsts |= _at(raw, places) ^ np.uint8(_COLON)
        places -= 1
        firsts |= _at(raw, places) ^ np.uint8(_QUOTE)
        exact: Bools = np.bitwise_or.reduce(firsts, axis=0) == 0
        exact &= np.bitwise_or.reduce(told, axis=0) == 0
        return exact & fits.all(axis=0)

    def _misfits(self, raw: Bytes, batch: _Batch, places: Places) -> Iterator[Places]:
        """Yield lines whose values are not, byte by byte, what was read."""
        ints, rows = np.nonzero(batch.are_round)
        keys = ints + self._first_int
        yield rows[_no_digits(raw, places[keys, rows], batch.widths[keys, rows])]
        for index, key in enumerate(self._keys):
            nulls = batch.nulls[index]
            if len(nulls):
                text = f'"{key.name}":null'.encode()
                starts = places[index, nulls] - (len(text) - len(_NULL))
                yield nulls[_differ(raw, starts, np.full_like(nulls, len(text)), text)]
            if key.form is Form.RAW:
                rows = np.delete(np.arange(places.shape[1]), nulls)
                widths, text = batch.widths[index, rows], _text_of(batch.columns[index])
                yield rows[_differ(raw, places[index, rows], widths, text)]


class _Batch:
    """Rows that were read, and how their values must stand in their lines.

    Attributes:
        columns: Of each key.
        nulls: Of each key: its rows without a value.
        widths: Of each key and row: the bytes of the value, without quotes.
        lengths: Of each row: the sum of its widths.
        firsts: Of each key and row: the first byte, where its form decides it.
        are_round: Of each integer key and row: whether a multiple of a hundred.
    """

    def __init__(self, batch: pa.RecordBatch, keys: Sequence[Key]) -> None:
        self.columns = [batch.column(key.name) for key in keys]
        self.nulls = [_nulls(column) for column in self.columns]
        self.widths = np.empty((len(keys), batch.num_rows), np.intp)
        self.firsts = np.full(self.widths.shape, _QUOTE, np.uint8)
        ints = [
            _values(column, 0)
            for key, column in zip(keys, self.columns, strict=True)
            if key.form is Form.INT
        ]
        self._measure_others(keys)
        self._measure_ints(np.array(ints, np.int64).reshape(-1, batch.num_rows))
        self._measure_nulls(keys)
        self.lengths = self.widths.sum(axis=0)

    def _measure_others(self, keys: Sequence[Key]) -> None:
        for index, (key, column) in enumerate(zip(keys, self.columns, strict=True)):
            if key.form is Form.BOOL:
                values = _values(column, default=False)
                self.widths[index] = np.where(values, len("true"), len("false"))
                self.firsts[index] = np.where(values, _TRUE, _FALSE)
            elif key.form is not Form.INT:
                offsets = _offsets(column)
                np.subtract(offsets[1:], offsets[:-1], out=self.widths[index])

    def _measure_ints(self, values: npt.NDArray[np.int64]) -> None:
        self.widths[len(self.widths) - len(values) :] = _int_widths(values)
        self.are_round = (values // 100 * 100 == values) & (values != 0)

    def _measure_nulls(self, keys: Sequence[Key]) -> None:
        for index, (key, nulls) in enumerate(zip(keys, self.nulls, strict=True)):
            if len(nulls):
                quotes = 2 if key.form is Form.TEXT else 0
                self.widths[index, nulls] = len(_NULL) - quotes
                self.firsts[index, nulls] = _NULL[0]


def line_starts(data: bytes) -> Places:
    """Return where each line starts, and where one more would."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == _NEWLINE)
    return np.append(0, ends + 1)


def _nulls(column: Any) -> Places:
    if not column.null_count:
        return np.empty(0, np.intp)
    return np.flatnonzero(np.asarray(column.is_null()))


def _values(column: Any, default: Any) -> npt.NDArray[Any]:
    if column.null_count:
        column = pc.fill_null(column, pa.scalar(default, column.type))
    return np.asarray(column)


def _offsets(column: Any) -> npt.NDArray[np.int32]:
    """Return where each text starts among the bytes of all, and the last one ends."""
    buffer, count = column.buffers()[1], len(column) + 1
    return np.frombuffer(buffer, np.int32, count, 4 * column.offset)


def _text_of(column: Any) -> bytes:
    """Return the bytes of all texts."""
    offsets = _offsets(column)
    data = column.buffers()[2]
    return bytes(data[offsets[0] : offsets[-1]]) if data else b""


def _int_widths(values: npt.NDArray[np.int64]) -> Bytes:
    """Return the digits of each, and its sign."""
    negative = values < 0
    # The least integer has no opposite, but as many digits as the greatest.
    sizes = np.maximum(values, -(values + negative)) if negative.any() else values
    widths = negative.view(np.uint8) + np.uint8(1)
    largest = sizes.max(initial=0)
    for power in _POWERS_OF_TEN:
        if power > largest:
            break
        widths += (sizes >= power).view(np.uint8)
    return widths


def _may_begin_int(firsts: Bytes) -> Bools:
    """Tell what begins an integer; or a null, which is looked at by itself."""
    found = _is_digit(firsts)
    found |= (firsts == _MINUS) | (firsts == _NULL[0])
    return found


def _ends_value(nexts: Bytes) -> Bools:
    found: Bools = (nexts == _COMMA) | (nexts == _CLOSE)
    return found


def _is_digit(bytes_: Bytes) -> Bools:
    digits: Bools = (bytes_ - np.uint8(_ZERO)) < 10  # noqa: PLR2004 - wraps below zero
    return digits


def _no_digits(raw: Bytes, starts: Places, widths: Places) -> Bools:
    """Tell which spans hold something else than digits behind their first byte."""
    return _any_of(~_is_digit(_spans(raw, starts + 1, widths - 1)), widths - 1)


def _differ(raw: Bytes, starts: Places, widths: Places, text: bytes) -> Bools:
    """Tell which spans are not as in ``text``: all in a row, or one for each."""
    found = _spans(raw, starts, widths)
    wanted = np.frombuffer(text, np.uint8)
    return _any_of(found != np.resize(wanted, len(found)), widths)


def _spans(raw: Bytes, starts: Places, widths: Places) -> Bytes:
    """Return the bytes of all spans, one behind the other."""
    ends = np.cumsum(widths)
    shifts = np.repeat(starts - (ends - widths), widths)
    return _at(raw, np.arange(len(shifts)) + shifts)


def _any_of(flags: Bools, widths: Places) -> Bools:
    """Tell for each span whether any of its bytes is flagged."""
    spans = np.searchsorted(np.cumsum(widths), np.flatnonzero(flags), side="right")
    found = np.zeros(len(widths), np.bool_)
    found[spans] = True
    return found


def _have_escapes(data: bytes, line_count: int) -> Bools:
    found = np.zeros(line_count, np.bool_)
    if b"\\" in data:
        escapes = np.flatnonzero(np.frombuffer(data, np.uint8) == _ESCAPE)
        found[np.searchsorted(line_starts(data), escapes, side="right") - 1] = True
    return found


def _at(raw: Bytes, places: Places) -> Bytes:
    # Places beyond the data are clipped to bytes that are no match.
    return raw.take(places, mode="clip")


def _tells(names: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Yield bytes that tell each key from the others of its length.

    As the key's index, the offset from its value's start, and the byte.
    """
    for index, name in enumerate(names):
        rivals = {other for other in names if len(other) == len(name)} - {name}
        while rivals:
            at = _most_telling(name, rivals)
            rivals = {other for other in rivals if other[at] == name[at]}
            # Behind the key stand its quote and the colon.
            yield index, at - len(name) - 2, ord(name[at])


def _most_telling(name: str, rivals: set[str]) -> int:
    """Return where in the name most rivals have another byte."""
    return max(
        range(len(name)),
        key=lambda at: sum(other[at] != name[at] for other in rivals),
    )
