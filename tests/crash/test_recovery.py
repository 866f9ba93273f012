"""What a crash left is finished: by prefix, once, with everything else set aside."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import pytest

from instant_logs_plugin.capture.clock import Clock
from instant_logs_plugin.capture.journal import Journal, JournalSettings
from instant_logs_plugin.capture.journal_directory import JournalDirectory
from instant_logs_plugin.capture.ownership import read_own_sessions
from instant_logs_plugin.capture.recovery import (
    Outcome,
    dead_headers,
    recover_captures,
)
from instant_logs_plugin.capture.segment import ENTRY_BYTES
from instant_logs_plugin.errors import StoreError
from instant_logs_plugin.failpoints import armed
from instant_logs_plugin.store.catalog import read_manifest, stray_problems
from instant_logs_plugin.store.filesystem import open_store
from instant_logs_plugin.store.manifest import CaptureState
from tests.crash.write_path import (
    CAPTURE,
    SESSION,
    ZONE,
    WritePath,
    assert_whole,
    stored_names,
)


@pytest.fixture
def crashed(tmp_path):
    """Return a capture of 40 lines that stopped before its first commit."""
    path = WritePath(tmp_path / "captures")
    with armed("store.requests:create=EIO+"), pytest.raises(StoreError):
        path.run()
    return path


@pytest.fixture
def unsealed(tmp_path):
    """Return a capture of ten lines in one segment that was never sealed."""
    path = WritePath(tmp_path / "captures", batches=1)
    with armed("journal.seal:write=EIO+"), pytest.raises(StoreError):
        path.run()
    return path


def recover_one(path):
    (one,) = recover_captures(path.store, path.journal_root).captures
    return one


def assert_recovered(path):
    """Check that nothing acknowledged is missing or doubled."""
    (manifest,) = assert_whole(path.store)
    assert manifest.state is CaptureState.RECOVERED
    found = stored_names(path.store)
    assert found == dict.fromkeys(path.acknowledged, 1)
    return manifest


def test_recovery_finishes_a_capture(crashed):
    """Every line is in the store, the crash is a gap to the window's end."""
    one = recover_one(crashed)
    assert (one.outcome, one.problems) == (Outcome.RECOVERED, ())
    manifest = assert_recovered(crashed)
    assert manifest.end_reason == "crash"
    (gap,) = manifest.gaps
    assert gap.reason == "crash"
    assert (gap.ended_at - manifest.window.start).total_seconds() == 60.0
    assert manifest.coverage == pytest.approx(crashed.now / 60.0, abs=0.02)
    assert manifest.sessions[0].end_reason == "crash"
    assert (manifest.sampling.min, manifest.sampling.max) == (1, 1)
    assert list(crashed.journal_root.iterdir()) == []


def test_recovering_twice_changes_nothing(crashed):
    """What is finished stays as it is."""
    recover_one(crashed)
    before = {p: p.read_bytes() for p in crashed.root.rglob("*") if p.is_file()}
    assert recover_captures(crashed.store, crashed.journal_root).captures == ()
    after = {p: p.read_bytes() for p in crashed.root.rglob("*") if p.is_file()}
    assert before == after


def test_a_live_journal_is_left_alone(crashed):
    """A journal whose lock is held belongs to a live process, even to this one."""
    holder = JournalDirectory(crashed.journal_root, CAPTURE)
    assert holder.acquire()
    assert recover_one(crashed).outcome is Outcome.LIVE
    assert dead_headers(crashed.journal_root, ZONE) == []
    holder.release()
    assert recover_one(crashed).outcome is Outcome.RECOVERED


def test_fingerprints_of_the_dead(crashed):
    """Sessions of a dead capture are recognised, by zone."""
    (header,) = dead_headers(crashed.journal_root, ZONE)
    assert header.fingerprints == (SESSION,)
    assert dead_headers(crashed.journal_root, "f" * 32) == []


def test_a_journal_elsewhere_belongs_to_one_store(crashed, tmp_path):
    """A journal outside the store names its store; one inside moves with it."""
    moved = crashed.root.rename(tmp_path / "moved")
    shutil.copytree(moved / ".journal", tmp_path / "elsewhere")
    elsewhere = recover_captures(open_store(str(moved)), tmp_path / "elsewhere")
    assert [one.outcome for one in elsewhere.captures] == [Outcome.OTHER_STORE]
    crashed.root = moved
    assert recover_one(crashed).outcome is Outcome.RECOVERED
    assert_recovered(crashed)


def test_lines_without_an_index_entry_are_used(unsealed):
    """The kernel took them: whole lines are in, only an unfinished one is not."""
    lines = unsealed.journal_root / CAPTURE / "00000.ndjson"
    with lines.open("ab") as file:
        file.write(b'{"RayID":"late","EdgeResponseStatus":200}\n{"RayID":"cu')
    unsealed.acknowledged.append("late")
    one = recover_one(unsealed)
    assert one.problems == ("segment 00000: an unfinished line",)
    assert_recovered(unsealed)
    (aside,) = one.set_aside
    assert Path(aside).read_bytes() == b'{"RayID":"cu'


def cut_lines(lines, index):
    lines.write_bytes(lines.read_bytes()[:-5])


def flip_line(lines, index):
    flip(lines, 10)


def flip_index(lines, index):
    flip(index, ENTRY_BYTES + 6)


def flip_seal(lines, index):
    flip(index, 2 * ENTRY_BYTES + 6)


def cut_seal(lines, index):
    index.write_bytes(index.read_bytes()[: 2 * ENTRY_BYTES])


def add_behind(lines, index):
    lines.write_bytes(lines.read_bytes() + b"{}\n")


def lose_lines(lines, index):
    lines.unlink()


def lose_index(lines, index):
    index.unlink()


def lose_both(lines, index):
    lines.unlink()
    index.unlink()


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "problem", "lost"),
    [
        (cut_lines, "segment 00000: batch 1 at byte 714: 5 bytes are not there", 10),
        (
            flip_line,
            "segment 00000: batch 0 at byte 0: the checksum does not match",
            20,
        ),
        (flip_index, "segment 00000: index entry 1 is damaged", 10),
        (flip_seal, "segment 00000: index entry 2 is damaged", 0),
        (cut_seal, "segment 00000: its end mark is missing", 0),
        (add_behind, "segment 00000: bytes behind its end", 0),
        (lose_lines, "segment 00000: its lines are missing", 20),
        (lose_index, "segment 00000: its end mark is missing", 0),
        (lose_both, "segment 00000 is missing", 20),
    ],
)
def test_damage_costs_what_it_hit(damage, problem, lost, tmp_path):
    """One bad segment is told and set aside, and hides none of the good ones."""
    path = WritePath(tmp_path / "captures", commits_late=True)
    with armed("store.requests:create=EIO+"), pytest.raises(StoreError):
        path.run()
    lines = path.journal_root / CAPTURE / "00000.ndjson"
    damage(lines, lines.with_suffix(".index"))
    left = lines.read_bytes() if lines.exists() else b""
    one = recover_one(path)
    assert one.problems == (problem,)
    del path.acknowledged[20 - lost : 20]
    assert_recovered(path)
    for aside in one.set_aside:
        assert left.endswith(Path(aside).read_bytes())


def test_a_damaged_header_is_read_from_the_manifest(tmp_path):
    """A running capture's manifest says what its header said."""
    path = WritePath(tmp_path / "captures")
    with armed("store.manifests:create=EIO@2"), pytest.raises(StoreError):
        path.run()
    (path.journal_root / CAPTURE / "capture.json").write_text("{")
    assert recover_one(path).outcome is Outcome.RECOVERED
    assert_recovered(path)


def test_a_journal_of_nobody_is_set_aside_whole(crashed):
    """Without header and manifest nothing says what its lines are of."""
    (crashed.journal_root / CAPTURE / "capture.json").unlink()
    (crashed.root / "manifests" / f"{CAPTURE}.json").unlink()
    one = recover_one(crashed)
    assert one.outcome is Outcome.UNREADABLE
    (aside,) = one.set_aside
    assert (Path(aside) / "00000.ndjson").exists()
    assert recover_captures(crashed.store, crashed.journal_root).captures == ()


@pytest.mark.parametrize("lost", ["mark", "both"])
def test_a_committed_segment_is_not_doubled(lost, tmp_path):
    """A segment that reached the store stays there, whatever became of its mark."""
    path = WritePath(tmp_path / "captures")
    point = "store.manifests:create=EIO@3" if lost == "both" else "store.rejects:*=EIO"
    with armed(point), pytest.raises(StoreError):
        path.run()
    journal = path.journal_root / CAPTURE
    (journal / "00000.committed").write_text("{}")
    assert (journal / "00000.ndjson").exists() is False
    assert recover_one(path).outcome is Outcome.RECOVERED
    assert_recovered(path)


def test_recovery_can_be_put_off(crashed):
    """A recovery that is told to stop leaves the rest as it was."""
    report = recover_captures(
        crashed.store, crashed.journal_root, is_stopped=lambda: True
    )
    assert report.captures == ()
    assert recover_one(crashed).outcome is Outcome.RECOVERED


def test_a_capture_without_a_session_leaves_nothing(tmp_path):
    """A journal from before the first stream is removed, and no manifest is made."""
    path = WritePath(tmp_path / "captures")
    directory = JournalDirectory(path.journal_root, CAPTURE)
    assert directory.acquire()
    directory.create()
    directory.release()
    assert recover_one(path).outcome is Outcome.EMPTY
    assert list(path.journal_root.iterdir()) == []
    assert assert_whole(path.store) == []


def test_a_manifest_stands_before_the_first_file(crashed):
    """Pruning and verifying beside a recovery take no file of it for a stray."""
    shutil.rmtree(crashed.root / "manifests", ignore_errors=True)
    with armed("store.rejects:create=EIO+;store.manifests:create=EIO@2"):
        assert recover_one(crashed).outcome is Outcome.FAILED
    assert crashed.store.list_tree("requests")
    assert stray_problems(crashed.store) == {}
    assert read_manifest(crashed.store, CAPTURE).state is CaptureState.RECORDING
    assert recover_one(crashed).outcome is Outcome.RECOVERED
    assert_recovered(crashed)


def test_a_copied_journal_writes_over_nothing(crashed):
    """Its header is of the capture that it was copied from; that one stays whole."""
    source = crashed.journal_root / CAPTURE
    copy = crashed.journal_root / f"{CAPTURE}-copy"
    shutil.copytree(source, copy)
    copied, _ = sorted(
        recover_captures(crashed.store, crashed.journal_root).captures,
        key=lambda one: one.capture_id != copy.name,
    )
    assert copied.outcome is Outcome.UNREADABLE
    assert_recovered(crashed)


@pytest.mark.parametrize(
    "damage",
    [
        {"lines": "5"},
        {"lines": -5},
        {"received_until_us": 10**30},
        {"committed": {"segment": None, "written": 99, "rejected": 0}},
        {"committed": None},
    ],
)
def test_a_damaged_mark_is_none(crashed, damage):
    """The segment that it stands beside is committed all the same."""
    mark = {
        "journal_version": 1,
        "sequence": 0,
        "lines": 10,
        "bytes": 10,
        "received_until_us": 0,
        "committed": {"segment": None, "written": 0, "rejected": 0},
    }
    path = crashed.journal_root / CAPTURE / "00000.committed"
    path.write_text(json.dumps(mark | damage))
    assert recover_one(crashed).outcome is Outcome.RECOVERED
    assert_recovered(crashed)


@pytest.mark.parametrize(
    "damage",
    [
        {"bounds": {"duration_s": 0.0}},
        {"bounds": {"duration_s": "60"}},
        {"written_at": "0001-01-01T00:00:00+14:00"},
        {"manifest": {}},
        {"fingerprints": None},
    ],
)
def test_a_damaged_header_stops_no_capture(crashed, damage):
    """The next capture of the zone starts; the manifest says what the header did."""
    path = crashed.journal_root / CAPTURE / "capture.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | damage))
    assert read_own_sessions(crashed.store, crashed.journal_root, ZONE) is not None
    one = recover_one(crashed)
    assert one.outcome in {Outcome.RECOVERED, Outcome.UNREADABLE}
    if one.outcome is Outcome.RECOVERED:
        assert stored_names(crashed.store) == dict.fromkeys(crashed.acknowledged, 1)


def test_what_is_no_journal_is_left_alone(crashed):
    """A journal that is said to be where other things are, a store among them."""
    theirs = {
        "precious/sub/file": "1",
        "precious/capture.json": '{"a": 1}',
        "shards/00000.ndjson": "{}",
        "poetry.lock": "[[package]]",
        "empty/.keep": "",
    }
    for name, text in theirs.items():
        path = crashed.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    recover_one(crashed)
    before = sorted(crashed.root.rglob("*"))
    assert recover_captures(crashed.store, crashed.root).captures == ()
    assert recover_captures(crashed.store, crashed.root.parent).captures == ()
    assert sorted(crashed.root.rglob("*")) == before
    assert {n: (crashed.root / n).read_text() for n in theirs} == theirs


def test_a_foreign_file_in_a_journal_stays(crashed):
    """Somebody put it there: it is not ours to delete."""
    note = crashed.journal_root / CAPTURE / "note.txt"
    note.write_text("look at this")
    assert recover_one(crashed).outcome is Outcome.RECOVERED
    assert [one.name for one in note.parent.iterdir()] == ["note.txt"]
    assert recover_one(crashed).outcome is Outcome.FINISHED
    assert_recovered(crashed)


def test_temporaries_of_another_capture_stay(crashed):
    """Its id begins with this one's, and it may be writing."""
    (partition,) = (crashed.root / "requests").glob("*/*")
    own = partition / f".{CAPTURE}-00001.parquet.tmp"
    other = partition / f".{CAPTURE}-2-00000.parquet.tmp"
    own.touch()
    other.touch()
    assert recover_one(crashed).outcome is Outcome.RECOVERED
    assert [path for path in (own, other) if path.exists()] == [other]


def test_a_journal_without_its_lock_is_recovered(crashed):
    """Somebody tidied up: the header says whose it is."""
    (crashed.journal_root / f"{CAPTURE}.lock").unlink()
    assert recover_one(crashed).outcome is Outcome.RECOVERED
    assert_recovered(crashed)


def test_a_lock_held_for_a_moment_is_waited_for(tmp_path):
    """A recovery that looks at a starting capture's lock does not refuse it."""
    looking = JournalDirectory(tmp_path, CAPTURE)
    assert looking.acquire()
    timer = threading.Timer(0.1, looking.release)
    timer.start()
    starting = JournalDirectory(tmp_path, CAPTURE)
    journal = Journal(starting, JournalSettings(), Clock.start())
    timer.join()
    journal.discard()
