"""The columns of a capture: the requested fields, the service's and our own."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from instant_logs_plugin.edge.fields import TAKEN_NAMES, FieldType, find_field

__all__ = ["SAMPLE_INTERVAL", "arrow_type", "capture_schema", "column_types"]

SAMPLE_INTERVAL = "sampleInterval"
"""What a record says it stands for; comes with every record, unasked."""

_UTC_US = pa.timestamp("us", tz="UTC")
_ARROW: dict[FieldType, pa.DataType] = {
    FieldType.INT: pa.int64(),
    FieldType.FLOAT: pa.float64(),
    FieldType.BOOL: pa.bool_(),
    FieldType.STRING_LIST: pa.list_(pa.string()),
    FieldType.INT_LIST: pa.list_(pa.int64()),
    FieldType.TIMESTAMP: _UTC_US,
}


def arrow_type(field_type: FieldType) -> pa.DataType:
    """Return the column type of a field type; objects are JSON text."""
    return _ARROW.get(field_type, pa.string())


def column_types(fields: Sequence[str]) -> dict[str, FieldType]:
    """Return what has a column of its own when the service sends it, with types.

    In order. A field whose name is taken, whatever its case, has none: its values are
    in ``extra``.
    """
    names = {name.casefold(): name for name in reversed(fields)}
    types = {
        name: find_field(name).type
        for name in fields
        if names[name.casefold()] == name and name.casefold() not in TAKEN_NAMES
    }
    return {**types, SAMPLE_INTERVAL: FieldType.INT}


def capture_schema(fields: Sequence[str]) -> pa.Schema:
    """Return the schema of a capture of these fields (design §6).

    The requested fields in order (but see ``column_types``), ``sampleInterval`` int64,
    ``capture_id`` string, ``received_at`` timestamp[us, UTC], ``extra`` string (JSON
    text). All nullable.
    """
    sent = [(name, arrow_type(kind)) for name, kind in column_types(fields).items()]
    ours: list[tuple[str, pa.DataType]] = [
        ("capture_id", pa.string()),
        ("received_at", _UTC_US),
        ("extra", pa.string()),
    ]
    return pa.schema([*sent, *ours])
