"""A session that was created and never read outlives the journal that names it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from instant_logs_plugin.capture.header import CaptureHeader, parse_header
from instant_logs_plugin.capture.journal_directory import JournalDirectory
from instant_logs_plugin.capture.orphan_files import SESSIONS
from instant_logs_plugin.capture.ownership import OwnSession, read_own_sessions
from instant_logs_plugin.capture.recovery import Outcome, recover_captures
from instant_logs_plugin.failpoints import armed
from instant_logs_plugin.store.filesystem import Store, open_store
from instant_logs_plugin.store.layout import manifest_path
from instant_logs_plugin.store.manifest import (
    CaptureState,
    Manifest,
    Request,
    format_manifest,
)
from tests.crash.write_path import CAPTURE, FIELDS, SESSION, ZONE, assert_whole


@dataclass(frozen=True)
class Left:
    """A capture that was killed when it had made a session and no stream."""

    store: Store
    journal_root: Path

    @property
    def own(self) -> dict[str, OwnSession]:
        return dict(read_own_sessions(self.store, self.journal_root, ZONE))

    @property
    def kept(self) -> list[str]:
        return sorted(one.name for one in (self.journal_root / SESSIONS).glob("*"))

    def recover(self, now: Callable[[], datetime] | None = None) -> list[Outcome]:
        times = {} if now is None else {"now": now}
        report = recover_captures(self.store, self.journal_root, **times)
        return [one.outcome for one in report.captures]


@pytest.fixture(params=["inside", "elsewhere"])
def left(request: pytest.FixtureRequest, tmp_path: Path) -> Left:
    """Leave a journal, in its store or not, with a header and nothing else."""
    store = open_store(str(tmp_path / "captures"))
    is_inside = request.param == "inside"
    journal_root = store.root / ".journal" if is_inside else tmp_path / "journal"
    now = datetime.now(UTC)
    header = CaptureHeader(
        manifest=Manifest(
            capture_id=CAPTURE,
            zone_id=ZONE,
            state=CaptureState.RECORDING,
            request=Request(fields=FIELDS),
            started_at=now,
        ),
        written_at=now,
        store=None if is_inside else str(store.root),
        fingerprints=(SESSION,),
    )
    directory = JournalDirectory(journal_root, CAPTURE)
    assert directory.acquire()
    directory.create()
    directory.write_header(header)
    directory.release()
    return Left(store, journal_root)


def test_it_is_ours_before_and_after_a_recovery(left):
    """The journal is told as empty, as it is; its session stays known, by its zone."""
    before = left.own
    assert before[SESSION].is_over
    assert left.recover() == [Outcome.EMPTY]
    assert left.own == before
    assert read_own_sessions(left.store, left.journal_root, "f" * 32) == {}
    assert left.kept == [f"{SESSION}.json"]
    assert assert_whole(left.store) == []


def test_it_is_no_journal(left):
    """Recovering again finds nothing to do, and to tell."""
    left.recover()
    assert left.recover() == []
    assert left.recover() == []
    assert left.kept == [f"{SESSION}.json"]


def test_a_journal_stays_while_its_session_cannot_be_kept(left):
    """Nothing else knows it: it is tried again."""
    with armed("journal.sessions:fsync=ENOSPC+"):
        assert left.recover() == [Outcome.FAILED]
    assert SESSION in left.own
    assert left.recover() == [Outcome.EMPTY]
    assert SESSION in left.own


def test_it_is_kept_beside_a_capture_that_was_committed(left):
    """One that never opened, of a capture killed before its journal was removed."""
    (path,) = left.journal_root.glob("*/capture.json")
    manifest = parse_header(path.read_text(), path="").manifest
    done = replace(manifest, state=CaptureState.COMPLETE, ended_at=manifest.started_at)
    left.store.write_bytes(manifest_path(CAPTURE), format_manifest(done).encode())
    assert left.recover() == [Outcome.FINISHED]
    assert left.kept == [f"{SESSION}.json"]


def test_a_capture_does_not_wait_for_its_own_lock(left):
    """Its journal is locked for as long as it runs; it knows its sessions."""
    asking = JournalDirectory(left.journal_root, CAPTURE)
    assert asking.acquire()
    asked_at = time.monotonic()
    own = read_own_sessions(left.store, left.journal_root, ZONE, asking=CAPTURE)
    assert (own, time.monotonic() - asked_at < 0.5) == ({}, True)
    asking.release()


def test_it_goes_when_no_list_can_show_it(left):
    """A journal that is recovered as late leaves nothing at all."""
    now = datetime.now(UTC)
    assert left.recover(lambda: now + timedelta(hours=2)) == [Outcome.EMPTY]
    assert list(left.journal_root.iterdir()) == []


def test_a_clock_that_was_ahead_keeps_nothing_for_ever(left):
    """What seems to come from far ahead is of no use, and goes."""
    left.recover()
    past = datetime.now(UTC) - timedelta(hours=2)
    left.recover(lambda: past)
    assert list(left.journal_root.iterdir()) == []


def test_what_a_crash_left_beside_it_goes_too(left):
    """Unfinished and unreadable files in their time; what is not ours stays."""
    left.recover()
    directory = left.journal_root / SESSIONS
    (directory / f".{SESSION}.json.tmp").touch()
    (directory / f"{'0' * 16}.json").write_text("{")
    (directory / "note.txt").write_text("look at this")
    assert list(left.own) == [SESSION]
    left.recover()
    assert len(left.kept) == 4
    later = datetime.now(UTC) + timedelta(hours=2)
    left.recover(lambda: later)
    assert left.kept == ["note.txt"]
