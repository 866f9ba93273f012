"""Stretches of time that captures cover, each worth a time axis of its own.

Pure. Two captures a day apart on one axis would be two thin lines; captures that
overlap or follow each other closely belong on one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from instant_logs_plugin.store.manifest import Gap, Manifest

__all__ = ["MOST_EPISODES", "Episode", "plan_bucket_s", "plan_episodes", "window_of"]

MOST_EPISODES = 12
"""As many time axes keep a page light and readable; the newest are shown."""

_NO_TIME = timedelta(0)
_BUCKETS = 30
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 21600, 86400)


@dataclass(frozen=True, kw_only=True)
class Episode:
    """A half-open stretch ``[start, end)`` of windows without much between them.

    Attributes:
        since: From when on records count here, or None: from the first.
        until: Up to when records count here, exclusive, or None: to the last.
        gaps: Spans without a stream, of every capture in it.
        pauses: Spans between windows, which no capture was asked to cover.
    """

    start: datetime
    end: datetime
    since: datetime | None = None
    until: datetime | None = None
    gaps: tuple[Gap, ...] = ()
    pauses: tuple[tuple[datetime, datetime], ...] = ()


def window_of(manifest: Manifest) -> tuple[datetime, datetime]:
    """Return the span a capture covers, as far as its manifest knows it."""
    start = manifest.window.start or manifest.started_at
    end = manifest.window.end or manifest.ended_at or start
    return start, max(start, end)


def plan_bucket_s(episodes: Sequence[Episode]) -> int:
    """Return seconds in a bucket: the same on each axis, at most about 30 on one.

    One axis has the page's width for itself and is left to choose: 0.
    """
    if len(episodes) == 1:
        return 0
    longest_s = max((one.end - one.start).total_seconds() for one in episodes)
    fitting = [step for step in _STEPS_S if step * _BUCKETS >= longest_s]
    return min(fitting, default=_STEPS_S[-1])


def plan_episodes(manifests: Sequence[Manifest]) -> tuple[Episode, ...]:
    """Group captures: a pause longer than the longest window begins a new episode.

    Records are split half-way between episodes: a request that began just before its
    window belongs to it.
    """
    ordered = sorted(manifests, key=lambda one: window_of(one)[0])
    longest = max((_length(one) for one in ordered), default=_NO_TIME)
    episodes: list[Episode] = []
    for manifest in ordered:
        start, end = window_of(manifest)
        if episodes and start - episodes[-1].end <= longest:
            episodes.append(_joined(episodes.pop(), manifest))
        else:
            episodes.append(Episode(start=start, end=end, gaps=manifest.gaps))
    return _with_limits(episodes)


def _joined(episode: Episode, manifest: Manifest) -> Episode:
    start, end = window_of(manifest)
    pause = [(episode.end, start)] if start > episode.end else []
    return replace(
        episode,
        end=max(episode.end, end),
        gaps=episode.gaps + manifest.gaps,
        pauses=(*episode.pauses, *pause),
    )


def _length(manifest: Manifest) -> timedelta:
    start, end = window_of(manifest)
    return end - start


def _with_limits(episodes: list[Episode]) -> tuple[Episode, ...]:
    cuts = [
        earlier.end + (later.start - earlier.end) / 2
        for earlier, later in pairwise(episodes)
    ]
    limits = zip([None, *cuts], [*cuts, None], strict=True)
    return tuple(
        replace(one, since=since, until=until)
        for one, (since, until) in zip(episodes, limits, strict=True)
    )
