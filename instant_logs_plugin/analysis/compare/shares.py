"""Two weighted shares: how large they are, how sure, and whether they differ.

Pure. Records of one moment resemble each other, so a share is as sure as its spans of
time say, not its records. How much less that is (the design effect) is found on both
sides together, as it is the same traffic; on single spans and on pairs of neighbours,
as a disturbance can outlast a span; and the worst counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from instant_logs_plugin.analysis.compare.samples import (
    Clusters,
    Floats,
    effective_size,
)

__all__ = [
    "Limits",
    "Share",
    "combine_limits",
    "estimate_shares",
    "linearised",
    "paired",
    "share_p",
]

Limits = tuple[float, float]


@dataclass(frozen=True)
class Share:
    """A share.

    Attributes:
        share: 0 to 1.
        size: Independent records that would tell as much.
        clusters: Spans of equal weight that would tell as much.
    """

    share: float
    size: float
    clusters: float

    def interval(self, confidence: float) -> Limits:
        """Return Jeffreys' interval; few clusters widen it as Student's t does."""
        tail = (1 - confidence) / 2
        t = stats.t.ppf(1 - tail, max(self.clusters - 1, 1))
        size = self.size * float((stats.norm.ppf(1 - tail) / t) ** 2)
        hit, missed = self.share * size, (1 - self.share) * size
        low, high = stats.beta.ppf([tail, 1 - tail], hit + 0.5, missed + 0.5)
        # Nothing seen, or nothing else: that end of the interval is known.
        return (
            float(low) if self.share > 0 else 0.0,
            float(high) if self.share < 1 else 1.0,
        )


def estimate_shares(baseline: Clusters, candidate: Clusters) -> tuple[Share, Share]:
    """Return the shares of both sides, with one design effect for both."""
    design_effect = max(
        1.0,
        _design_effect(baseline, candidate),
        _design_effect(paired(baseline), paired(candidate)),
    )
    return _estimate(baseline, design_effect), _estimate(candidate, design_effect)


def share_p(baseline: Share, candidate: Share) -> float:
    """Return the two-sided p of two shares that are equal (Rao and Scott)."""
    counts = np.array(
        [
            [one.share * one.size, (1 - one.share) * one.size]
            for one in (baseline, candidate)
        ]
    )
    if not counts.sum(axis=0).all():
        return 1.0
    chi2 = stats.chi2_contingency(counts, correction=False).statistic
    freedom = max(baseline.clusters + candidate.clusters - 2, 1)
    return float(stats.f.sf(chi2, 1, freedom))


def combine_limits(
    first: float, of_first: Limits, second: float, of_second: Limits
) -> Limits:
    """Return the interval of second minus first from those of both (MOVER)."""
    below = np.hypot(second - of_second[0], of_first[1] - first)
    above = np.hypot(of_second[1] - second, first - of_first[0])
    difference = second - first
    return float(difference - below), float(difference + above)


def linearised(side: Clusters) -> Floats:
    """Return one value by cluster whose mean is the ratio and whose error is its."""
    total = side.weight.sum()
    ratio = side.amount.sum() / total
    residual = side.amount - ratio * side.weight
    values: Floats = ratio + residual * (len(side.weight) / total)
    return values


def paired(side: Clusters) -> Clusters:
    """Return the side with every two neighbouring clusters taken together."""
    starts = np.arange(0, len(side.weight), 2)
    return Clusters(
        weight=np.add.reduceat(side.weight, starts),
        weight_squared=np.add.reduceat(side.weight_squared, starts),
        amount=np.add.reduceat(side.amount, starts),
        records=side.records,
    )


def _design_effect(baseline: Clusters, candidate: Clusters) -> float:
    """Return the variance by clusters over that of independent records; 0 for none."""
    if min(len(baseline.weight), len(candidate.weight)) < 2:  # noqa: PLR2004 - spread
        return 0.0
    sides = (baseline, candidate)
    of_records = sum(_share(one) * (1 - _share(one)) / _size(one) for one in sides)
    of_clusters = sum(float(stats.sem(linearised(one))) ** 2 for one in sides)
    return of_clusters / of_records if of_records > 0 else 0.0


def _estimate(side: Clusters, design_effect: float) -> Share:
    clusters = effective_size(side.weight.sum(), np.square(side.weight).sum())
    return Share(_share(side), _size(side) / design_effect, float(clusters))


def _share(side: Clusters) -> float:
    # What adds up to all or nothing must not miss it by a rounding error.
    return min(round(float(side.amount.sum() / side.weight.sum()), 12), 1.0)


def _size(side: Clusters) -> float:
    return float(effective_size(side.weight.sum(), side.weight_squared.sum()))
