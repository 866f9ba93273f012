"""Many lines to typed rows at once, by DuckDB; the GIL is released while it works.

Two ways. ``stream`` reads a whole file of lines, at the speed of the reader, and says
nothing about how: it rounds 1.5 into a BIGINT, reads ``true`` as 1 and ``"200"`` as
200, ignores unknown keys and gives NULLs for what it cannot read. What it gave
must be proven (``line_proof``). ``read`` takes any lines, at half that speed, and tells
which it read exactly: a line whose canonical JSON is that of the row read from it.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from instant_logs_plugin.capture.line_shape import Form, Shape

__all__ = ["BulkReader", "RowStream"]

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_file_cache": "false",
    "threads": "1",
}
_LINE_LIMIT_BYTES = 2 * 2**20
_BATCH_ROWS = 2**13
_TYPES = {Form.TEXT: "VARCHAR", Form.INT: "BIGINT", Form.BOOL: "BOOLEAN"}
# DuckDB's JSON parser lets a last comma pass; whether one is there is seen coarsely.
_LAST_COMMA = r",\s*[\]}]"


class BulkReader:
    """Reads lines; used by one thread at a time."""

    def __init__(self) -> None:
        self._connection = duckdb.connect(config=_CONFIG)

    def stream(self, path: Path, shape: Shape) -> RowStream:
        """Read a file of lines from its start, each into a row of the shape's keys.

        Values of the form ``RAW`` come as their text.
        """
        return RowStream(self._connection.cursor(), path, shape)

    def read(
        self, lines: pa.StringArray, shape: Shape
    ) -> tuple[pa.Table, npt.NDArray[np.bool_]]:
        """Return a row for each line, and which of them are exact."""
        with self._connection.cursor() as connection:
            connection.register("lines", pa.table({"line": lines}))
            table: pa.Table = connection.sql(_canonical_query(shape)).to_arrow_table()
        exact = np.asarray(table["is_exact"])
        return table.drop_columns(["is_exact"]), exact

    def close(self) -> None:
        """Give the memory back."""
        self._connection.close()


class RowStream:
    """The rows of a file, read as they are taken; made by `BulkReader`."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, path: Path, shape: Shape
    ) -> None:
        self._connection = connection
        # Rows that are read long before they are taken only fill memory.
        connection.execute("set streaming_buffer_size = '1MB'")
        # Read by its descriptor: a name could be a pattern, or change.
        self._file = os.open(path, os.O_RDONLY)
        self._batches = self._iter_batches(shape)
        self._left: pa.RecordBatch | None = None

    def take(self, count: int) -> pa.Table | None:
        """Return the next ``count`` rows; None if there are not so many."""
        taken: list[pa.RecordBatch] = []
        while count:
            batch = self._left or next(self._batches, None)
            if batch is None:
                return None
            taken.append(batch.slice(0, count))
            count -= taken[-1].num_rows
            self._left = batch.slice(taken[-1].num_rows)
        return pa.Table.from_batches(taken)

    def close(self) -> None:
        """Stop reading."""
        self._batches.close()
        self._connection.close()
        os.close(self._file)

    def _iter_batches(self, shape: Shape) -> Generator[pa.RecordBatch, None, None]:
        """Yield the rows; they end early if DuckDB cannot go on.

        To be lenient costs a sixth of the time: only a file that needs it pays.
        """
        row_count = 0
        for is_lenient in (False, True):
            query = _stream_query(self._file, shape, is_lenient=is_lenient)
            # Behind its first batch DuckDB's errors come as Arrow's OSError.
            with contextlib.suppress(duckdb.Error, pa.ArrowException, OSError):
                for batch in self._iter_rows(query, row_count):
                    row_count += batch.num_rows
                    yield batch
                return

    def _iter_rows(self, query: str, skipped: int) -> Iterator[pa.RecordBatch]:
        for batch in self._connection.sql(query).to_arrow_reader(_BATCH_ROWS):
            rest = batch.slice(skipped)
            skipped -= batch.num_rows - rest.num_rows
            if rest.num_rows:
                yield rest


def _stream_query(file: int, shape: Shape, *, is_lenient: bool) -> str:
    types = ", ".join(
        f"{_text(key.name)}: '{_TYPES.get(key.form, 'VARCHAR')}'" for key in shape.keys
    )
    return (
        f"from read_ndjson('/dev/fd/{file}', columns = {{{types}}}, "
        f"maximum_object_size = {_LINE_LIMIT_BYTES}, ignore_errors = {is_lenient})"
    )


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
