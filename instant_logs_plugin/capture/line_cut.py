"""Many lines to values at once: cut where their keys stand, and proven to be JSON.

A line is cut when every byte of it is accounted for, so that nothing has to parse it:

- keys and punctuation are just the expected ones (``line_find``);
- a null is null, an integer is its digits (``line_digits``);
- a text begins and ends with a quote, and the line has no other quotes, no control
  character and no broken UTF-8; what is escaped in it is parsed by itself;
- anything else is kept as its text, to be parsed by whoever takes it.

What is not cut is not wrong, but has to be read in another way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from instant_logs_plugin.capture.line_digits import read_ints
from instant_logs_plugin.capture.line_find import LineFinder, Lines
from instant_logs_plugin.capture.line_scan import Scan, scan_lines
from instant_logs_plugin.capture.line_shape import Form, Shape

__all__ = ["Cut", "LineCutter"]

Bools = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.intp]

_QUOTE = ord('"')
_NULL = np.frombuffer(b"null", np.uint8)


@dataclass(frozen=True)
class Cut:
    """What was cut.

    Attributes:
        lines: Which lines, by their places among all.
        columns: Their values by key: int64, or the text of a string, or of any JSON
            where the key's form is ``RAW``.
    """

    lines: Places
    columns: Mapping[str, Any]


_NOTHING = Cut(np.empty(0, np.intp), {})


@dataclass(frozen=True)
class _Values:
    """Values of all keys of one form, a row for each line.

    Attributes:
        fits: In which lines all are as expected.
        nulls: Which are null, or None if none is.
        ints: What they are, if they are integers.
    """

    fits: Bools
    nulls: Bools | None
    ints: npt.NDArray[np.int64] | None = None


class LineCutter:
    """Cuts lines of one shape.

    Attributes:
        shape: Theirs.
    """

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self._keys = shape.keys
        self._finder = LineFinder(shape)
        forms = [key.form for key in shape.keys]
        self._texts = np.flatnonzero([form is Form.TEXT for form in forms])
        self._ints = np.flatnonzero([form is Form.INT for form in forms])
        self._raws = [key.name for key in shape.keys if key.form is Form.RAW]

    def cut(self, data: bytes, line_count: int) -> Cut:
        r"""Cut the lines that have the shape.

        Args:
            data: Whole lines, each ended by ``\n``, none blank.
            line_count: How many they are.
        """
        scan = scan_lines(data, line_count)
        lines, are_quoted = self._finder.find(data, scan, line_count)
        if not len(lines.places):
            return _NOTHING
        texts = self._read_texts(scan.text, lines, are_quoted)
        ints = self._read_ints(scan.text, lines)
        fits = texts.fits & ints.fits & ~lines.hold_any(scan.forbidden)
        offsets = self._finder.texts(lines)
        fits &= self._mend(offsets, len(fits))
        columns = dict(self._columns(_pieces(data, offsets), texts, ints))
        fits &= self._unescape(data, scan, lines, columns)
        expected = self._expected_quotes(texts.nulls, columns)
        is_whole = len(fits) == line_count and bool(fits.all())
        # No line that fits has fewer: so many in all are as many in each.
        total = np.broadcast_to(expected, fits.shape).sum()
        if not (is_whole and total == scan.quote_count):
            fits &= _have_quotes(scan, lines, expected)
        if not fits.all():
            kept = pa.array(fits)
            columns = {name: column.filter(kept) for name, column in columns.items()}
        return Cut(lines.places[fits], columns)

    def _read_texts(self, text: Bytes, lines: Lines, are_quoted: Bools) -> _Values:
        """Look closer where texts are not all in quotes."""
        if are_quoted.all():
            return _Values(are_quoted, None)
        starts, ends = self._finder.spans(lines.where(~are_quoted), self._texts)
        in_quotes = text.take(starts, mode="clip") == _QUOTE
        in_quotes &= text.take(ends - 1, mode="clip") == _QUOTE
        are_null = _are_null(text, starts, ends)
        nulls = np.zeros((len(are_quoted), len(self._texts)), np.bool_)
        nulls[~are_quoted] = are_null
        fits = are_quoted.copy()
        fits[~are_quoted] = (in_quotes | are_null).all(axis=1)
        return _Values(fits, nulls)

    def _read_ints(self, text: Bytes, lines: Lines) -> _Values:
        starts, ends = self._finder.spans(lines, self._ints)
        values, fits = read_ints(text, starts, ends)
        nulls: Bools | None = None
        if not fits.all():
            nulls = ~fits
            nulls[nulls] = _are_null(text, starts[nulls], ends[nulls])
            fits |= nulls
        return _Values(np.all(fits, axis=1), nulls, values)

    def _mend(self, offsets: npt.NDArray[np.int32], line_count: int) -> Bools:
        """Empty texts that end before they start; tell which lines have none."""
        bounds = offsets[:-1].reshape(len(self._keys), line_count, 2)
        are_sound = bounds[..., 0] <= bounds[..., 1]
        if not are_sound.all():
            np.maximum(bounds[..., 0], bounds[..., 1], out=bounds[..., 1])
            offsets[-1] = offsets[-2]
        sound: Bools = np.all(are_sound, axis=0)
        return sound

    def _columns(
        self, pieces: Any, texts: _Values, ints: _Values
    ) -> Iterator[tuple[str, Any]]:
        count = len(texts.fits)
        # Behind each value comes what stands before the next one.
        places = 2 * np.arange(count)
        numbers = iter(() if ints.ints is None else ints.ints.T.copy())
        for index, key in enumerate(self._keys):
            if key.form is Form.INT:
                nulls = _column_of(ints.nulls, self._ints, index)
                yield key.name, _int_array(next(numbers), nulls)
            else:
                nulls = _column_of(texts.nulls, self._texts, index)
                column = pieces.slice(2 * count * index, 2 * count)
                values: Any = pa.array(places, mask=nulls)
                yield key.name, pc.take(column, values, boundscheck=False)

    def _unescape(
        self, data: bytes, scan: Scan, lines: Lines, columns: dict[str, Any]
    ) -> Bools:
        """Parse texts that hold escapes; tell which lines then hold no others."""
        fits = np.ones(len(lines.places), np.bool_)
        for index, key in enumerate(self._keys if len(scan.escapes) else ()):
            starts, ends = self._finder.spans(lines, np.array([index]))
            firsts, lasts = np.searchsorted(scan.escapes, (starts[:, 0], ends[:, 0]))
            places = np.flatnonzero(lasts > firsts)
            if key.form is not Form.TEXT:
                fits[places] = False
            elif len(places):
                spans = zip(starts[places, 0], ends[places, 0], strict=True)
                texts = [_parse_string(data[start:end]) for start, end in spans]
                fits[places] &= [text is not None for text in texts]
                columns[key.name] = pc.replace_with_mask(
                    columns[key.name],
                    pa.array(lasts > firsts),
                    pa.array(texts, pa.string()),
                )
        return fits

    def _expected_quotes(self, nulls: Bools | None, columns: Mapping[str, Any]) -> Any:
        """Return how many quotes keys and values have, of each line or of any."""
        expected: Any = 2 * (len(self._keys) + len(self._texts))
        if nulls is not None:
            expected = expected - 2 * np.count_nonzero(nulls, axis=1)
        for name in self._raws:
            expected = expected + np.asarray(pc.count_substring(columns[name], '"'))
        return expected


def _have_quotes(scan: Scan, lines: Lines, expected: Any) -> Bools:
    """Tell which lines have just as many quotes as expected."""
    # Each line's quotes, then those of what lies before the next of these lines.
    bounds = np.stack([lines.starts, lines.ends], axis=1).ravel()
    found = np.add.reduceat(scan.text == _QUOTE, bounds, dtype=np.intp)[::2]
    same: Bools = found == expected
    return same


def _are_null(text: Bytes, starts: Places, ends: Places) -> Bools:
    found: Bools = ends - starts == len(_NULL)
    places = starts[found]
    letters = [text[places + offset] for offset in range(len(_NULL))]
    found[found] = (np.stack(letters, axis=-1) == _NULL).all(axis=-1)
    return found


def _pieces(data: bytes, offsets: Any) -> Any:
    """Return the text of every span, and behind each what stands before the next.

    What stands between the last of a key and the first of the next key has no meaning.
    """
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.string(), len(offsets) - 1, buffers)


def _int_array(values: Any, nulls: Bools | None) -> Any:
    if nulls is not None:
        return pa.array(values, mask=nulls)
    buffers = [None, pa.py_buffer(values)]
    return pa.Array.from_buffers(pa.int64(), len(values), buffers)


def _column_of(matrix: Bools | None, keys: Places, index: int) -> Bools | None:
    """Return a key's column of a matrix of some keys; None if it is all false."""
    if matrix is None or index not in keys:
        return None
    column = matrix[:, np.searchsorted(keys, index)].copy()
    return column if column.any() else None


def _parse_string(text: bytes) -> str | None:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, str) else None
