"""Who asked for what: the mix of traffic, and what became of each path.

Ids in paths are collapsed, so that ``/orders/17`` and ``/orders/18`` are one.
"""

from __future__ import annotations

from dataclasses import dataclass

from instant_logs_plugin.analysis.database import Database

__all__ = ["MIX_DIMENSIONS", "PathCounts", "count_mix", "count_paths"]

MIX_DIMENSIONS = ("host", "method", "path")
"""What the mix of traffic is seen by."""

_MOST_CATEGORIES = 5_000
_MOST_PATHS = 20_000


@dataclass(frozen=True, kw_only=True)
class PathCounts:
    """What became of the requests of a path; weighted but for the last three.

    Attributes:
        requests: Requests.
        server_errors: Of them, answered with 5xx.
        client_errors: Of them, answered with 4xx.
        slow: Of them, slower than the limit.
        bad: Of them, any of the three.
        records: Records.
        bad_records: Of them, any of the three.
        error_records: Of them, answered with 4xx or 5xx.
    """

    requests: float = 0.0
    server_errors: float = 0.0
    client_errors: float = 0.0
    slow: float = 0.0
    bad: float = 0.0
    records: int = 0
    bad_records: int = 0
    error_records: int = 0


def count_mix(database: Database, dimension: str) -> dict[str, float]:
    """Return the weight of each host, method or path; the least frequent left out."""
    answer = database.query(
        f"""
        select {_expression(dimension)} as category, sum(weight)::double as weight
        from requests group by category having category is not null
        order by weight desc, category limit {_MOST_CATEGORIES}
        """
    )
    return {row["category"]: row["weight"] for row in answer.to_pylist()}


def count_paths(database: Database, *, slow_ms: float | None) -> dict[str, PathCounts]:
    """Return what became of the requests of each path.

    Args:
        database: Of one side.
        slow_ms: A longer time to the first byte is slow; None: nothing is.
    """
    answer = database.query(
        f"""
        with judged as (
            select
                {_expression("path")} as path,
                weight::double as weight,
                coalesce(status between 500 and 599, false) as is_server_error,
                coalesce(status between 400 and 499, false) as is_client_error,
                coalesce(ttfb_ms > $slow_ms, false) as is_slow,
                is_server_error or is_client_error as is_error,
                is_error or is_slow as is_bad
            from requests
        )
        select
            path,
            sum(weight) as requests,
            sum(weight * is_server_error::int) as server_errors,
            sum(weight * is_client_error::int) as client_errors,
            sum(weight * is_slow::int) as slow,
            sum(weight * is_bad::int) as bad,
            count(*) as records,
            count(*) filter (is_bad) as bad_records,
            count(*) filter (is_error) as error_records
        from judged
        where path is not null
        group by path
        order by requests desc, path
        limit {_MOST_PATHS}
        """,
        {"slow_ms": slow_ms},
    )
    return {row.pop("path"): PathCounts(**row) for row in answer.to_pylist()}


def _expression(dimension: str) -> str:
    """Return the SQL of a dimension."""
    return "path_pattern(path)" if dimension == "path" else f'"{dimension}"'
