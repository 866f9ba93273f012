"""Who asked for what: the mix of traffic, and what became of each path.

Ids in paths are collapsed, so that ``/orders/17`` and ``/orders/18`` are one.
"""

from __future__ import annotations

from collections.abc import Mapping

from instant_logs_plugin.analysis.compare.side import MOST_PATHS, PathCounts
from instant_logs_plugin.analysis.database import Database

__all__ = ["count_mix", "count_paths"]

_MOST_CATEGORIES = 5_000


def count_mix(
    database: Database, paths: Mapping[str, PathCounts]
) -> dict[str, dict[str, float]]:
    """Return the weight of each host, method and path; the least frequent left out.

    Args:
        database: Of one side.
        paths: What ``count_paths`` gave.
    """
    rows = database.query(
        f"""
        select host, "method", sum(weight)::double as weight
        from compared
        group by grouping sets ((host), ("method"))
        order by weight desc, host, "method"
        limit {_MOST_CATEGORIES}
        """
    ).to_pylist()
    return {
        "host": {row["host"]: row["weight"] for row in rows if row["host"]},
        "method": {row["method"]: row["weight"] for row in rows if row["method"]},
        "path": {path: counts.requests for path, counts in paths.items()},
    }


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
                path,
                weight::double as weight,
                coalesce(status between 500 and 599, false) as is_5xx,
                coalesce(status between 400 and 499, false) as is_4xx,
                coalesce(ttfb_ms > $slow_ms, false) as is_slow,
                is_5xx or is_4xx as is_failed,
                is_failed or is_slow as is_bad
            from compared
            where path is not null
        ),
        counted as (
            select
                path,
                sum(weight) as requests,
                sum(weight * is_5xx::int) as server_errors,
                sum(weight * is_4xx::int) as client_errors,
                sum(weight * is_slow::int) as slow,
                sum(weight * is_bad::int) as bad,
                count(*) as records,
                count(*) filter (is_bad) as bad_records,
                count(*) filter (is_failed) as error_records
            from judged
            group by path
        )
        select
            collapse_ids(path) as path,
            sum(columns(['requests', 'server_errors', 'client_errors', 'slow', 'bad'])),
            sum(columns(['records', 'bad_records', 'error_records']))::bigint
        from counted
        group by collapse_ids(path)
        order by requests desc, path
        limit {MOST_PATHS}
        """,
        {"slow_ms": slow_ms},
    )
    return {row.pop("path"): PathCounts(**row) for row in answer.to_pylist()}
