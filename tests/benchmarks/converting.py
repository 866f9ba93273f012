"""NDJSON file → Parquet, one thread each: ours against DuckDB's COPY."""

from __future__ import annotations

import tempfile
import zlib
from pathlib import Path

import duckdb
import pyarrow as pa

from instant_logs_plugin.capture.decode import Decoder, capture_schema
from instant_logs_plugin.capture.segment import BATCH, IndexEntry, SealedSegment
from instant_logs_plugin.edge.fields import FieldType, find_field
from instant_logs_plugin.store.filesystem import open_store
from instant_logs_plugin.store.parquet import write_segment
from tests.benchmarks.spent import Spent
from tests.benchmarks.traffic import FIELDS

__all__ = ["copy", "decode_and_write"]

_BLOCK_BYTES = 2 * 2**20
_BATCH_BYTES = 2**20
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


def decode_and_write(columns: int, lines: list[bytes]) -> Spent:
    """Turn a sealed segment into Parquet with every check, as a commit does."""
    pa.set_cpu_count(1)
    fields = FIELDS[columns]
    with tempfile.TemporaryDirectory(prefix="instant-logs-bench-") as directory:
        store = open_store(directory)
        sealed = _seal(Path(directory, "journal"), b"\n".join(lines) + b"\n")
        decoder = Decoder(fields, capture_id=_CAPTURE)
        started = Spent.now()
        blocks = sealed.iter_blocks(_BLOCK_BYTES)
        tables = (done.table for done in decoder.decode(blocks))
        segment = write_segment(
            store, "segment.parquet", schema=capture_schema(fields), tables=tables
        )
        spent = started.until_now()
        decoder.close()
    assert segment.rows == len(lines)
    return spent


def copy(columns: int, lines: list[bytes]) -> Spent:
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
            started = Spent.now()
            connection.execute(
                f"copy (from read_ndjson('{source}', columns={{{types}}})) "
                f"to '{target}' (format parquet, compression zstd)"
            )
            return started.until_now()


def _seal(path: Path, data: bytes) -> SealedSegment:
    """Write lines as a capture's journal holds them: a file, and its index."""
    path.write_bytes(data)
    entries, start = [], 0
    while start < len(data):
        end = data.rfind(b"\n", start, start + _BATCH_BYTES) + 1
        batch = data[start:end]
        count, checksum = batch.count(b"\n"), zlib.crc32(batch)
        entries.append(
            IndexEntry(BATCH, start, len(batch), count, _ARRIVED_US, checksum)
        )
        start = end
    return SealedSegment(sequence=0, lines_path=path, entries=tuple(entries))
