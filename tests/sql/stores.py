"""Real stores for the tests of SQL: Parquet, rejects and manifests on disk."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

STARTED_AT = "2026-03-01T12:00:00.000000Z"
TIMESTAMP = pa.timestamp("us", tz="UTC")
OWN = {
    "sampleInterval": pa.int64(),
    "capture_id": pa.string(),
    "received_at": TIMESTAMP,
    "extra": pa.string(),
}
ARROW = {
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "array[string]": pa.list_(pa.string()),
    "array[int]": pa.list_(pa.int64()),
    "int or string": TIMESTAMP,
}
CATALOGUE = json.loads(
    resources.files("instant_logs_plugin.edge")
    .joinpath("http_requests_fields.json")
    .read_text("utf-8")
)["fields"]
TYPES = {field["name"]: ARROW.get(field["type"], pa.string()) for field in CATALOGUE}
DEFAULT_FIELDS = (
    "ClientIP",
    "ClientRequestHost",
    "ClientRequestMethod",
    "ClientRequestURI",
    "EdgeEndTimestamp",
    "EdgeResponseBytes",
    "EdgeResponseStatus",
    "EdgeStartTimestamp",
    "RayID",
)


def write_capture(
    root: Path,
    capture_id: str = "a",
    records: Iterable[Mapping[str, Any]] = (),
    *,
    fields: Iterable[str] | None = None,
    zone_id: str = "zone1",
    rejects: Iterable[Mapping[str, Any]] = (),
    manifest: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write a capture of one segment (none without records); return its manifest."""
    records, rejects = list(records), list(rejects)
    names = list(fields or dict.fromkeys(k for r in records for k in r if k not in OWN))
    document = _manifest(
        capture_id, zone_id, names, written=len(records), rejected=len(rejects)
    )
    if records:
        path = f"requests/zone_id={zone_id}/date=2026-03-01/{capture_id}-00000.parquet"
        write_segment(root / path, records, names, capture_id)
        segment = {"path": path, "rows": len(records), "bytes": 1, "sha256": "0" * 64}
        document["segments"] = [segment]
    if rejects:
        lines = "".join(json.dumps(reject) + "\n" for reject in rejects)
        write_text(root / "rejects" / f"{capture_id}.ndjson", lines)
    for key, value in (manifest or {}).items():
        old = document.get(key)
        document[key] = {**old, **value} if isinstance(old, dict) else value
    write_text(root / "manifests" / f"{capture_id}.json", json.dumps(document))
    return document


def write_segment(
    path: Path, records: list[Mapping[str, Any]], names: list[str], capture_id: str
) -> None:
    types = {name: TYPES.get(name, pa.string()) for name in names} | OWN
    stamped = [{"capture_id": capture_id, **record} for record in records]
    columns = {
        name: pa.array([_value(record.get(name), kind) for record in stamped], kind)
        for name, kind in types.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, compression="zstd")


def write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def plain_rows(table: pa.Table) -> list[dict[str, Any]]:
    """Return rows as JSON would show them: ISO times, floats to nine digits."""
    return [{k: _plain(v) for k, v in row.items()} for row in table.to_pylist()]


def _value(value: Any, kind: pa.DataType) -> Any:
    return datetime.fromisoformat(value) if value and kind == TIMESTAMP else value


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 9)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value


def _manifest(
    capture_id: str, zone_id: str, fields: list[str], *, written: int, rejected: int
) -> dict[str, Any]:
    return {
        "capture_id": capture_id,
        "zone_id": zone_id,
        "state": "complete",
        "end_reason": "duration",
        "labels": {},
        "request": {"fields": fields, "filter": "", "sample": 1, "preset": None},
        "window": {"start": STARTED_AT, "end": "2026-03-01T12:01:00.000000Z"},
        "started_at": STARTED_AT,
        "ended_at": "2026-03-01T12:01:00.000000Z",
        "received": written + rejected,
        "written": written,
        "rejected": rejected,
        "duplicates": 0,
        "bytes": 100 * (written + rejected),
        "messages": written + rejected,
        "sessions": [{"opened_at": STARTED_AT, "ended_at": None, "end_reason": None}],
        "gaps": [],
        "coverage": 1.0,
        "segments": [],
        "sampling": {"model": "exclusive", "min": 1, "max": 1},
        "versions": {"instant-logs-plugin": "0.1.0"},
        "schema_version": 1,
    }
