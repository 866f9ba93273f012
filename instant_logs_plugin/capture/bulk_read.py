"""Many lines to typed rows at once, by DuckDB; the GIL is released while it works.

DuckDB rounds 1.5 into a BIGINT, reads ``true`` as 1 and ``"200"`` as 200, ignores
unknown keys and gives NULLs for what it cannot read. So it also tells which lines it
read exactly: those whose canonical JSON is that of the row read from them.
"""

from __future__ import annotations

import json

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from instant_logs_plugin.capture.line_shape import Form, Shape

__all__ = ["BulkReader"]

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "threads": "1",
}
_TYPES = {Form.TEXT: "VARCHAR", Form.INT: "BIGINT"}
# DuckDB's JSON parser lets a last comma pass; whether one is there is seen coarsely.
_LAST_COMMA = r",\s*[\]}]"


class BulkReader:
    """Reads lines; used by one thread at a time."""

    def __init__(self) -> None:
        self._connection: duckdb.DuckDBPyConnection | None = None

    def read(
        self, lines: pa.StringArray, shape: Shape
    ) -> tuple[pa.Table, npt.NDArray[np.bool_]]:
        """Return a row for each line, and which of them are exact.

        Values of the form ``RAW`` come as their text.
        """
        with self._cursor() as connection:
            connection.register("lines", pa.table({"line": lines}))
            table: pa.Table = connection.sql(_canonical_query(shape)).to_arrow_table()
        exact = np.asarray(table["is_exact"])
        return table.drop_columns(["is_exact"]), exact

    def close(self) -> None:
        """Give the memory back."""
        if self._connection is not None:
            self._connection.close()

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        # It takes some 30 MB, which most captures never need.
        if self._connection is None:
            self._connection = duckdb.connect(config=_CONFIG)
        return self._connection.cursor()


def _canonical_query(shape: Shape) -> str:
    """Compare each line with its row, both as JSON without freedom in spelling."""
    types = {key.name: _TYPES.get(key.form, "JSON") for key in shape.keys}
    columns = ", ".join(_column(key.name, types[key.name]) for key in shape.keys)
    return f"""
        select
            {columns},
            ifnull(try(json(line)) = to_json(record), false)
                and not regexp_matches(line, {_text(_LAST_COMMA)}) as is_exact
        from (
            select line, try(from_json(line, {_text(json.dumps(types))})) as record
            from lines
        )
    """  # noqa: S608 - names and types are quoted above, lines are a table


def _column(name: str, kind: str) -> str:
    value = f"record.{_name(name)}"
    return f"{value + '::varchar' if kind == 'JSON' else value} as {_name(name)}"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
