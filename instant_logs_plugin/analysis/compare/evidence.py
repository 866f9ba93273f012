"""One side of a comparison, read once from the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from instant_logs_plugin.analysis.compare.counting import (
    count_all,
    count_arrivals,
    count_sums,
    count_values,
    make_clusters,
    take_records,
)
from instant_logs_plugin.analysis.compare.metrics import (
    DEFAULT_METRICS,
    Kind,
    Metric,
)
from instant_logs_plugin.analysis.compare.replicates import ask_replicates
from instant_logs_plugin.analysis.compare.samples import (
    Values,
    effective_size,
    weighted_quantile,
)
from instant_logs_plugin.analysis.compare.side import Measured, Side
from instant_logs_plugin.analysis.compare.traffic import count_mix, count_paths
from instant_logs_plugin.analysis.database import Database, open_database
from instant_logs_plugin.store.manifest import Manifest

__all__ = ["read_side"]

_SLOW = 0.95
_TTFB = next(metric for metric in DEFAULT_METRICS if metric.name == "ttfb_p95")


def read_side(
    store_uri: str,
    captures: Sequence[Manifest],
    metrics: Sequence[Metric],
    *,
    where: str = "",
    slow_ms: float | None = None,
) -> Side:
    """Count what the captures of a side hold.

    Args:
        store_uri: Where they are.
        captures: Their manifests, at least one.
        metrics: What to count.
        where: SQL condition on the records that count; "" for all.
        slow_ms: The time to the first byte above which a request is slow; None takes
            the 95th percentile of the side itself.

    Raises:
        InvalidQuery: The condition or a metric's query is refused, or the latter
            gives no single number.
    """
    ids = [one.capture_id for one in captures]
    asked = [frozenset(one.request.fields) for one in captures]
    fields = frozenset.intersection(*asked)
    with open_database(store_uri, captures=ids) as database:
        readable = take_records(database, where)
        make_clusters(database)
        total = count_all(database)
        recorded = [one for one in metrics if not one.missing(fields)]
        measured = _measure(database, recorded, captures) if total.records else {}
        if slow_ms is None and total.records and not _TTFB.missing(fields):
            slow_ms = _slow_ms(database, measured)
        paths = count_paths(database, slow_ms=slow_ms)
        return Side(
            captures=tuple(captures),
            where=where,
            readable=readable,
            records=total.records,
            requests=float(total.weight.sum()),
            size=_size(total.weight.sum(), total.weight_squared.sum()),
            clusters=_size(total.weight.sum(), np.square(total.weight).sum()),
            measured=measured,
            mix=count_mix(database, paths),
            paths=paths,
            slow_ms=slow_ms,
        )


def _measure(
    database: Database, metrics: Sequence[Metric], captures: Sequence[Manifest]
) -> dict[str, Measured]:
    """Count for every metric; those of the same values are counted once."""
    summed = [one for one in metrics if one.kind in {Kind.SHARE, Kind.MEAN}]
    measured: dict[str, Measured] = {**count_sums(database, summed)}
    values: dict[tuple[str, str], Values] = {}
    for one in metrics:
        if one.query is not None:
            measured[one.name] = ask_replicates(database, one.query)
        elif one.kind is Kind.PER_SECOND:
            measured[one.name] = count_arrivals(database, captures)
        elif one.kind is Kind.QUANTILE:
            of_what = (one.value, one.among)
            if of_what not in values:
                values[of_what] = count_values(database, one)
            measured[one.name] = values[of_what]
    return measured


def _slow_ms(database: Database, measured: Mapping[str, Measured]) -> float | None:
    counted = measured.get(_TTFB.name)
    values = counted if isinstance(counted, Values) else count_values(database, _TTFB)
    if not values.records:
        return None
    return weighted_quantile(values.value, values.weight, _SLOW)


def _size(total: float, squares: float) -> float:
    return float(effective_size(total, squares)) if total else 0.0
