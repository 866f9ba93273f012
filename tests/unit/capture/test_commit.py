"""Segments committed while later ones are decoded: the same files, in any case."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from instant_logs_plugin.capture.clock import Clock
from instant_logs_plugin.capture.commit import Committer
from instant_logs_plugin.capture.framing import Framed
from instant_logs_plugin.capture.journal import Journal, JournalSettings
from instant_logs_plugin.capture.journal_directory import JournalDirectory
from instant_logs_plugin.capture.segment import SealedSegment
from instant_logs_plugin.errors import JournalDamaged
from instant_logs_plugin.store.filesystem import open_store
from instant_logs_plugin.store.parquet import segment_problems

CAPTURE = "20261124T000000000Z-00000000"
LINES = 20
LINE = b'{"ClientRequestURI":"/%07d' + b"a" * 2**20 + b'","sampleInterval":1}\n'
"""Two fill a block: a segment is more blocks than are decoded ahead."""


@pytest.fixture
def segments(tmp_path) -> list[SealedSegment]:
    directory = JournalDirectory(tmp_path / "journal", CAPTURE)
    journal = Journal(directory, JournalSettings(), Clock.start())
    with contextlib.closing(journal):
        for _ in range(3):  # the first ones are kept smaller
            seal(journal, lines=1)
        return [seal(journal, lines=LINES) for _ in range(3)]


def seal(journal: Journal, *, lines: int) -> SealedSegment:
    for number in range(lines):
        assert journal.append([Framed(LINE % number, 1)], 1_790_000_000_000_000) is None
    sealed = journal.seal()
    assert sealed is not None
    return sealed


@pytest.fixture
def store(tmp_path):
    return open_store(str(tmp_path / "captures"))


@pytest.fixture
def committer(store, segments) -> Iterator[Committer]:
    committer = Committer(
        store,
        segments[0].lines_path.parent,
        zone_id="zone",
        capture_id=CAPTURE,
        started_at=datetime(2026, 11, 24, tzinfo=UTC),
        fields=("ClientRequestURI",),
    )
    with contextlib.closing(committer):
        yield committer


def test_all_are_begun_before_the_first_is_committed(committer, segments, store):
    """Each is whole, whatever is decoded behind it."""
    for segment in segments:
        committer.begin(segment)
    done = [committer.commit(segment) for segment in segments]
    assert [one.written for one in done] == [LINES] * 3
    assert [segment_problems(store, one.segment) for one in done] == [[]] * 3


def test_one_that_failed_is_committed_again(committer, segments, store):
    """Though others were begun before it: nothing waits for them."""
    for segment in segments:
        committer.begin(segment)
    lines = segments[0].lines_path
    whole = lines.read_bytes()
    lines.write_bytes(whole[:-1])
    with pytest.raises(JournalDamaged):
        committer.commit(segments[0])
    lines.write_bytes(whole)
    committer.begin(segments[1])
    done = [committer.commit(segment) for segment in segments]
    assert [one.written for one in done] == [LINES] * 3
    assert [segment_problems(store, one.segment) for one in done] == [[]] * 3


def test_closing_leaves_nothing_running(committer, segments):
    """Also when most of what was begun is not committed."""
    for segment in segments:
        committer.begin(segment)
    committer.commit(segments[0])
    committer.close()
    assert not [one for one in threading.enumerate() if "decode" in one.name]
