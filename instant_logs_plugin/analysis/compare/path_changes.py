"""Where to look: the paths that got worse the most, that fail now, that vanished.

Pure. A request fares badly when it is answered with 4xx or 5xx, or is slower than 95 %
of the baseline's requests; what a path got worse by is how many more of its requests
fare badly than would at the baseline's share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from scipy import stats

from instant_logs_plugin.analysis.compare.side import MOST_PATHS, PathCounts

__all__ = ["PathChange", "PathChanges", "find_path_changes"]

_SHOWN = 10
_CHANCE = 0.05
_TESTED = 200
_FEWEST_ERRORS = 3
"""Error records on a path that had none before: fewer happen by chance."""
_FEWEST_EXPECTED = 10.0
"""Records that a path would have in the candidate; none of them is no chance."""


@dataclass(frozen=True, kw_only=True)
class PathChange:
    """A path on both sides.

    Attributes:
        path: Without query and ids.
        baseline: What became of its requests there; all 0 when there were none.
        candidate: The same on the other side.
        more_bad: Requests of the candidate that fare badly beyond the baseline's share.
        p: Two-sided probability of such a difference if there is none, by Fisher's
            exact test on records; for one path, not adjusted for their number.
    """

    path: str
    baseline: PathCounts
    candidate: PathCounts
    more_bad: float
    p: float | None = None


@dataclass(frozen=True, kw_only=True)
class PathChanges:
    """Paths, the most affected first; at most ten of each.

    Attributes:
        worse: Those that got worse the most, unless by chance (p of 0.05 and more).
        new_errors: Those with errors (4xx, 5xx) that had none in the baseline, unless
            by chance; a path that is new is always one of them.
        vanished: Those that nobody asked for any more.
    """

    worse: tuple[PathChange, ...] = ()
    new_errors: tuple[PathChange, ...] = ()
    vanished: tuple[PathChange, ...] = ()


def find_path_changes(
    baseline: Mapping[str, PathCounts], candidate: Mapping[str, PathCounts]
) -> PathChanges:
    """Compare two sides path by path."""
    none = PathCounts()
    changes = [
        _change(path, baseline.get(path, none), candidate.get(path, none))
        for path in sorted({*baseline, *candidate})
    ]
    scale = _records(candidate) / max(_records(baseline), 1)
    # A path that is not among the counted may be there all the same, if it is rare.
    is_cut = len(candidate) >= MOST_PATHS
    rare = min(one.records for one in candidate.values()) if is_cut else 0
    return PathChanges(
        worse=tuple(_worse(changes)),
        new_errors=tuple(_new_errors(changes)),
        vanished=tuple(_vanished(changes, scale, max(_FEWEST_EXPECTED, 2 * rare))),
    )


def _change(path: str, baseline: PathCounts, candidate: PathCounts) -> PathChange:
    expected = baseline.bad / baseline.requests if baseline.requests else 0.0
    return PathChange(
        path=path,
        baseline=baseline,
        candidate=candidate,
        more_bad=candidate.bad - expected * candidate.requests,
    )


def _worse(changes: list[PathChange]) -> list[PathChange]:
    known = [one for one in changes if one.baseline.records and one.more_bad > 0]
    known.sort(key=lambda one: -one.more_bad)
    tested = [replace(one, p=_chance(one, "bad_records")) for one in known[:_TESTED]]
    return [one for one in tested if (one.p or 0.0) < _CHANCE][:_SHOWN]


def _new_errors(changes: list[PathChange]) -> list[PathChange]:
    known = [
        one
        for one in changes
        if one.candidate.error_records >= _FEWEST_ERRORS
        and not one.baseline.error_records
    ]
    known.sort(key=lambda one: -one.candidate.error_records)
    tested = [replace(one, p=_chance(one, "error_records")) for one in known[:_TESTED]]
    # A path that is new has nothing to be compared with: its errors are news.
    return [
        one for one in tested if not one.baseline.records or (one.p or 0.0) < _CHANCE
    ][:_SHOWN]


def _vanished(
    changes: list[PathChange], scale: float, fewest: float
) -> list[PathChange]:
    known = [
        one
        for one in changes
        if not one.candidate.records
        and one.baseline.records * min(scale, 1.0) >= fewest
    ]
    return sorted(known, key=lambda one: -one.baseline.requests)[:_SHOWN]


def _chance(change: PathChange, name: str) -> float:
    """Return the p of Fisher's exact test on the records that ``name`` counts."""
    counts = [
        [getattr(one, name), one.records - getattr(one, name)]
        for one in (change.baseline, change.candidate)
    ]
    return float(stats.fisher_exact(counts).pvalue)


def _records(paths: Mapping[str, PathCounts]) -> int:
    return sum(one.records for one in paths.values())
