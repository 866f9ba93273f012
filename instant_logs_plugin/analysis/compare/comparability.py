"""Whether two sides can be compared at all, and what to keep in mind if so.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from instant_logs_plugin.analysis.compare.settings import CompareSettings
from instant_logs_plugin.analysis.compare.side import MIX_DIMENSIONS, Side
from instant_logs_plugin.analysis.compare.statistics import compare_mix
from instant_logs_plugin.store.manifest import CaptureState, Manifest

__all__ = ["MixShift", "find_doubts", "find_mix_shifts", "find_notes"]

_FEWEST_CLUSTERS = 4.0
_RARE = 0.01
"""Categories below this share on both sides are taken together."""
_OTHER = "(all others)"


@dataclass(frozen=True, kw_only=True)
class MixShift:
    """How far the mix of traffic moved in one dimension.

    Attributes:
        dimension: ``host``, ``method`` or ``path``.
        distance: Share of traffic that moved, 0 to 1 (total variation distance).
        p: Probability of such a distance if nothing moved.
        category: The category that moved the most.
        baseline_share: Its share on that side.
        candidate_share: Its share on the other.
    """

    dimension: str
    distance: float
    p: float
    category: str
    baseline_share: float
    candidate_share: float


def find_doubts(
    baseline: Side,
    candidate: Side,
    shifts: tuple[MixShift, ...],
    settings: CompareSettings,
) -> tuple[str, ...]:
    """Return why the sides cannot be compared, one sentence each; empty if they can."""
    doubts = [
        *_side_doubts("baseline", baseline, settings),
        *_side_doubts("candidate", candidate, settings),
        *_request_doubts(baseline, candidate),
    ]
    limit = settings.max_mix_shift
    doubts += [
        f"traffic mix shifted: {one.distance:.0%} of it moved between {one.dimension}s "
        f"(limit {limit:.0%}), the most for {one.category}: "
        f"{one.baseline_share:.1%} then {one.candidate_share:.1%}"
        for one in shifts
        if one.distance > limit and one.p < 1 - settings.confidence
    ]
    return tuple(doubts)


def find_mix_shifts(baseline: Side, candidate: Side) -> tuple[MixShift, ...]:
    """Return how far each dimension moved that was recorded on both sides.

    Hosts of different zones are different by nature, and those of parts of a zone
    probably: they are not looked at.
    """
    is_one_zone = _zones(baseline) == _zones(candidate)
    is_whole = not baseline.where and not candidate.where
    dimensions = [
        name
        for name in MIX_DIMENSIONS
        if baseline.mix[name]
        and candidate.mix[name]
        and (name != "host" or (is_one_zone and is_whole))
    ]
    return tuple(_mix_shift(name, baseline, candidate) for name in dimensions)


def find_notes(
    baseline: Side, candidate: Side, settings: CompareSettings
) -> tuple[str, ...]:
    """Return what a reader of the verdict should keep in mind."""
    notes = [
        f"{name} has gaps, {_gaps(side)}; it covers {side.coverage:.1%} of its window"
        for name, side in (("baseline", baseline), ("candidate", candidate))
        if any(one.gaps for one in side.captures)
        and side.coverage >= settings.min_coverage
    ]
    if _zones(baseline) != _zones(candidate):
        notes.append("the sides are of different zones")
    first, second = _span(baseline), _span(candidate)
    if second[1] <= first[0]:
        notes.append("the candidate was recorded before the baseline")
    if second[1] <= first[0] or first[1] <= second[0]:
        apart_s = max(second[0] - first[1], first[0] - second[1])
        notes.append(
            f"the sides were recorded {_duration(apart_s)} apart: whatever else "
            "changed in between counts as a difference too"
        )
    return tuple(notes)


def _side_doubts(name: str, side: Side, settings: CompareSettings) -> Iterator[str]:
    for one in side.captures:
        if one.state in {CaptureState.RECORDING, CaptureState.FAILED}:
            yield f"{name} {one.capture_id} is {one.state.value}"
    written = sum(one.written for one in side.captures)
    if side.readable < written:
        yield f"{name}: only {side.readable} of {written} records can be read"
    if side.coverage < settings.min_coverage:
        yield (
            f"{name} covers {side.coverage:.1%} of its window (gaps: {_gaps(side)}), "
            f"less than {settings.min_coverage:.1%}"
        )
    if side.records < settings.min_records:
        yield f"{name} holds {side.records} records, {settings.min_records} are needed"
    elif side.clusters < _FEWEST_CLUSTERS:
        yield f"{name}'s records are of fewer than {_FEWEST_CLUSTERS:g} moments"


def _gaps(side: Side) -> str:
    reasons = [gap.reason for one in side.captures for gap in one.gaps]
    counted = [f"{reasons.count(one)} x {one}" for one in dict.fromkeys(reasons)]
    return ", ".join(counted) or "none listed"


def _request_doubts(baseline: Side, candidate: Side) -> Iterator[str]:
    """Tell what was asked differently of the service, within a side too."""
    captures = (*baseline.captures, *candidate.captures)
    if unlike := _unlike([one.request.filter for one in captures]):
        yield f"filters differ: {unlike}"
    if len({one.sampling.model for one in captures}) > 1:
        rules = sorted({one.sampling.model for one in captures})
        yield f"sampling rules differ: {' and '.join(rules)}"
    if len({one.request.sample for one in captures}) > 1:
        samples = sorted({one.request.sample for one in captures})
        yield f"sampling differs: 1 in {' and 1 in '.join(map(str, samples))}"


def _unlike(texts: list[str]) -> str:
    different = list(dict.fromkeys(texts))
    if len(different) == 1:
        return ""
    return " and ".join(text or "no filter" for text in different)


def _mix_shift(dimension: str, baseline: Side, candidate: Side) -> MixShift:
    first, second = baseline.mix[dimension], candidate.mix[dimension]
    shares = _shares(first), _shares(second)
    common = {
        name: (shares[0].get(name, 0.0), shares[1].get(name, 0.0))
        for name in sorted({*first, *second})
        if max(shares[0].get(name, 0.0), shares[1].get(name, 0.0)) >= _RARE
    }
    rest = [1 - sum(pair[side] for pair in common.values()) for side in (0, 1)]
    common[_OTHER] = max(rest[0], 0.0), max(rest[1], 0.0)
    pairs = np.array(list(common.values()))
    distance, p = compare_mix(pairs[:, 0], pairs[:, 1], (baseline.size, candidate.size))
    most = max(common, key=lambda name: abs(common[name][1] - common[name][0]))
    return MixShift(
        dimension=dimension,
        distance=distance,
        p=p,
        category=most,
        baseline_share=common[most][0],
        candidate_share=common[most][1],
    )


def _shares(weights: Mapping[str, float]) -> dict[str, float]:
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def _zones(side: Side) -> set[str]:
    return {one.zone_id for one in side.captures}


def _span(side: Side) -> tuple[float, float]:
    """Return the first and last instant of a side, in seconds since the epoch."""
    starts = [_started(one) for one in side.captures]
    ends = [(one.window.end or one.ended_at or one.started_at) for one in side.captures]
    return min(starts), max(end.timestamp() for end in ends)


def _started(one: Manifest) -> float:
    return (one.window.start or one.started_at).timestamp()


def _duration(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
