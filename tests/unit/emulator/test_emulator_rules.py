"""The emulator's sessions, with a clock that is told."""

from __future__ import annotations

import pytest

from instant_logs_plugin.emulator.registry import (
    LIFETIME_S,
    UNREAD_S,
    Job,
    Registry,
    ServedSession,
)

JOB = Job(fields=("RayID",))


def create(registry: Registry, zone_id: str = "z", now: float = 0.0) -> ServedSession:
    session = registry.create(zone_id, JOB, now)
    assert session is not None
    return session


def test_a_newcomer_ends_the_first_session_of_its_zone_only() -> None:
    """Kicking tells the stream once, and leaves other zones alone."""
    registry, calls = Registry(), []
    first, elsewhere = create(registry), create(registry, "other")
    first.on_end = lambda: calls.append("ended")
    second = create(registry, now=5.0)
    first.end(6.0, "closed")
    assert (first.end_reason, first.ended_at, calls) == ("superseded", 5.0, ["ended"])
    assert (second.end_reason, elsewhere.end_reason) == ("", "")
    assert registry.listed("z", 5.0) == [second]


def test_a_refusing_zone_takes_a_new_session_once_the_first_is_over() -> None:
    """A refusal changes nothing; the place is free when the first ends."""
    registry = Registry(is_kicking=False)
    first = create(registry)
    assert registry.create("z", JOB, 1.0) is None
    assert registry.listed("z", 1.0) == [first]
    first.end(2.0, "closed")
    assert create(registry, now=2.0).number == 2


@pytest.mark.parametrize("is_kicking", [True, False])
def test_every_create_is_remembered_with_whom_it_met(*, is_kicking: bool) -> None:
    """A refused one too; a create into a free zone met nobody."""
    registry = Registry(is_kicking=is_kicking)
    first = create(registry)
    first.is_streaming = True
    second = registry.create("z", JOB, 1.5)
    create(registry, "other", now=2.0)
    met = [(one.met, one.met_stream, one.met_age_s) for one in registry.attempts]
    assert met == [(None, False, 0.0), (first, True, 1.5), (None, False, 0.0)]
    assert registry.attempts[1].created is second
    assert (second is None) is not is_kicking


@pytest.mark.parametrize(
    ("unread_since", "now", "reason"),
    [
        (0.0, UNREAD_S - 0.1, ""),
        (0.0, UNREAD_S, "unread"),
        (100.0, UNREAD_S + 99, ""),
        (100.0, UNREAD_S + 100, "unread"),
        (None, LIFETIME_S - 0.1, ""),
        (None, LIFETIME_S, "expired"),
        (LIFETIME_S - 1, LIFETIME_S, "expired"),
    ],
)
def test_time_ends_a_session(
    unread_since: float | None, now: float, reason: str
) -> None:
    """It ends after an hour, or five minutes after the last read."""
    registry = Registry()
    session = create(registry)
    session.unread_since = unread_since
    registry.expire(now)
    assert session.end_reason == reason


@pytest.mark.parametrize(("now", "is_listed"), [(14.9, True), (15.0, False)])
def test_an_ended_session_is_listed_until_it_lapses(
    now: float, *, is_listed: bool
) -> None:
    """How long is not documented, so it is a setting."""
    registry = Registry(lapse_s=5.0)
    session = create(registry)
    session.end(10.0, "closed")
    assert (registry.listed("z", now) == [session]) is is_listed


def test_no_secret_is_shown() -> None:
    """Neither the state nor a repr holds a session id."""
    registry = Registry()
    session = create(registry)
    shown = repr(registry.describe()) + repr(session)
    assert session.session_id not in shown
    assert registry.find(session.session_id, 0.0) is session
    assert registry.find("no-such-id", 0.0) is None
