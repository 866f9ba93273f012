"""Parquet segments: written as a stream of batches, verified by reading back."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.parquet as pq

from instant_logs_plugin.errors import VerificationFailed
from instant_logs_plugin.store.filesystem import Store
from instant_logs_plugin.store.manifest import Segment

__all__ = ["segment_problems", "write_segment"]

_HASH_CHUNK_BYTES = 2**20


def write_segment(
    store: Store, path: str, *, schema: pa.Schema, tables: Iterable[pa.Table]
) -> Segment:
    """Write ``tables`` as one Parquet file, publish it, and read it back.

    The tables are taken one at a time and need not fit in memory together. Each
    becomes a row group. Nothing is published when there is no row.

    Returns:
        The segment; ``rows`` is 0 when there was nothing to publish.

    Raises:
        StoreUnwritable: The file system refused; nothing is left behind.
        VerificationFailed: What was read back is not what was written.
    """
    filled = (table for table in tables if table.num_rows)
    first = next(filled, None)
    if first is None:
        return Segment(path=path, rows=0, bytes=0, sha256="")
    with store.open_atomic(path) as sink:
        rows = _write(sink, schema, itertools.chain((first,), filled))
    segment = _read_back(store, path)
    if segment.rows != rows:
        problem = f"{path} holds {segment.rows} rows, {rows} were written"
        raise VerificationFailed(path, (problem,))
    return segment


def segment_problems(store: Store, segment: Segment) -> list[str]:
    """Compare a committed segment with its manifest entry; empty when it is whole."""
    try:
        found = _read_back(store, segment.path)
    except FileNotFoundError:
        return [f"{segment.path} is missing"]
    except (OSError, pa.ArrowException) as exc:
        return [f"{segment.path} cannot be read: {exc}"]
    return [
        f"{segment.path} has {name} {getattr(found, name)}, "
        f"the manifest says {getattr(segment, name)}"
        for name in ("rows", "bytes", "sha256")
        if getattr(found, name) != getattr(segment, name)
    ]


def _write(sink: pa.NativeFile, schema: pa.Schema, tables: Iterable[pa.Table]) -> int:
    rows = 0
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table)
            rows += table.num_rows
    return rows


def _read_back(store: Store, path: str) -> Segment:
    with store.open_input(path) as source:
        digest = hashlib.sha256()
        while chunk := source.read(_HASH_CHUNK_BYTES):
            digest.update(chunk)
        size = source.tell()
        source.seek(0)
        rows = pq.read_metadata(source).num_rows
    return Segment(path=path, rows=rows, bytes=size, sha256=digest.hexdigest())
