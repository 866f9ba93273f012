"""Many lines to typed columns at once, by DuckDB's NDJSON reader.

It takes only lines that `line_scan` found plain: on others it guesses. Times and lists
come as text and are parsed here by their distinct values, which are few. The GIL is
released while DuckDB works.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from instant_logs_plugin.capture.line_decode import parse_list
from instant_logs_plugin.capture.schema import arrow_type
from instant_logs_plugin.capture.timestamps import parse_timestamp
from instant_logs_plugin.edge.fields import FieldType

__all__ = ["BulkReader", "parse_text"]

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    # The scratch file keeps its name and changes its content.
    "enable_external_file_cache": "false",
    "threads": "1",
}
_LINE_LIMIT_BYTES = 2 * 2**20
_DUCKDB_TYPES = {
    FieldType.INT: "BIGINT",
    FieldType.FLOAT: "DOUBLE",
    FieldType.BOOL: "BOOLEAN",
}


def _parse_strings(text: str) -> list[Any] | None:
    return parse_list(text, of=str)


def _parse_ints(text: str) -> list[Any] | None:
    return parse_list(text, of=int)


_TEXT_PARSERS: dict[FieldType, Callable[[str], Any]] = {
    FieldType.TIMESTAMP: parse_timestamp,
    FieldType.STRING_LIST: _parse_strings,
    FieldType.INT_LIST: _parse_ints,
}


class BulkReader:
    """Reads blocks of lines; one thread at a time."""

    def __init__(self) -> None:
        self._connection = duckdb.connect(config=_CONFIG)
        self._scratch = _open_scratch()

    def read(self, data: bytes, columns: Mapping[str, FieldType]) -> pa.Table | None:
        """Return the columns of lines, in order, times and lists still as text.

        Args:
            data: Whole plain lines.
            columns: The keys to read, with the kinds of their values.

        Returns:
            The table, or None when DuckDB cannot read the lines.
        """
        _write_all(self._scratch, data)
        os.ftruncate(self._scratch, len(data))
        try:
            table: pa.Table = self._connection.sql(
                self._query(columns)
            ).to_arrow_table()
        except duckdb.Error:
            return None
        return table

    def close(self) -> None:
        """Give memory and scratch file back."""
        self._connection.close()
        os.close(self._scratch)

    def _query(self, columns: Mapping[str, FieldType]) -> str:
        types = ", ".join(
            f"'{name}': '{_DUCKDB_TYPES.get(kind, 'VARCHAR')}'"
            for name, kind in columns.items()
        )
        return (
            f"from read_ndjson('/dev/fd/{self._scratch}', columns = {{{types}}}, "
            f"maximum_object_size = {_LINE_LIMIT_BYTES})"
        )


def parse_text(
    column: Any, kind: FieldType
) -> tuple[Any, npt.NDArray[np.bool_] | None]:
    """Return a column of its final type, and where the text did not fit it.

    Returns:
        The values, and a mask of misfits (their values are null), or None for none.
    """
    parse = _TEXT_PARSERS.get(kind)
    if parse is None:
        return column, None
    encoded = column.combine_chunks().dictionary_encode()
    parsed = [parse(text) for text in encoded.dictionary.to_pylist()]
    values = pa.array(parsed, arrow_type(kind)).take(encoded.indices)
    if None not in parsed:
        return values, None
    return values, np.asarray(pc.is_valid(column)) & np.asarray(pc.is_null(values))


def _open_scratch() -> int:
    """Open a file that no name leads to; in memory where the system can."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("instant-logs-lines", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _write_all(file: int, data: bytes) -> None:
    view, offset = memoryview(data), 0
    while offset < len(data):
        offset += os.pwrite(file, view[offset:], offset)
