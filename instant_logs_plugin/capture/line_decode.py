"""One line to one row, exactly: the path for lines that the bulk reader must not see.

Pure but for orjson. A value that does not fit its column's type, and a field outside
the request, goes to ``extra`` with the text of its numbers as sent. A key that comes
twice counts with its last value, as in the bulk reader's JSON library.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from instant_logs_plugin.capture.timestamps import parse_timestamp
from instant_logs_plugin.edge.fields import FieldType

__all__ = ["CONVERTERS", "LineDecoder", "Row"]

Row = list[Any]
Convert = Callable[[Any], Any]

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1


class LineDecoder:
    """Decodes lines of one capture.

    Args:
        columns: Column types by name, in the order of the schema.
    """

    def __init__(self, columns: Mapping[str, FieldType]) -> None:
        self._converters = [(name, CONVERTERS[kind]) for name, kind in columns.items()]

    def decode(self, line: bytes) -> Row | str:
        """Return the column values and ``extra``, or the reason for a reject.

        Args:
            line: The line, without its newline.
        """
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            return _reason(line)
        if not isinstance(record, dict):
            return "not_an_object"
        row: Row = []
        for name, convert in self._converters:
            value = record.get(name)
            fitting = None if value is None else convert(value)
            row.append(fitting)
            if fitting is not None or value is None:
                record.pop(name, None)
        row.append(_extra(line, record) if record else None)
        return row


def _reason(line: bytes) -> str:
    try:
        line.decode()
    except UnicodeDecodeError:
        return "invalid_utf8"
    return "invalid_json"


def _extra(line: bytes, left: Mapping[str, Any]) -> str:
    """Return the JSON text of what is left, numbers as they were sent."""
    try:
        record = json.loads(line, parse_int=_verbatim, parse_float=_verbatim)
        return orjson.dumps({name: record[name] for name in left}).decode()
    except (RecursionError, orjson.JSONEncodeError):
        return orjson.dumps(left).decode()


def _verbatim(number: str) -> orjson.Fragment:
    return orjson.Fragment(number)


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _int(value: Any) -> int | None:
    is_int = type(value) is int and _INT64_MIN <= value <= _INT64_MAX
    return value if is_int else None


def _float(value: Any) -> float | None:
    return float(value) if type(value) in {int, float} else None


def _bool(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _list(value: Any, of: type) -> list[Any] | None:
    if not isinstance(value, list):
        return None
    convert = _string if of is str else _int
    items = [convert(item) for item in value]
    return None if None in items else items


def _timestamp(value: Any) -> int | None:
    if isinstance(value, str):
        return parse_timestamp(value)
    return parse_timestamp(str(value)) if type(value) is int else None


def _object(value: Any) -> str | None:
    return orjson.dumps(value).decode() if isinstance(value, dict) else None


def _unknown(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


CONVERTERS: Mapping[FieldType, Convert] = {
    FieldType.STRING: _string,
    FieldType.INT: _int,
    FieldType.FLOAT: _float,
    FieldType.BOOL: _bool,
    FieldType.STRING_LIST: lambda value: _list(value, str),
    FieldType.INT_LIST: lambda value: _list(value, int),
    FieldType.TIMESTAMP: _timestamp,
    FieldType.OBJECT: _object,
    FieldType.UNKNOWN: _unknown,
}
"""What a JSON value, never None, becomes in a column; None if it does not fit."""
