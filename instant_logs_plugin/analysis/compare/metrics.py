"""What is compared: the metrics, what worse means for each, and what of it matters.

Pure. A metric counts records of the view ``requests``: ``among`` says which of them,
``value`` what is taken of each, ``kind`` what is made of these values. The order is
that of every answer.
"""

from __future__ import annotations

import math
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from instant_logs_plugin.analysis.query_files import QueryFile
from instant_logs_plugin.errors import InvalidOption

__all__ = ["DEFAULT_METRICS", "Direction", "Kind", "Metric"]


class Direction(StrEnum):
    """Which way is worse."""

    HIGHER_IS_WORSE = "higher_is_worse"
    LOWER_IS_WORSE = "lower_is_worse"


class Kind(StrEnum):
    """What is made of the records."""

    SHARE = "share"
    """Weighted share of the records for which ``value`` holds, 0 to 1."""
    QUANTILE = "quantile"
    """Weighted quantile of ``value``."""
    MEAN = "mean"
    """Weighted mean of ``value``."""
    PER_SECOND = "per_second"
    """Requests by second of the recorded window."""
    QUERY = "query"
    """The one number that a query file answers."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric and the rules that it is judged by.

    Attributes:
        name: Lower case, digits and ``_``; stable, a key of documents.
        question: What it tells, for people.
        kind: What is made of the records.
        direction: Which way is worse.
        min_effect: Smallest difference that matters, in the metric's unit.
        min_relative_effect: Smallest difference that matters, as a fraction of the
            baseline; both minima must be reached.
        critical: Whether its worsening alone fails the comparison.
        must_have_data: Whether the comparison is inconclusive without it.
        min_records: Fewer records of it on a side are no basis: it is skipped.
        unit: ``%`` (values are fractions all the same), ``ms``, ``B``, ``1/s``, ``""``.
        needs: Fields it is made of; ``A|B`` needs one of them.
        value: SQL over a record.
        among: SQL condition: the records that count.
        quantile: Of a quantile, 0 to 1; else None.
        query: Of a query; else None.
    """

    name: str
    question: str
    kind: Kind
    direction: Direction = Direction.HIGHER_IS_WORSE
    min_effect: float = 0.0
    min_relative_effect: float = 0.0
    critical: bool = False
    must_have_data: bool = False
    min_records: int = 50
    unit: str = ""
    needs: tuple[str, ...] = ()
    value: str = ""
    among: str = ""
    quantile: float | None = None
    query: QueryFile | None = None

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            InvalidOption: One is out of its range.
        """
        for key in ("min_effect", "min_relative_effect"):
            if not 0 <= getattr(self, key) < math.inf:
                raise InvalidOption(
                    f"metrics.{self.name}.{key}", getattr(self, key), "at least 0"
                )
        if self.min_records < 1:
            raise InvalidOption(
                f"metrics.{self.name}.min_records", self.min_records, "at least 1"
            )

    def missing(self, fields: AbstractSet[str]) -> tuple[str, ...]:
        """Return what of ``needs`` is not among the recorded fields."""
        return tuple(
            needed for needed in self.needs if fields.isdisjoint(needed.split("|"))
        )

    def is_worse(self, difference: float) -> bool:
        """Tell whether candidate minus baseline goes the bad way."""
        return (difference > 0) is (self.direction is Direction.HIGHER_IS_WORSE)

    def is_large(self, baseline: float, difference: float) -> bool:
        """Tell whether a difference reaches both minima."""
        relative = self.min_relative_effect * abs(baseline)
        return abs(difference) >= max(self.min_effect, relative)


_TIMES = {
    "ttfb_ms": "EdgeTimeToFirstByteMs",
    "origin_ms": "OriginResponseDurationMs|OriginResponseTime",
}
"""Derived columns of times, and what they are made of."""


def _quantile(
    name: str,
    question: str,
    *,
    of: str,
    quantile: float,
    min_effect: float,
    min_relative_effect: float = 0.15,
    critical: bool = True,
) -> Metric:
    return Metric(
        name=name,
        question=question,
        kind=Kind.QUANTILE,
        min_effect=min_effect,
        min_relative_effect=min_relative_effect,
        critical=critical,
        unit="ms",
        needs=(_TIMES[of],),
        value=of,
        among=f"{of} is not null",
        quantile=quantile,
    )


DEFAULT_METRICS = (
    Metric(
        name="edge_5xx_rate",
        question="share of requests that clients got a 5xx for",
        kind=Kind.SHARE,
        min_effect=0.005,
        critical=True,
        must_have_data=True,
        unit="%",
        needs=("EdgeResponseStatus",),
        value="status between 500 and 599",
        among="status is not null",
    ),
    Metric(
        name="origin_5xx_rate",
        question="share of the origin's answers that were a 5xx",
        kind=Kind.SHARE,
        min_effect=0.01,
        critical=True,
        unit="%",
        needs=("OriginResponseStatus",),
        value="origin_status between 500 and 599",
        among="origin_status > 0",
    ),
    Metric(
        name="edge_4xx_rate",
        question="share of requests that clients got a 4xx for",
        kind=Kind.SHARE,
        min_effect=0.03,
        critical=True,
        unit="%",
        needs=("EdgeResponseStatus",),
        value="status between 400 and 499",
        among="status is not null",
    ),
    Metric(
        name="origin_4xx_rate",
        question="share of the origin's answers that were a 4xx",
        kind=Kind.SHARE,
        min_effect=0.03,
        unit="%",
        needs=("OriginResponseStatus",),
        value="origin_status between 400 and 499",
        among="origin_status > 0",
    ),
    _quantile(
        "ttfb_p50",
        "median time to the first byte at the edge",
        of="ttfb_ms",
        quantile=0.50,
        min_effect=5.0,
        min_relative_effect=0.10,
        critical=False,
    ),
    _quantile(
        "ttfb_p95",
        "95th percentile of the time to the first byte at the edge",
        of="ttfb_ms",
        quantile=0.95,
        min_effect=10.0,
    ),
    _quantile(
        "origin_p50",
        "median duration of the origin's answers",
        of="origin_ms",
        quantile=0.50,
        min_effect=5.0,
    ),
    _quantile(
        "origin_p95",
        "95th percentile of the duration of the origin's answers",
        of="origin_ms",
        quantile=0.95,
        min_effect=10.0,
    ),
    Metric(
        name="cache_hit_ratio",
        question="share of requests that the cache answered",
        kind=Kind.SHARE,
        direction=Direction.LOWER_IS_WORSE,
        min_effect=0.05,
        unit="%",
        needs=("CacheCacheStatus",),
        value="is_cache_hit",
        among="cache_status is not null",
    ),
    Metric(
        name="requests_per_s",
        question="requests by second",
        kind=Kind.PER_SECOND,
        direction=Direction.LOWER_IS_WORSE,
        min_relative_effect=0.25,
        unit="1/s",
        among="true",
    ),
    Metric(
        name="bytes_per_request",
        question="bytes sent by request",
        kind=Kind.MEAN,
        min_effect=100.0,
        min_relative_effect=0.20,
        unit="B",
        needs=("EdgeResponseBytes",),
        value="bytes",
        among="bytes is not null",
    ),
    Metric(
        name="security_action_rate",
        question="share of requests that a security rule acted on",
        kind=Kind.SHARE,
        min_effect=0.02,
        unit="%",
        needs=("SecurityActions|SecurityAction",),
        value="len(list_filter(security_actions, lambda one: one <> '')) > 0",
        among="security_actions is not null",
    ),
)
"""The metrics that a comparison has without settings."""
