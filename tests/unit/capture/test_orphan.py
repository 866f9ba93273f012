"""Which sessions no manifest will name, and for how long they are remembered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from instant_logs_plugin.capture.header import CaptureHeader
from instant_logs_plugin.capture.orphan import (
    Orphans,
    find_orphans,
    format_orphans,
    may_be_listed,
    parse_orphans,
)
from instant_logs_plugin.store.manifest import (
    CaptureState,
    Manifest,
    Request,
    SessionSpan,
)

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
A, B, C = (letter * 16 for letter in "abc")


def header(created: tuple[str, ...], opened: tuple[str, ...] = ()) -> CaptureHeader:
    manifest = Manifest(
        capture_id="one",
        zone_id="z",
        state=CaptureState.RECORDING,
        request=Request(fields=("RayID",)),
        started_at=AT,
        sessions=tuple(SessionSpan(opened_at=AT, fingerprint=one) for one in opened),
    )
    return CaptureHeader(manifest=manifest, written_at=AT, fingerprints=created)


def orphans(*fingerprints: str) -> Orphans:
    return Orphans(
        zone_id="z", capture_id="one", known_at=AT, fingerprints=fingerprints
    )


@pytest.mark.parametrize(
    ("created", "opened", "left"),
    [
        ((), (), None),
        ((A,), (), orphans(A)),
        ((A,), (A,), None),
        ((A, B, C), (B,), orphans(A, C)),
        (("../../etc/passwd", "", A.upper()), (), None),
    ],
    ids=["none", "never opened", "opened", "between others", "no fingerprints"],
)
def test_orphans_are_what_was_created_and_not_opened(created, opened, left):
    """In order of creation; what is no fingerprint names no file."""
    assert find_orphans(header(created, opened)) == left


def test_what_was_published_is_no_orphan():
    """The store can know of a stream that the journal was not told of any more."""
    published = header((A,), (A,)).manifest
    assert find_orphans(header((A, B)), published) == orphans(B)


def test_more_of_them_keep_the_name():
    """What is learnt late replaces what was kept before."""
    early, late = find_orphans(header((A,))), find_orphans(header((A, B)))
    assert early is not None
    assert late is not None
    assert early.name == late.name == A


@pytest.mark.parametrize(
    ("minutes", "is_listed"),
    [(0, True), (5, True), (64, True), (65, False), (-64, True), (-65, False)],
)
def test_a_session_is_remembered_for_its_longest_life(minutes, is_listed):
    """And five minutes; a time ahead, of another clock, as long."""
    assert may_be_listed(AT, AT + timedelta(minutes=minutes)) is is_listed


def test_orphans_are_read_as_they_were_written():
    """No more of a session is told than its fingerprint."""
    assert parse_orphans(format_orphans(orphans(A, B))) == orphans(A, B)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"zone_id": "z"}', format_orphans(orphans(A))[:-20]],
)
def test_what_is_no_document_is_refused(text):
    """Whoever reads it goes on without."""
    with pytest.raises(ValueError, match="no orphans"):
        parse_orphans(text)
