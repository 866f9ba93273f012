"""NDJSON → Parquet from memory or file, one thread each: ours against DuckDB's COPY."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import duckdb
import pyarrow as pa

from instant_logs_plugin.capture.decode import Decoder, capture_schema
from instant_logs_plugin.capture.framing import Arrival
from instant_logs_plugin.edge.fields import FieldType, find_field
from instant_logs_plugin.store.filesystem import open_store
from instant_logs_plugin.store.parquet import write_segment
from tests.benchmarks.traffic import FIELDS

__all__ = ["copy_seconds", "decode_and_write_seconds"]

_BLOCK_BYTES = 8 * 2**20
_ARRIVED_US = 1_790_000_000_000_000
_CAPTURE = "20261124T000000000Z-00000000"
_SQL_TYPES = {
    FieldType.INT: "BIGINT",
    FieldType.FLOAT: "DOUBLE",
    FieldType.BOOL: "BOOLEAN",
    FieldType.TIMESTAMP: "TIMESTAMPTZ",
    FieldType.STRING_LIST: "VARCHAR[]",
    FieldType.INT_LIST: "BIGINT[]",
}


def decode_and_write_seconds(columns: int, lines: list[bytes]) -> float:
    """Decode and write with every check, as a commit does; fsync included."""
    pa.set_cpu_count(1)
    data = b"\n".join(lines) + b"\n"
    fields = FIELDS[columns]
    with tempfile.TemporaryDirectory(prefix="instant-logs-bench-") as directory:
        store = open_store(directory)
        decoder = Decoder(fields, capture_id=_CAPTURE)
        started = time.perf_counter()
        tables = (
            decoder.decode(block, [Arrival(block.count(b"\n"), _ARRIVED_US)]).table
            for block in _blocks(data)
        )
        segment = write_segment(
            store, "segment.parquet", schema=capture_schema(fields), tables=tables
        )
        seconds = time.perf_counter() - started
        decoder.close()
    assert segment.rows == len(lines)
    return seconds


def copy_seconds(columns: int, lines: list[bytes]) -> float:
    """The same lines through DuckDB's typed reader, which checks nothing."""
    names = {
        name: _SQL_TYPES.get(find_field(name).type, "VARCHAR")
        for name in FIELDS[columns]
    } | {"sampleInterval": "BIGINT"}
    types = ", ".join(f"'{name}': '{kind}'" for name, kind in names.items())
    with tempfile.TemporaryDirectory(prefix="instant-logs-bench-") as directory:
        source, target = Path(directory, "in.ndjson"), Path(directory, "out.parquet")
        source.write_bytes(b"\n".join(lines) + b"\n")
        with duckdb.connect(config={"threads": "1"}) as connection:
            started = time.perf_counter()
            connection.execute(
                f"copy (from read_ndjson('{source}', columns={{{types}}})) "
                f"to '{target}' (format parquet, compression zstd)"
            )
            return time.perf_counter() - started


def _blocks(data: bytes) -> list[bytes]:
    blocks, start = [], 0
    while start < len(data):
        end = data.rfind(b"\n", start, start + _BLOCK_BYTES) + 1
        blocks.append(data[start:end])
        start = end
    return blocks
