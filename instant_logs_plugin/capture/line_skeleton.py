"""What stands in a line around its values: keys and punctuation, byte by byte.

Before each value stands its *piece*: a brace or a comma, the key in quotes and a colon;
around texts stand quotes, too. All pieces of many lines are compared at once, each in a
window of as many bytes as the longest one needs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from instant_logs_plugin.capture.line_shape import Form, Shape

__all__ = ["Match", "Skeleton"]

Bools = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.intp]
Windows = npt.NDArray[np.void]
Words = npt.NDArray[np.uint64]

_WORD = 8
# As many windows as stay in the processor's cache.
_WINDOW_BYTES = 2**19


@dataclass(frozen=True)
class Match:
    """Which lines are as expected.

    Attributes:
        keys: Whose keys and punctuation are.
        quotes: Whose texts are in quotes, too; but for a text that ends the line.
    """

    keys: Bools
    quotes: Bools


class Skeleton:
    """The pieces of the lines of one shape.

    Attributes:
        lengths: Of each piece in bytes, without the quotes of texts.
    """

    def __init__(self, shape: Shape) -> None:
        commas = ["{", *[","] * (len(shape.keys) - 1)]
        pieces = [
            f'{comma}"{key.name}":'.encode()
            for comma, key in zip(commas, shape.keys, strict=True)
        ]
        opening = [b'"' if key.form is Form.TEXT else b"" for key in shape.keys]
        closing = [b"", *opening[:-1]]
        self.lengths = np.array([len(piece) for piece in pieces], np.intp)
        self._width = -(-int(self.lengths.max() + 2) // _WORD) * _WORD
        # A window reaches behind its piece, so as not to begin before its line.
        least_before = np.cumsum(self.lengths + 1) - 1
        behind = np.maximum(self._width - least_before, 1)
        self._to_window = len('":') + behind - self._width
        ends = (self._width - behind).tolist()
        quoted = [b"".join(one) for one in zip(closing, pieces, opening, strict=True)]
        quoted_ends = [sum(pair) for pair in zip(ends, map(len, opening), strict=True)]
        self._expected = self._lay(quoted, quoted_ends)
        self._all = self._lay(_ones(quoted), quoted_ends)
        self._keys = self._lay(_ones(pieces), ends)
        tail_bytes = min(_WORD, int(self.lengths.min()))
        tails = [int.from_bytes(piece[-tail_bytes:], "little") for piece in pieces]
        self._tails = np.array(tails, np.uint64)
        self._not_in_tail = np.uint64(8 * (_WORD - tail_bytes))

    def find_ends(self, text: Bytes, places: Places) -> Places:
        """Return those of these places where a known key can end.

        Where values are objects, the keys in them would be taken for the line's own.

        Args:
            text: The lines.
            places: Of closing quotes that a colon follows.
        """
        places = places[places >= _WORD - len('":')]
        words = _windows(text, _WORD)[places - (_WORD - len('":'))].view("<u8")
        return places[np.isin(words >> self._not_in_tail, self._tails)]

    def match(self, text: Bytes, key_ends: Places) -> Match:
        """Tell which lines have just these pieces.

        Args:
            text: The lines.
            key_ends: Where the closing quotes of their keys stand, a row for each.
        """
        windows = _windows(text, self._width)
        found = Match(*np.zeros((2, len(key_ends)), np.bool_))
        at_once = max(1, _WINDOW_BYTES // (self._width * len(self.lengths)))
        for first in range(0, len(key_ends) if len(windows) else 0, at_once):
            rows = slice(first, first + at_once)
            found.keys[rows], found.quotes[rows] = self._match(windows, key_ends[rows])
        return found

    def _match(self, windows: Windows, key_ends: Places) -> tuple[Bools, Bools]:
        places = key_ends + self._to_window
        are_inside = np.ones(len(places), np.bool_)
        if places.min() < 0 or places.max() >= len(windows):
            is_inside = (places >= 0) & (places < len(windows))
            are_inside = is_inside.all(axis=1)
            places[~is_inside] = 0
        found = windows[places].view(np.uint64).reshape(len(places), -1)
        found ^= self._expected
        if not (np.bitwise_or.reduce(found, axis=0) & self._all).any():
            # Almost always all lines match, which is told at once.
            return are_inside, are_inside
        keys: Bools = np.bitwise_or.reduce(found & self._keys, axis=1) == 0
        quotes: Bools = np.bitwise_or.reduce(found & self._all, axis=1) == 0
        return keys & are_inside, quotes & are_inside

    def _lay(self, texts: list[bytes], ends: list[int]) -> Words:
        """Return windows that hold each text up to its end, and zeros; all in a row."""
        windows = b"".join(
            text.rjust(end, b"\0").ljust(self._width, b"\0")
            for text, end in zip(texts, ends, strict=True)
        )
        return np.frombuffer(windows, np.uint64)


def _windows(text: Bytes, width: int) -> Windows:
    """Return the bytes that begin at each place, so many; they share the memory."""
    count = max(len(text) - width + 1, 0)
    return np.ndarray((count,), f"V{width}", text, strides=(1,))


def _ones(texts: list[bytes]) -> list[bytes]:
    return [b"\xff" * len(text) for text in texts]
