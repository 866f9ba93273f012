"""Every summary over a store of ten million records of 45 columns, made once."""

from __future__ import annotations

import hashlib
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from instant_logs_plugin.analysis.database import open_database
from instant_logs_plugin.store.filesystem import Store, open_store
from instant_logs_plugin.store.layout import capture_id_at, manifest_path, segment_path
from instant_logs_plugin.store.manifest import (
    CaptureState,
    Manifest,
    Request,
    Sampling,
    Segment,
    WindowSpan,
    format_manifest,
)
from instant_logs_plugin.store.parquet import write_segment

__all__ = ["summary_seconds"]

_ZONE = "0123456789abcdef0123456789abcdef"
_STARTED_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
_CAPTURES = 4
_SEGMENT_ROWS = 500_000
_PER_S = 5_000
_RECORDS = Path(__file__).with_name("records.sql").read_text("utf-8")


def summary_seconds(records: int, rounds: int) -> dict[str, float]:
    """Return the median seconds of every summary and check, each on its own."""
    with open_database(str(_store(records))) as database:
        seconds = {}
        for name in database.queries:
            runs = []
            for _ in range(rounds):
                started = time.perf_counter()
                database.run_query_file(name)
                runs.append(time.perf_counter() - started)
            seconds[name] = round(statistics.median(runs), 3)
        return seconds


def _store(records: int) -> Path:
    """Return a store of that many records; it is made once per machine."""
    key = hashlib.sha256(f"{records} {_RECORDS}".encode()).hexdigest()[:12]
    root = Path(tempfile.gettempdir()) / f"instant-logs-bench-store-{key}"
    per_capture = records // _CAPTURES
    for index in range(_CAPTURES):
        started_at = _STARTED_AT + timedelta(hours=index)
        capture_id = capture_id_at(started_at, f"{index:08x}")
        if not (root / manifest_path(capture_id)).is_file():
            rows = range(index * per_capture, (index + 1) * per_capture)
            _write_capture(root, capture_id, started_at, rows)
    return root


def _write_capture(
    root: Path, capture_id: str, started_at: datetime, rows: range
) -> None:
    store = open_store(str(root))
    segments = [
        _write_segment(store, capture_id, started_at, rows[at : at + _SEGMENT_ROWS])
        for at in range(0, len(rows), _SEGMENT_ROWS)
    ]
    ended_at = started_at + timedelta(seconds=len(rows) / _PER_S)
    manifest = Manifest(
        capture_id=capture_id,
        zone_id=_ZONE,
        state=CaptureState.COMPLETE,
        end_reason="duration",
        request=Request(fields=_fields(store, segments[0])),
        window=WindowSpan(start=started_at, end=ended_at),
        started_at=started_at,
        ended_at=ended_at,
        received=len(rows),
        written=len(rows),
        coverage=1.0,
        segments=tuple(segments),
        sampling=Sampling(min=1, max=10),
    )
    store.write_bytes(manifest_path(capture_id), format_manifest(manifest).encode())


def _write_segment(
    store: Store, capture_id: str, started_at: datetime, rows: range
) -> Segment:
    path = segment_path(
        zone_id=_ZONE,
        capture_id=capture_id,
        started_at=started_at,
        sequence=rows.start // _SEGMENT_ROWS,
    )
    values = {
        "capture": capture_id,
        "first": rows.start,
        "last": rows.stop,
        "start_us": int(started_at.timestamp() * 1e6),
    }
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        table = connection.sql(_RECORDS, params=values).to_arrow_table()
    return write_segment(store, path, schema=table.schema, tables=[table])


def _fields(store: Store, segment: Segment) -> tuple[str, ...]:
    with store.open_input(segment.path) as source:
        return tuple(pq.read_schema(source).names)
