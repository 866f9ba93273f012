"""From counts to a result by metric: worse, better, unchanged, or why not known.

Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from instant_logs_plugin.analysis.compare.metrics import Kind, Metric
from instant_logs_plugin.analysis.compare.samples import (
    Clusters,
    Replicates,
    Values,
)
from instant_logs_plugin.analysis.compare.side import Measured, Side
from instant_logs_plugin.analysis.compare.statistics import (
    Effect,
    compare_means,
    compare_quantiles,
    compare_replicates,
    compare_shares,
    holm,
)

__all__ = ["MetricResult", "Outcome", "judge_metrics"]

_FEWEST_CLUSTERS = 2


class Outcome(StrEnum):
    """What is known of a metric."""

    WORSE = "worse"
    """Significantly the bad way, and by the minimum effect."""
    BETTER = "better"
    """Significantly the good way, and by the minimum effect."""
    UNCHANGED = "unchanged"
    """No difference that is both significant and large enough to matter."""
    SKIPPED = "skipped"
    """Not recorded, or too few records: nothing can be said, nothing hangs on it."""
    INCONCLUSIVE = "inconclusive"
    """Nothing can be said, and the verdict hangs on it."""


@dataclass(frozen=True, kw_only=True)
class MetricResult:
    """What a comparison found of one metric.

    Attributes:
        effect: Values, interval and p; None when nothing could be computed.
        p_adjusted: p by Holm: of a critical metric over the critical ones, of another
            over all that were tested; None without effect.
        reason: Why it is skipped or inconclusive; else "".
        baseline_records: Records of the metric on that side.
        candidate_records: The same of the other.
    """

    metric: Metric
    outcome: Outcome
    effect: Effect | None = None
    p_adjusted: float | None = None
    reason: str = ""
    baseline_records: int = 0
    candidate_records: int = 0

    @property
    def fails(self) -> bool:
        """Whether it alone fails the comparison."""
        return self.metric.critical and self.outcome is Outcome.WORSE


def judge_metrics(
    metrics: Sequence[Metric], baseline: Side, candidate: Side, *, confidence: float
) -> tuple[MetricResult, ...]:
    """Compare every metric and adjust for their number; in the same order.

    Critical metrics decide and are adjusted for their own number; the others, which
    only inform, for the number of all.
    """
    found = [_examine(one, baseline, candidate, confidence) for one in metrics]
    tested = [one for one in found if one.effect is not None]
    critical = [one for one in tested if one.metric.critical]
    adjusted = _adjust(tested) | _adjust(critical)
    return tuple(
        result
        if result.effect is None
        else _judge(result, result.effect, adjusted[result.metric.name], 1 - confidence)
        for result in found
    )


def _adjust(results: Sequence[MetricResult]) -> dict[str, float]:
    """Return p-values by metric, by Holm over these results."""
    p_values = holm([one.effect.p for one in results if one.effect])
    return {one.metric.name: p for one, p in zip(results, p_values, strict=True)}


def _judge(
    result: MetricResult, effect: Effect, p_adjusted: float, alpha: float
) -> MetricResult:
    metric, difference = result.metric, effect.difference
    outcome = Outcome.UNCHANGED
    if p_adjusted < alpha and metric.is_large(effect.baseline, difference):
        is_worse = metric.is_worse(difference)
        outcome = Outcome.WORSE if is_worse else Outcome.BETTER
    return replace(result, outcome=outcome, p_adjusted=p_adjusted)


def _examine(
    metric: Metric, baseline: Side, candidate: Side, confidence: float
) -> MetricResult:
    """Return a result with its effect, or the reason why there is none."""
    if reason := _unlike_fields(metric, baseline, candidate):
        return MetricResult(metric=metric, outcome=Outcome.INCONCLUSIVE, reason=reason)
    first = baseline.measured.get(metric.name)
    second = candidate.measured.get(metric.name)
    reason = _no_basis(metric, baseline, candidate)
    effect = None if reason else _effect(metric, first, second, confidence)
    lacking = Outcome.INCONCLUSIVE if metric.must_have_data else Outcome.SKIPPED
    return MetricResult(
        metric=metric,
        outcome=Outcome.UNCHANGED if effect else lacking,
        effect=effect,
        reason=reason,
        baseline_records=first.records if first else 0,
        candidate_records=second.records if second else 0,
    )


def _unlike_fields(metric: Metric, baseline: Side, candidate: Side) -> str:
    missing = metric.missing(baseline.fields), metric.missing(candidate.fields)
    if bool(missing[0]) is bool(missing[1]):
        return ""
    only = "candidate" if missing[0] else "baseline"
    return f"{_named(missing[0] or missing[1])} was recorded in the {only} only"


def _named(needs: Sequence[str]) -> str:
    return ", ".join(needs).replace("|", " or ")


def _no_basis(metric: Metric, baseline: Side, candidate: Side) -> str:
    if missing := metric.missing(baseline.fields):
        return f"needs fields not recorded: {_named(missing)}"
    for name, side in (("baseline", baseline), ("candidate", candidate)):
        measured = side.measured.get(metric.name)
        if measured is None:
            return f"the {name} gives no value"
        if measured.records < metric.min_records:
            return (
                f"{measured.records} records in the {name}, {metric.min_records} needed"
            )
        if _cluster_count(measured) < _FEWEST_CLUSTERS:
            return f"the {name}'s records are all of one moment"
    return ""


def _cluster_count(measured: Clusters | Values | Replicates) -> int:
    match measured:
        case Clusters():
            return len(measured.weight)
        case Values():
            return int(measured.cluster.max()) + 1
        case Replicates():
            return len(measured.without)


def _effect(
    metric: Metric, baseline: Measured, candidate: Measured, confidence: float
) -> Effect:
    match baseline, candidate:
        case Replicates(), Replicates():
            return compare_replicates(baseline, candidate, confidence=confidence)
        case Values(), Values():
            q = metric.quantile or 0.5
            return compare_quantiles(baseline, candidate, q, confidence=confidence)
        case Clusters(), Clusters() if metric.kind is Kind.SHARE:
            return compare_shares(baseline, candidate, confidence=confidence)
        case Clusters(), Clusters():
            return compare_means(baseline, candidate, confidence=confidence)
        case _:
            raise TypeError(f"{metric.name}: sides of different kinds")
