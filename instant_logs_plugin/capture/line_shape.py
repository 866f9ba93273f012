"""The keys that a block's lines have in common, in a form that is compared in bulk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import orjson

from instant_logs_plugin.edge.fields import FieldType

__all__ = ["TAIL_BYTES", "USUAL_FIRST", "WORD_BYTES", "Shape", "far_word", "find_shape"]

TAIL_BYTES = 5
"""Bytes of a key's tail that are compared with its quote, colon and value."""

WORD_BYTES = 8

USUAL_FIRST = {
    FieldType.STRING: b'"',
    FieldType.UNKNOWN: b'"',
    FieldType.TIMESTAMP: b'"',
    FieldType.STRING_LIST: b"[",
    FieldType.INT_LIST: b"[",
}
"""What a value begins with, where its kind leaves no choice but null."""


@dataclass(frozen=True, eq=False)
class Shape:
    """The keys that a block's lines are expected to have, and how to know them.

    Attributes:
        keys: In order.
        types: Their columns' types.
        expected: For each key, the word around its colon.
        masks: Which bits of ``expected`` count.
        far: Indices of keys that also need the word before.
        ints: Indices of keys of integer columns.
    """

    keys: tuple[str, ...]
    types: tuple[FieldType, ...]
    expected: npt.NDArray[np.uint64]
    masks: npt.NDArray[np.uint64]
    far: tuple[int, ...]
    ints: npt.NDArray[np.intp]

    @property
    def columns(self) -> dict[str, FieldType]:
        """The kinds by key, in order."""
        return dict(zip(self.keys, self.types, strict=True))

    @property
    def patterns(self) -> tuple[bytes, ...]:
        """What stands before each value, from the comma or brace on."""
        opens = (b"{", *(b"," for _ in self.keys[1:]))
        keys = (f'"{key}":'.encode() for key in self.keys)
        return tuple(open_ + key for open_, key in zip(opens, keys, strict=True))


def find_shape(line: bytes, columns: Mapping[str, FieldType]) -> Shape | None:
    """Return the shape of a line, or None if the bulk reader must not see such lines.

    It must not when a key is unknown, escaped or repeated, or when the order of keys
    cannot be told by two words each.
    """
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if (
        not isinstance(record, dict)
        or not record
        or not record.keys() <= columns.keys()
    ):
        return None
    keys = tuple(record)
    types = tuple(columns[key] for key in keys)
    near = [_near_word(key, kind) for key, kind in zip(keys, types, strict=True)]
    far = _far_keys(keys, types)
    if far is None or not all(key.isidentifier() and key.isascii() for key in keys):
        return None
    return Shape(
        keys=keys,
        types=types,
        expected=np.array([word for word, _ in near], np.uint64),
        masks=np.array([mask for _, mask in near], np.uint64),
        far=far,
        ints=np.flatnonzero([kind is FieldType.INT for kind in types]),
    )


def _near_word(key: str, kind: FieldType) -> tuple[int, int]:
    """Return the word from five bytes before the quote to the value's first byte."""
    tail = f'"{key}":'.encode()[-TAIL_BYTES - 2 :]
    first = USUAL_FIRST.get(kind, b"")
    text = tail.rjust(WORD_BYTES - 1, b"\0") + first
    mask = (b"\xff" * len(tail)).rjust(WORD_BYTES - 1, b"\0") + b"\xff" * len(first)
    return int.from_bytes(text, "little"), int.from_bytes(mask, "little")


def far_word(key: str) -> bytes:
    """Return up to eight bytes before the near word, the opening quote included."""
    return f'"{key}'.encode()[:-TAIL_BYTES][-WORD_BYTES:]


def _far_keys(
    keys: tuple[str, ...], types: tuple[FieldType, ...]
) -> tuple[int, ...] | None:
    """Return the keys whose tails are alike in two kinds; None if too alike."""
    tails: dict[bytes, set[FieldType]] = {}
    words: dict[bytes, set[FieldType]] = {}
    for key, kind in zip(keys, types, strict=True):
        tail = f'"{key}'.encode()[-TAIL_BYTES:]
        tails.setdefault(tail, set()).add(kind)
        words.setdefault(far_word(key) + tail, set()).add(kind)
    if any(len(kinds) > 1 for kinds in words.values()):
        return None
    return tuple(
        index
        for index, key in enumerate(keys)
        if len(tails[f'"{key}'.encode()[-TAIL_BYTES:]]) > 1
    )
