"""What the lines of a capture have in common: their keys, and how values look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import orjson

from instant_logs_plugin.edge.fields import FieldType

__all__ = ["Form", "Key", "Shape", "find_shape"]


class Form(Enum):
    """How a value looks in its line, and so as what it is read in bulk.

    ``RAW`` is any JSON text that is taken as it stands and parsed later: lists,
    objects, fractions, truth.
    """

    TEXT = "text"
    INT = "int"
    RAW = "raw"


@dataclass(frozen=True)
class Key:
    """A key of the lines, and what its values are expected to be.

    Attributes:
        name: As the service spells it.
        kind: Its column's type.
        form: How its values look.
    """

    name: str
    kind: FieldType
    form: Form


@dataclass(frozen=True)
class Shape:
    """The keys that lines are expected to have, in order, and no others."""

    keys: tuple[Key, ...]


def find_shape(data: bytes, columns: Mapping[str, FieldType]) -> Shape | None:
    """Return the shape of the first of some lines that has one.

    A line has none when it is no record of plain names that are all expected: names
    of letters, digits and ``_`` need no escape, in JSON or in SQL.

    Args:
        data: Lines; only the first few are looked at.
        columns: The types of the expected keys.
    """
    for line in data.split(b"\n", _TRIES)[:_TRIES]:
        record = _parse(line)
        names = record.keys()
        if names and names <= columns.keys() and all(map(_is_plain, names)):
            return Shape(tuple(_keys(record, columns)))
    return None


_TRIES = 16
_FORMS = {
    FieldType.STRING: Form.TEXT,
    FieldType.INT: Form.INT,
}


def _parse(line: bytes) -> dict[str, Any]:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return record if isinstance(record, dict) else {}


def _is_plain(name: str) -> bool:
    return name.isidentifier() and name.isascii()


def _keys(record: Mapping[str, Any], columns: Mapping[str, FieldType]) -> Iterator[Key]:
    for name, value in record.items():
        kind = columns[name]
        yield Key(name, kind, _FORMS.get(kind) or _form_of(kind, value))


def _form_of(kind: FieldType, value: Any) -> Form:
    """Tell the form of a kind that has several, by a value."""
    if kind is FieldType.TIMESTAMP:
        return Form.INT if type(value) is int else Form.TEXT
    is_text = kind is FieldType.UNKNOWN and (value is None or isinstance(value, str))
    return Form.TEXT if is_text else Form.RAW
