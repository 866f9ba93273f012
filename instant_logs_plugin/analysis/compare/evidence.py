"""One side of a comparison as values: everything that is judged, read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from instant_logs_plugin.analysis.compare.counting import (
    count_all,
    count_arrivals,
    count_sums,
    count_values,
    make_clusters,
    window_s,
)
from instant_logs_plugin.analysis.compare.metrics import (
    DEFAULT_METRICS,
    Kind,
    Metric,
)
from instant_logs_plugin.analysis.compare.replicates import ask_replicates
from instant_logs_plugin.analysis.compare.statistics import (
    Clusters,
    Replicates,
    Values,
    effective_size,
    weighted_quantile,
)
from instant_logs_plugin.analysis.compare.traffic import (
    MIX_DIMENSIONS,
    PathCounts,
    count_mix,
    count_paths,
)
from instant_logs_plugin.analysis.database import Database, open_database
from instant_logs_plugin.store.manifest import Manifest

__all__ = ["Measured", "Side", "read_side"]

Measured = Clusters | Values | Replicates | None
"""What was counted for a metric; None: its query gave nothing."""

_TTFB = next(metric for metric in DEFAULT_METRICS if metric.name == "ttfb_p95")


@dataclass(frozen=True, kw_only=True)
class Side:
    """What a side's captures hold.

    Attributes:
        captures: Their manifests, in the order given.
        records: Records that could be read.
        requests: Requests that they stand for.
        size: Effective number of records (Kish).
        clusters: Effective number of spans of time that they are spread over.
        measured: By metric; a metric whose fields were not recorded is not there.
        mix: Weight by category, by dimension.
        paths: What became of the requests of each path.
        slow_ms: The time to the first byte above which a request counted as slow.
    """

    captures: tuple[Manifest, ...]
    records: int
    requests: float
    size: float
    clusters: float
    measured: Mapping[str, Measured]
    mix: Mapping[str, Mapping[str, float]]
    paths: Mapping[str, PathCounts]
    slow_ms: float | None

    @property
    def fields(self) -> frozenset[str]:
        """Fields that every capture of the side asked for."""
        asked = (frozenset(one.request.fields) for one in self.captures)
        return frozenset.intersection(*asked)

    @property
    def window_s(self) -> float:
        """Seconds of all windows."""
        return sum(map(window_s, self.captures))

    @property
    def coverage(self) -> float:
        """Recorded share of all windows, 0 to 1."""
        recorded_s = sum(window_s(one) * one.coverage for one in self.captures)
        return recorded_s / self.window_s if self.window_s else 0.0


def read_side(
    store_uri: str,
    captures: Sequence[Manifest],
    metrics: Sequence[Metric],
    *,
    slow_ms: float | None = None,
) -> Side:
    """Count what the captures of a side hold.

    Args:
        store_uri: Where they are.
        captures: Their manifests, at least one.
        metrics: What to count.
        slow_ms: The time to the first byte above which a request is slow; None takes
            the 95th percentile of the side itself.

    Raises:
        InvalidQuery: A metric's query is refused, or gives no single number.
    """
    ids = [one.capture_id for one in captures]
    asked = [frozenset(one.request.fields) for one in captures]
    fields = frozenset.intersection(*asked)
    with open_database(store_uri, captures=ids) as database:
        make_clusters(database)
        _, total = count_all(database)
        if slow_ms is None and total.records and not _TTFB.missing(fields):
            slow_ms = _slow_ms(database)
        return Side(
            captures=tuple(captures),
            records=total.records,
            requests=float(total.weight.sum()),
            size=_size(total.weight.sum(), total.weight_squared.sum()),
            clusters=_size(total.weight.sum(), np.square(total.weight).sum()),
            measured={
                metric.name: _measure(database, metric, captures)
                for metric in metrics
                if total.records and not metric.missing(fields)
            },
            mix={name: count_mix(database, name) for name in MIX_DIMENSIONS},
            paths=count_paths(database, slow_ms=slow_ms),
            slow_ms=slow_ms,
        )


def _measure(
    database: Database, metric: Metric, captures: Sequence[Manifest]
) -> Measured:
    if metric.query is not None:
        return ask_replicates(database, metric.query)
    match metric.kind:
        case Kind.QUANTILE:
            return count_values(database, metric)
        case Kind.PER_SECOND:
            return count_arrivals(database, captures)
        case _:
            return count_sums(database, metric)


def _slow_ms(database: Database) -> float | None:
    values = count_values(database, _TTFB)
    if not values.records:
        return None
    return weighted_quantile(values.value, values.weight, 0.95)


def _size(total: float, squares: float) -> float:
    return float(effective_size(total, squares)) if total else 0.0
