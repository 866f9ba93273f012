"""The comparison of two sides, and the rule of its verdict.

The rule, in this order:

1. A doubt about the comparison as a whole (few records, low coverage, unlike filters
   or sampling, shifted traffic): ``inconclusive``, whatever the metrics say.
2. A critical metric is worse: ``fail``, whatever is not known of the others.
3. A metric could not be compared although it must be: ``inconclusive``.
4. ``pass``; metrics that are worse but not critical are named.
"""

from __future__ import annotations

from collections.abc import Sequence

from instant_logs_plugin.analysis.compare.comparability import (
    find_doubts,
    find_mix_shifts,
    find_notes,
)
from instant_logs_plugin.analysis.compare.evidence import read_side
from instant_logs_plugin.analysis.compare.figures import (
    format_difference,
    format_p,
    format_value,
)
from instant_logs_plugin.analysis.compare.judging import (
    MetricResult,
    Outcome,
    judge_metrics,
)
from instant_logs_plugin.analysis.compare.path_changes import find_path_changes
from instant_logs_plugin.analysis.compare.result import Comparison, Verdict
from instant_logs_plugin.analysis.compare.settings import CompareSettings
from instant_logs_plugin.analysis.compare.side import Side
from instant_logs_plugin.errors import InvalidOption
from instant_logs_plugin.store.catalog import find_capture
from instant_logs_plugin.store.filesystem import Store, open_store
from instant_logs_plugin.store.manifest import Manifest

__all__ = ["compare_captures", "decide"]


def compare_captures(
    store_uri: str,
    baseline: Sequence[str],
    candidate: Sequence[str],
    *,
    settings: CompareSettings | None = None,
    baseline_where: str = "",
    candidate_where: str = "",
) -> Comparison:
    """Compare two sides of captures.

    Args:
        store_uri: The store that holds them.
        baseline: What was there before: ids, unique prefixes, ``latest`` or
            ``latest:label=value``; at least one.
        candidate: What is judged; the same.
        settings: Metrics and limits; None for the defaults.
        baseline_where: SQL condition on the baseline's records; "" for all. With
            another one for the candidate, both sides may be the same capture.
        candidate_where: The same of the candidate.

    Raises:
        InvalidOption: A side is empty, or a capture is on both.
        CaptureNotFound: A name means no capture, or several.
        InvalidManifest: A capture's manifest cannot be read.
        InvalidQuery: A condition or a metric's query is refused, or the latter gives
            no single number.
    """
    settings = settings or CompareSettings()
    store = open_store(store_uri)
    first = _find("baseline", store, baseline)
    second = _find("candidate", store, candidate)
    for one in second:
        if one in first and baseline_where == candidate_where:
            allowed = "another capture than the baseline"
            raise InvalidOption("candidate", one.capture_id, allowed)
    metrics = settings.metrics
    before = read_side(store_uri, first, metrics, where=baseline_where)
    after = read_side(
        store_uri, second, metrics, where=candidate_where, slow_ms=before.slow_ms
    )
    return _compare(before, after, settings)


def decide(
    doubts: Sequence[str], results: Sequence[MetricResult]
) -> tuple[Verdict, tuple[str, ...]]:
    """Return the verdict and why, by the rule of this module."""
    worse = [one for one in results if one.outcome is Outcome.WORSE]
    failing = tuple(_worsening(one) for one in worse if one.fails)
    minor = tuple(
        f"{_worsening(one)}; it is not critical" for one in worse if not one.fails
    )
    unknown = tuple(
        f"{one.metric.name}: {one.reason}"
        for one in results
        if one.outcome is Outcome.INCONCLUSIVE
    )
    if doubts:
        return Verdict.INCONCLUSIVE, (*doubts, *unknown, *failing, *minor)
    if failing:
        return Verdict.FAIL, (*failing, *minor, *unknown)
    if unknown:
        return Verdict.INCONCLUSIVE, (*unknown, *minor)
    return Verdict.PASS, minor or ("no metric got worse",)


def _compare(baseline: Side, candidate: Side, settings: CompareSettings) -> Comparison:
    results = judge_metrics(
        settings.metrics, baseline, candidate, confidence=settings.confidence
    )
    shifts = find_mix_shifts(baseline, candidate)
    doubts = find_doubts(baseline, candidate, shifts, settings)
    verdict, reasons = decide(doubts, results)
    return Comparison(
        verdict=verdict,
        reasons=reasons,
        notes=find_notes(baseline, candidate, settings),
        baseline=baseline,
        candidate=candidate,
        metrics=results,
        mix=shifts,
        paths=find_path_changes(baseline.paths, candidate.paths),
        settings=settings,
    )


def _worsening(result: MetricResult) -> str:
    metric, effect = result.metric, result.effect
    if effect is None:
        raise ValueError(f"{metric.name} is worse without an effect")
    change = format_difference(effect.difference, metric.unit)
    return (
        f"{metric.name} got worse: {format_value(effect.baseline, metric.unit)} then "
        f"{format_value(effect.candidate, metric.unit)} "
        f"({change}, p {format_p(result.p_adjusted)})"
    )


def _find(side: str, store: Store, names: Sequence[str]) -> tuple[Manifest, ...]:
    if not names:
        raise InvalidOption(side, "", "at least one capture")
    found = {one.capture_id: one for one in (find_capture(store, n) for n in names)}
    return tuple(found.values())
