"""One side of a comparison as values: everything that is judged.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from instant_logs_plugin.analysis.compare.samples import Clusters, Replicates, Values
from instant_logs_plugin.store.manifest import Manifest

__all__ = ["MIX_DIMENSIONS", "MOST_PATHS", "Measured", "PathCounts", "Side", "window_s"]

MIX_DIMENSIONS = ("host", "method", "path")
"""What the mix of traffic is seen by."""

MOST_PATHS = 20_000
"""Paths that are counted on a side, the most frequent; a zone may be asked for any."""

Measured = Clusters | Values | Replicates | None
"""What was counted for a metric; None: its query gave nothing."""


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


@dataclass(frozen=True, kw_only=True)
class Side:
    """What a side's captures hold.

    Attributes:
        captures: Their manifests, in the order given.
        where: SQL condition that its records meet; "" for all.
        readable: Records that could be read.
        records: Of them, those that meet the condition.
        requests: Requests that they stand for.
        size: Effective number of records (Kish).
        clusters: Effective number of spans of time that they are spread over.
        measured: By metric; a metric whose fields were not recorded is not there.
        mix: Weight by category, by dimension.
        paths: What became of the requests of each path.
        slow_ms: The time to the first byte above which a request counted as slow.
    """

    captures: tuple[Manifest, ...]
    where: str
    readable: int
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


def window_s(capture: Manifest) -> float:
    """Return the seconds of a capture's window; 0 while it is not known."""
    start, end = capture.window.start, capture.window.end
    return (end - start).total_seconds() if start and end else 0.0
