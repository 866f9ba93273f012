"""Which captures share a time axis."""

from __future__ import annotations

from instant_logs_plugin.analysis.report.episodes import (
    plan_bucket_s,
    plan_episodes,
    window_of,
)
from instant_logs_plugin.store.manifest import WindowSpan
from tests.unit.report.materials import at, capture, gap


def test_one_capture_is_one_episode():
    """It counts whatever was recorded, before its window too."""
    (episode,) = plan_episodes([capture(gaps=(gap(10, 20),))])
    assert (episode.start, episode.end) == (at(0), at(60))
    assert (episode.since, episode.until) == (None, None)
    assert len(episode.gaps) == 1


def test_captures_that_follow_each_other_share_an_axis():
    """A short pause between them is told apart from a gap."""
    (episode,) = plan_episodes([capture("b", 90), capture("a", 0)])
    assert (episode.start, episode.end) == (at(0), at(150))
    assert episode.pauses == ((at(60), at(90)),)


def test_overlapping_captures_have_no_pause():
    """Two zones at once are one stretch of time."""
    (episode,) = plan_episodes([capture("a", 0), capture("b", 30)])
    assert episode.pauses == ()


def test_a_long_pause_begins_another_episode():
    """Records are split half-way: a request may begin just before its window."""
    first, second = plan_episodes([capture("a", 0), capture("b", 3600)])
    assert first.until == second.since == at(60 + (3600 - 60) / 2)
    assert first.since is None
    assert second.until is None


def test_a_capture_that_never_began_has_no_length():
    """Without a window its start is all that is known."""
    empty = capture(window=WindowSpan(), ended_at=None)
    assert window_of(empty) == (at(0), at(0))
    assert len(plan_episodes([empty])) == 1


def test_buckets_are_alike_on_all_axes():
    """Bars side by side stand for the same time; one axis chooses for itself."""
    day = WindowSpan(start=at(4 * 86400), end=at(5 * 86400))
    many = plan_episodes([capture("a"), capture("b", window=day)])
    assert plan_bucket_s(many) == 3600
    assert plan_bucket_s(many[:1]) == 0
    minutes = plan_episodes([capture("a"), capture("b", 3600)])
    assert plan_bucket_s(minutes) == 2
