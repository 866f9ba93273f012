"""Integers of many lines at once, from their digits.

Eight digits are one word, and three multiplications make it a number: each joins
neighbours, first digits to pairs, then pairs, then fours.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["read_ints"]

Bools = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Places = npt.NDArray[np.intp]
Words = npt.NDArray[np.uint64]

_MINUS, _ZERO = b"-0"
_WORD = 8
_INT64_DIGITS = 19
_INT64_MAX = np.uint64(2**63 - 1)
_ZEROS = np.uint64(0x3030303030303030)
# Added to a byte above nine, it sets the byte's highest bit.
_ABOVE_NINE = np.uint64(0x7676767676767676)
_HIGHEST_BITS = np.uint64(0x8080808080808080)
_JOINS = [
    (np.uint64(10), np.uint64(8), np.uint64(0x00FF00FF00FF00FF)),
    (np.uint64(100), np.uint64(16), np.uint64(0x0000FFFF0000FFFF)),
    (np.uint64(10_000), np.uint64(32), np.uint64(0x00000000FFFFFFFF)),
]


def read_ints(text: Bytes, starts: Places, ends: Places) -> tuple[Ints, Bools]:
    """Return the integers of these spans, and which spans are one.

    One is as JSON spells it, has no fraction or exponent, and fits in 64 bits; ``-0``
    is none. Where there is none, the value has no meaning.

    Args:
        text: The bytes.
        starts: Where each begins; of any shape.
        ends: Where each ends; not before its start.
    """
    firsts = text.take(starts, mode="clip")
    are_negative = firsts == _MINUS
    is_any_negative = bool(are_negative.any())
    if is_any_negative:
        starts = starts + are_negative
        firsts = text.take(starts, mode="clip")
    widths = ends - starts
    sizes, fits = _read_digits(text, ends, np.minimum(widths, _INT64_DIGITS))
    fits &= (widths > 0) & (widths <= _INT64_DIGITS) & (sizes <= _INT64_MAX)
    fits &= (firsts != _ZERO) | (widths == 1)
    values = sizes.view(np.int64)
    if is_any_negative:
        fits &= ~are_negative | (values != 0)
        values = np.where(are_negative, -values, values)
    return values, fits


def _read_digits(text: Bytes, ends: Places, widths: Places) -> tuple[Words, Bools]:
    """Return the numbers, and which spans hold digits only."""
    words, fits = _words_before(text, ends)
    words ^= _ZEROS
    # What stands before the digits is shifted out, and zeros in.
    shifts = (_WORD * (_WORD - np.minimum(widths, _WORD))).view(np.uint64)
    words >>= shifts
    words <<= shifts
    others = words + _ABOVE_NINE
    others |= words
    others &= _HIGHEST_BITS
    fits &= others == 0
    for factor, shift, mask in _JOINS:
        np.right_shift(words, shift, out=others)
        words *= factor
        words += others
        words &= mask
    longer = np.nonzero(widths > _WORD)
    if len(longer[0]):
        higher, higher_fits = _read_digits(
            text, ends[longer] - _WORD, widths[longer] - _WORD
        )
        words[longer] += higher * np.uint64(10**_WORD)
        fits[longer] &= higher_fits
    return words, fits


def _words_before(text: Bytes, ends: Places) -> tuple[Words, Bools]:
    """Return the eight bytes before each place, and where there are so many."""
    places = ends - _WORD
    fits = places >= 0
    if not fits.all():
        places[~fits] = 0
    every = np.ndarray((len(text) - _WORD + 1,), "V8", text, strides=(1,))
    return every[places].view("<u8"), fits
