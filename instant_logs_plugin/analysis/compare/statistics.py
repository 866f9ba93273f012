"""Whether two sides differ: tests and intervals over arrays, by SciPy.

Pure: arrays in, numbers out. Records of one moment resemble each other, so no test
takes them as independent: each side comes as clusters (spans of time), and what the
clusters say about the variance counts wherever it says more than single records do.

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
from dataclasses import dataclass

import numpy as np
from scipy import stats

from instant_logs_plugin.analysis.compare.samples import (
    Clusters,
    Floats,
    Replicates,
    Values,
    effective_size,
    weighted_quantile,
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

Limits = tuple[float, float]

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
    sides = (_share(baseline), _share(candidate))
    limits = [side.interval(confidence) for side in sides]
    lower, upper = _difference(sides[0].share, limits[0], sides[1].share, limits[1])
    return Effect(
        baseline=sides[0].share,
        candidate=sides[1].share,
        lower=lower,
        upper=upper,
        p=_share_p(*sides),
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
    above = [_share(_above(side, together)) for side in sides]
    points = [weighted_quantile(side.value, side.weight, q) for side in sides]
    limits = [
        _quantile_interval(side, q, point, confidence)
        for side, point in zip(sides, points, strict=True)
    ]
    lower, upper = _difference(points[0], limits[0], points[1], limits[1])
    return Effect(
        baseline=points[0],
        candidate=points[1],
        lower=lower,
        upper=upper,
        p=_share_p(*above),
    )


def compare_means(
    baseline: Clusters, candidate: Clusters, *, confidence: float
) -> Effect:
    """Compare two ratios of sums: means by weight, or rates by second."""
    return _welch(_linearised(baseline), _linearised(candidate), confidence)


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


@dataclass(frozen=True)
class _Share:
    """A share with its effective sample size and effective number of clusters."""

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


def _share(side: Clusters) -> _Share:
    total = side.weight.sum()
    # What adds up to all or nothing must not miss it by a rounding error.
    share = min(round(float(side.amount.sum() / total), 12), 1.0)
    size = effective_size(total, side.weight_squared.sum())
    of_records = share * (1 - share) / size
    of_clusters = float(stats.sem(_linearised(side))) ** 2
    design_effect = max(1.0, of_clusters / of_records) if of_records > 0 else 1.0
    clusters = effective_size(total, np.square(side.weight).sum())
    return _Share(share, float(size / design_effect), float(clusters))


def _share_p(baseline: _Share, candidate: _Share) -> float:
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


def _linearised(side: Clusters) -> Floats:
    """Return one value by cluster whose mean is the ratio and whose error is its."""
    total = side.weight.sum()
    ratio = side.amount.sum() / total
    residual = side.amount - ratio * side.weight
    values: Floats = ratio + residual * (len(side.weight) / total)
    return values


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


def _quantile_interval(
    side: Values, q: float, point: float, confidence: float
) -> Limits:
    """Return Woodruff's interval: the quantiles at the ends of that of ``q``."""
    above = _share(_above(side, point))
    low, high = _Share(q, above.size, above.clusters).interval(confidence)
    return (
        weighted_quantile(side.value, side.weight, low),
        weighted_quantile(side.value, side.weight, high),
    )


def _difference(
    first: float, of_first: Limits, second: float, of_second: Limits
) -> Limits:
    """Return the interval of second minus first from those of both (MOVER)."""
    below = np.hypot(second - of_second[0], of_first[1] - first)
    above = np.hypot(of_second[1] - second, first - of_first[0])
    difference = second - first
    return float(difference - below), float(difference + above)
