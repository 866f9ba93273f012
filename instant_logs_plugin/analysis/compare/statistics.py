"""Whether two sides differ: tests and intervals over arrays, by SciPy.

Pure: arrays in, numbers out. Records of one moment resemble each other, so no test
takes them as independent: each side comes as clusters (spans of time, in order), and
what these say about the variance counts wherever it is more than what records say.

- Shares: chi-square of two proportions on effective counts (Kish's effective sample
  size over the design effect of the clusters), referred to F, as Rao and Scott do.
  Interval: Jeffreys' for each side, combined by the sides' distances (MOVER-J).
- Quantiles: the same test on the shares above the quantile of both sides together
  (Mood's test at that quantile). Interval: Woodruff's for each side, combined alike.
- Means, rates by second and answers of queries: Welch's t on one value by cluster,
  linearised, or from leaving each cluster out (jackknife).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from instant_logs_plugin.analysis.compare.samples import (
    Clusters,
    Floats,
    Replicates,
    Values,
    weighted_quantile,
)
from instant_logs_plugin.analysis.compare.shares import (
    Limits,
    Share,
    combine_limits,
    estimate_shares,
    linearised,
    paired,
    share_p,
)

__all__ = [
    "Effect",
    "compare_means",
    "compare_mix",
    "compare_quantiles",
    "compare_replicates",
    "compare_shares",
    "holm",
]

_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What a test found.

    Attributes:
        baseline: The baseline's value.
        candidate: The candidate's.
        lower: Lower end of the interval of candidate minus baseline.
        upper: Its upper end.
        p: Two-sided probability of a difference so large if there is none.
    """

    baseline: float
    candidate: float
    lower: float
    upper: float
    p: float

    @property
    def difference(self) -> float:
        """Candidate minus baseline."""
        return self.candidate - self.baseline


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number, by Holm, in the same order."""
    p = np.asarray(p_values, float)
    order = np.argsort(p)
    factors = np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.maximum.accumulate(factors * p[order]).clip(max=1)
    return [float(one) for one in adjusted]


def compare_shares(
    baseline: Clusters, candidate: Clusters, *, confidence: float
) -> Effect:
    """Compare two weighted shares; ``amount`` is the weight that counts."""
    before, after = estimate_shares(baseline, candidate)
    lower, upper = combine_limits(
        before.share,
        before.interval(confidence),
        after.share,
        after.interval(confidence),
    )
    return Effect(
        baseline=before.share,
        candidate=after.share,
        lower=lower,
        upper=upper,
        p=share_p(before, after),
    )


def compare_quantiles(
    baseline: Values, candidate: Values, q: float, *, confidence: float
) -> Effect:
    """Compare two weighted quantiles."""
    sides = (baseline, candidate)
    together = weighted_quantile(
        np.concatenate([side.value for side in sides]),
        np.concatenate([side.weight / side.weight.sum() for side in sides]),
        q,
    )
    points = [weighted_quantile(side.value, side.weight, q) for side in sides]
    shares = estimate_shares(*map(_above, sides, points))
    limits = [
        _quantile_interval(side, replace(share, share=q), confidence)
        for side, share in zip(sides, shares, strict=True)
    ]
    lower, upper = combine_limits(points[0], limits[0], points[1], limits[1])
    return Effect(
        baseline=points[0],
        candidate=points[1],
        lower=lower,
        upper=upper,
        p=share_p(*estimate_shares(*(_above(side, together) for side in sides))),
    )


def compare_means(
    baseline: Clusters, candidate: Clusters, *, confidence: float
) -> Effect:
    """Compare two ratios of sums: means by weight, or rates by second.

    The less sure counts of what single clusters say and what pairs of them say.
    """
    effects = [
        _welch(linearised(before), linearised(after), confidence)
        for before, after in (
            (baseline, candidate),
            (paired(baseline), paired(candidate)),
        )
        if min(len(before.weight), len(after.weight)) > 1
    ]
    return max(effects, key=lambda effect: effect.upper - effect.lower)


def compare_replicates(
    baseline: Replicates, candidate: Replicates, *, confidence: float
) -> Effect:
    """Compare two answers of a query by their jackknife."""
    effect = _welch(_jackknifed(baseline), _jackknifed(candidate), confidence)
    shift = candidate.value - baseline.value - effect.difference
    return Effect(
        baseline=baseline.value,
        candidate=candidate.value,
        lower=effect.lower + shift,
        upper=effect.upper + shift,
        p=effect.p,
    )


def compare_mix(
    baseline: Floats, candidate: Floats, sizes: tuple[float, float]
) -> tuple[float, float]:
    """Return total variation distance of two mixes, and the p of their difference.

    Args:
        baseline: Share of each category, in sum 1.
        candidate: The same of the other side.
        sizes: Effective sample sizes of both.
    """
    distance = float(np.abs(candidate - baseline).sum() / 2)
    counts = np.array([baseline * sizes[0], candidate * sizes[1]])
    counts = counts[:, counts.sum(axis=0) > 0]
    return distance, float(stats.chi2_contingency(counts, correction=False).pvalue)


def _jackknifed(side: Replicates) -> Floats:
    count = len(side.without)
    values: Floats = count * side.value - (count - 1) * side.without
    return values


def _welch(baseline: Floats, candidate: Floats, confidence: float) -> Effect:
    means = float(baseline.mean()), float(candidate.mean())
    if _is_constant(baseline) and _is_constant(candidate):
        difference = means[1] - means[0]
        return Effect(
            baseline=means[0],
            candidate=means[1],
            lower=difference,
            upper=difference,
            p=0.0 if difference else 1.0,
        )
    test = stats.ttest_ind(candidate, baseline, equal_var=False)
    lower, upper = test.confidence_interval(confidence)
    return Effect(
        baseline=means[0],
        candidate=means[1],
        lower=float(lower),
        upper=float(upper),
        p=float(test.pvalue),
    )


def _is_constant(values: Floats) -> bool:
    """Tell whether values differ by rounding errors alone."""
    return bool(np.ptp(values) <= _ROUNDING * np.abs(values).max())


def _above(side: Values, threshold: float) -> Clusters:
    """Return the side as the share of weight above a threshold."""

    def by_cluster(amounts: Floats) -> Floats:
        return np.bincount(side.cluster, amounts)[present].astype(np.float64)

    present = np.flatnonzero(np.bincount(side.cluster))
    return Clusters(
        weight=by_cluster(side.weight),
        weight_squared=by_cluster(side.weight_squared),
        amount=by_cluster(side.weight * (side.value > threshold)),
        records=side.records,
    )


def _quantile_interval(side: Values, share: Share, confidence: float) -> Limits:
    """Return Woodruff's interval: the quantiles at the ends of that of a share."""
    low, high = share.interval(confidence)
    return (
        weighted_quantile(side.value, side.weight, low),
        weighted_quantile(side.value, side.weight, high),
    )
