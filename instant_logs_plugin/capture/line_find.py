"""Where the keys of many lines stand, and so where their values do.

A line is found when it has as many ends of keys as there are keys, each behind its very
key (``line_skeleton``), and a brace at its end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from instant_logs_plugin.capture.line_scan import Scan, line_starts
from instant_logs_plugin.capture.line_shape import Form, Shape
from instant_logs_plugin.capture.line_skeleton import Skeleton

__all__ = ["LineFinder", "Lines"]

Bools = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]

_QUOTE, _CLOSE, _NEWLINE = b'"}\n'


@dataclass(frozen=True)
class Lines:
    """Lines whose key ends are known.

    Attributes:
        places: Among all lines.
        starts: Of each, in bytes.
        ends: Of each: where its closing brace stands.
        key_ends: Where the closing quotes of its keys stand, a row for each.
    """

    places: Places
    starts: Places
    ends: Places
    key_ends: Places

    def where(self, are_kept: Bools) -> Lines:
        """Return these lines without the others."""
        if are_kept.all():
            return self
        return Lines(
            self.places[are_kept],
            self.starts[are_kept],
            self.ends[are_kept],
            self.key_ends[are_kept],
        )

    def hold_any(self, places: Places) -> Bools:
        """Tell in which lines any of these places lie; they are in order."""
        if not len(places):
            return np.zeros(len(self.places), np.bool_)
        firsts = np.searchsorted(places, self.starts)
        found: Bools = np.searchsorted(places, self.ends) > firsts
        return found


class LineFinder:
    """Finds lines of one shape."""

    def __init__(self, shape: Shape) -> None:
        self._skeleton = Skeleton(shape)
        self._key_count = len(shape.keys)
        self._quotes = np.array([key.form is Form.TEXT for key in shape.keys], np.intp)

    def find(self, data: bytes, scan: Scan, line_count: int) -> tuple[Lines, Bools]:
        """Return the lines that are found, and whose texts are all in quotes."""
        key_ends = scan.key_ends
        if len(key_ends) != line_count * self._key_count:
            key_ends = self._skeleton.find_ends(scan.text, key_ends)
        lines = self._by_line(data, key_ends, line_count)
        match = self._skeleton.match(scan.text, lines.key_ends)
        found = match.keys & (scan.text.take(lines.ends, mode="clip") == _CLOSE)
        are_quoted = match.quotes
        if self._quotes[-1]:
            are_quoted &= scan.text.take(lines.ends - 1, mode="clip") == _QUOTE
        return lines.where(found), are_quoted[found]

    def spans(self, lines: Lines, keys: Places) -> tuple[Places, Places]:
        """Return where the values of some keys start and end: a row for each line."""
        starts = lines.key_ends.take(keys, axis=1) + len('":')
        nexts = np.minimum(keys + 1, self._key_count - 1)
        ends = lines.key_ends.take(nexts, axis=1)
        ends += len('":') - self._skeleton.lengths[nexts]
        ends[:, keys == nexts] = lines.ends[:, None]
        return starts, ends

    def texts(self, lines: Lines) -> npt.NDArray[np.int32]:
        """Return where the texts of all values start and end, without their quotes.

        For each key, for each line, two places, and one more place at the end: so they
        are the offsets of an Arrow array. An end is before its start at a text without
        quotes, or with one alone.
        """
        key_ends = lines.key_ends.astype(np.int32).T
        to_starts = len('":') + self._quotes
        to_ends = len('":') - self._skeleton.lengths[1:] - self._quotes[:-1]
        offsets = np.empty(2 * key_ends.size + 1, np.int32)
        bounds = offsets[:-1].reshape(*key_ends.shape, 2)
        np.add(key_ends, _column(to_starts), out=bounds[..., 0])
        np.add(key_ends[1:], _column(to_ends), out=bounds[:-1, :, 1])
        bounds[-1, :, 1] = lines.ends - self._quotes[-1]
        offsets[-1] = offsets[-2]
        return offsets

    def _by_line(self, data: bytes, key_ends: Places, line_count: int) -> Lines:
        """Return the lines that have as many key ends as there are keys."""
        count = self._key_count
        to_key_end = self._skeleton.lengths[0] - len('":')
        if len(key_ends) == line_count * count:
            rows = key_ends.reshape(-1, count)
            bounds = np.append(rows[:, 0] - to_key_end, len(data))
            if _are_bounds(data, bounds):
                return Lines(np.arange(line_count), bounds[:-1], bounds[1:] - 2, rows)
        bounds = line_starts(data)
        counts = np.diff(np.searchsorted(key_ends, bounds))
        rows = key_ends[np.repeat(counts == count, counts)].reshape(-1, count)
        places = np.flatnonzero(counts == count)
        lines = Lines(places, bounds[places], bounds[places + 1] - 2, rows)
        return lines.where(rows[:, 0] == lines.starts + to_key_end)


def _are_bounds(data: bytes, bounds: Places) -> bool:
    """Tell whether lines start at these places; they are as many as the lines."""
    raw = np.frombuffer(data, np.uint8)
    newlines = raw.take(bounds[1:] - 1, mode="clip") == _NEWLINE
    return bool(bounds[0] == 0 and newlines.all())


def _column(values: Places) -> npt.NDArray[np.int32]:
    return values.astype(np.int32)[:, None]
