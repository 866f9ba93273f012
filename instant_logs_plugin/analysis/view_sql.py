"""SQL text that puts the views, macros and queries over the files of a store.

The base relations (``manifests``, ``recorded``, ``recorded_rejects``, ``is_recorded``)
are written here because they name files; all else is plain SQL in ``sql/``. File
names and column names are the only values in the text, quoted in one place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from graphlib import TopologicalSorter
from pathlib import Path

from instant_logs_plugin.analysis.query_files import QueryFile, parse_query_file
from instant_logs_plugin.analysis.store_listing import StoreListing
from instant_logs_plugin.resources import bundled_path

__all__ = [
    "DERIVED_COLUMNS",
    "OWN_COLUMNS",
    "as_glob",
    "library_macros",
    "library_queries",
    "scan_sql",
    "view_statements",
]

OWN_COLUMNS = (
    "capture_id",
    "zone_id",
    "date",
    "received_at",
    "extra",
    "sampleInterval",
)
"""Columns of ``requests`` that every record has."""

DERIVED_COLUMNS = (
    "edge_start",
    "edge_end",
    "weight",
    "status",
    "status_class",
    "is_error",
    "is_server_error",
    "origin_status",
    "is_origin_asked",
    "origin_ip",
    "host",
    "method",
    "path",
    "protocol",
    "tls",
    "client_ip",
    "country",
    "asn",
    "device",
    "user_agent",
    "colo",
    "bytes",
    "request_bytes",
    "content_type",
    "cache_status",
    "is_cache_hit",
    "ttfb_ms",
    "client_rtt_ms",
    "origin_ms",
    "origin_dns_ms",
    "origin_tcp_ms",
    "origin_tls_ms",
    "origin_send_ms",
    "origin_wait_ms",
    "security_actions",
    "security_rule_ids",
    "security_sources",
    "attack_score",
    "bot_score",
    "bot_score_source",
    "verified_bot",
    "js_detection",
    "worker",
    "worker_status",
    "worker_cpu_us",
    "worker_wall_us",
)
"""Columns that ``sql/views/requests.sql`` adds; a field never takes their names."""

_REJECT_COLUMNS = (
    "{reason: 'varchar', received_at: 'timestamptz', line: 'varchar', "
    "line_base64: 'varchar'}"
)
# A message is bounded to 64 MiB; JSON may need six bytes for one of a line.
_REJECT_LINE_BYTES = 512 * 1024 * 1024
_CALL = re.compile(r"\b([a-z_]\w*)\(")
_VIEWS = (
    "captures",
    "gaps",
    "rejects",
    "requests",
    "chosen_captures",
    "chosen_gaps",
    "chosen_requests",
    "gap_note",
)


def library_macros() -> list[str]:
    """Return the statements of ``sql/macros``, each after those that it calls."""
    files = sorted(bundled_path("sql").joinpath("macros").glob("*.sql"))
    texts = {file.stem: file.read_text("utf-8").strip() for file in files}
    calls = {
        name: [other for other in _called(text) if other in texts and other != name]
        for name, text in texts.items()
    }
    return [texts[name] for name in TopologicalSorter(calls).static_order()]


def library_queries() -> dict[str, QueryFile]:
    """Return the bundled query files by name: the summaries, then the checks."""
    files = [
        file
        for folder in ("summaries", "checks")
        for file in sorted(bundled_path("sql").joinpath(folder).glob("*.sql"))
    ]
    return {
        file.stem: parse_query_file(file.read_text("utf-8"), name=file.stem)
        for file in files
    }


def scan_sql(segments: Sequence[Path]) -> str:
    """Return the query that reads these Parquet files, at least one, as one table."""
    return (
        f"select * from read_parquet({_files(segments)}, union_by_name = true, "
        "hive_partitioning = true, hive_types_autocast = false, "
        "hive_types = {'zone_id': varchar, 'date': date})"
    )


def as_glob(path: Path) -> str:
    """Return a pattern that matches exactly this path: DuckDB globs file names."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def view_statements(listing: StoreListing, columns: Iterable[str]) -> list[str]:
    """Return the statements that make every view and macro, in order.

    Args:
        listing: The files to read.
        columns: Columns that ``scan_sql`` of the listing's segments gives.
    """
    views = bundled_path("sql") / "views"
    return [
        *library_macros(),
        _manifests(listing),
        (views / "source_fields.sql").read_text("utf-8").strip(),
        _recorded(listing),
        _recorded_rejects(listing),
        _is_recorded(columns),
        *((views / f"{name}.sql").read_text("utf-8").strip() for name in _VIEWS),
    ]


def _called(text: str) -> list[str]:
    """Return the names that a statement calls; what its comments call is none."""
    code = re.sub(r"--[^\n]*", "", text)
    return _CALL.findall(code)


def _manifests(listing: StoreListing) -> str:
    head = "create or replace table manifests as\nselect"
    if not listing.manifests:
        return f"{head} null::varchar as capture_id, null::json as document where false"
    return (
        f"{head} document ->> '$.capture_id' as capture_id, document\n"
        f"from (select content::json as document "
        f"from read_text({_files(listing.manifests)}))"
    )


def _recorded(listing: StoreListing) -> str:
    head = "create or replace view recorded as\n"
    if not listing.segments:
        return f"{head}select * from source_fields"
    return (
        f"{head}{scan_sql(listing.segments)}\n"
        "union all by name\nselect * from source_fields"
    )


def _recorded_rejects(listing: StoreListing) -> str:
    head = "create or replace view recorded_rejects as\nselect"
    if not listing.rejects:
        return (
            f"{head} null::varchar as capture_id, null::varchar as reason, "
            "null::timestamptz as received_at, null::varchar as line, "
            "null::varchar as line_base64 where false"
        )
    return (
        f"{head} parse_filename(filename, true) as capture_id, * exclude (filename)\n"
        f"from read_ndjson({_files(listing.rejects)}, columns = {_REJECT_COLUMNS}, "
        f"filename = true, maximum_object_size = {_REJECT_LINE_BYTES})"
    )


def _is_recorded(columns: Iterable[str]) -> str:
    derived = set(DERIVED_COLUMNS)
    names = {*OWN_COLUMNS, *(name for name in columns if name.lower() not in derived)}
    listed = ", ".join(_quote(name) for name in sorted(names))
    return f"create or replace macro is_recorded(name) as name in ({listed})"


def _files(paths: Sequence[Path]) -> str:
    return "[" + ", ".join(_quote(as_glob(path)) for path in paths) + "]"


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
