"""What reports are made of, made by hand: manifests, headers, rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from instant_logs_plugin.analysis.query_files import QueryFile, parse_query_file
from instant_logs_plugin.analysis.report.episodes import plan_episodes
from instant_logs_plugin.analysis.report.material import Answer, Material
from instant_logs_plugin.store.manifest import (
    CaptureState,
    Gap,
    Manifest,
    Request,
    Sampling,
    SessionSpan,
    WindowSpan,
)

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """Return a moment of the hand-made captures."""
    return START + timedelta(seconds=seconds)


def capture(name: str = "a", start: float = 0, **changes: Any) -> Manifest:
    """Return a capture of one minute that recorded ten lines."""
    facts: dict[str, Any] = {
        "zone_id": "zone1",
        "state": CaptureState.COMPLETE,
        "end_reason": "duration",
        "request": Request(fields=("EdgeStartTimestamp", "EdgeResponseStatus")),
        "started_at": at(start),
        "ended_at": at(start + 60),
        "window": WindowSpan(start=at(start), end=at(start + 60)),
        "received": 10,
        "written": 10,
        "sessions": (SessionSpan(opened_at=at(start)),),
        "coverage": 1.0,
        "sampling": Sampling(min=1, max=1),
    }
    return Manifest(capture_id=name, **facts | changes)


def gap(start: float, end: float, reason: str = "stream_lost") -> Gap:
    """Return a span without a stream."""
    return Gap(started_at=at(start), ended_at=at(end), reason=reason)


def query(name: str, columns: str, *, caveats: str = "none") -> QueryFile:
    """Return a query file with these columns, one ``name type: meaning`` a line."""
    listed = "".join(f"--   {line.strip()}\n" for line in columns.strip().splitlines())
    header = (
        f"-- name: {name}\n-- question: What is {name}?\n-- params: none\n"
        f"-- grain: one row\n-- columns:\n{listed}"
        f"-- needs: none\n-- caveats: {caveats}\n"
    )
    return parse_query_file(f"{header}select 1", name=name)


OVERVIEW = query(
    "overview",
    """
    estimate bigint: requests that the records stand for
    lower bigint: lower bound of the estimate
    upper bigint: upper bound of the estimate
    requests_per_s double: estimate by recorded second
    server_error_share double: part of requests answered with 5xx, 0 to 1
    coverage double: recorded part of the windows, 0 to 1
    """,
)
TIMELINE = query(
    "timeline",
    """
    bucket_start timestamptz: start of the bucket, inclusive
    bucket_end timestamptz: its end, exclusive
    estimate bigint: requests that started in it
    requests_per_s double: estimate by second
    client_errors bigint: answered with 4xx
    server_errors bigint: answered with 5xx
    bytes bigint: bytes sent
    gap_s double: seconds without a stream
    is_whole boolean: all of its requests could arrive
    """,
)
LATENCY = query(
    "latency",
    """
    measure varchar: edge_ttfb, origin
    estimate bigint: requests that the records stand for
    p50_ms bigint: half took no longer
    p50_lower_ms bigint: lower bound of it
    p50_upper_ms bigint: upper bound of it
    p95_ms bigint: 95 in 100 took no longer
    """,
)


def bucket(start: float, estimate: int = 20, **changes: Any) -> dict[str, Any]:
    """Return a row of the timeline: two seconds from ``start`` on."""
    row: dict[str, Any] = {
        "bucket_start": at(start),
        "bucket_end": at(start + 2),
        "estimate": estimate,
        "requests_per_s": estimate / 2,
        "client_errors": 0,
        "server_errors": 0,
        "bytes": None,
        "gap_s": 0.0,
        "is_whole": True,
    }
    return row | changes


def material(
    manifests: tuple[Manifest, ...] = (capture(),),
    *,
    answers: dict[str, Answer] | None = None,
    timelines: tuple[tuple[dict[str, Any], ...], ...] = ((bucket(0),),),
    problems: tuple[str, ...] = (),
    **overview: Any,
) -> Material:
    """Return material of these captures; ``overview`` are values of its row."""
    row = {column.name: None for column in OVERVIEW.columns}
    row |= {"estimate": 10, "coverage": 1.0} | overview
    known = {
        "overview": Answer(query=OVERVIEW, rows=(row,)),
        "timeline": Answer(query=TIMELINE, rows=sum(timelines, ())),
        "latency": Answer(query=LATENCY),
    }
    return Material(
        manifests=manifests,
        answers=known | (answers or {}),
        episodes=plan_episodes(manifests),
        timelines=timelines,
        problems=problems,
    )
