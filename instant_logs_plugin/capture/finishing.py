"""Finishing one capture from its journal, as far as a crash left it whole."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from instant_logs_plugin.capture.commit import Committer
from instant_logs_plugin.capture.crash import recovered_manifest
from instant_logs_plugin.capture.header import CaptureHeader, CommitMark
from instant_logs_plugin.capture.journal_directory import JournalDirectory
from instant_logs_plugin.capture.ledger import Committed
from instant_logs_plugin.capture.salvage import Salvaged, salvage_segment
from instant_logs_plugin.capture.segment import SealedSegment
from instant_logs_plugin.files import (
    make_directory,
    publish_file,
    replacing,
    sync_file,
    temporary_path,
    write_all,
    write_errors,
)
from instant_logs_plugin.store.filesystem import Store
from instant_logs_plugin.store.layout import manifest_path, rejects_path, segment_path
from instant_logs_plugin.store.manifest import Manifest, format_manifest
from instant_logs_plugin.store.parquet import read_segment

__all__ = ["FinishStopped", "Finished", "finish_capture", "remove_temporaries"]

_CHUNK_BYTES = 2**20


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A journal that is done with.

    Attributes:
        manifest: The capture's final manifest, or None when nothing was recorded.
        problems: What could not be used, in words.
        set_aside: Files that hold it.
    """

    manifest: Manifest | None
    problems: tuple[str, ...]
    set_aside: tuple[str, ...]


class FinishStopped(Exception):
    """The rest is left for another time; nothing is lost by that."""


def finish_capture(
    store: Store,
    directory: JournalDirectory,
    header: CaptureHeader,
    *,
    is_stopped: Callable[[], bool],
) -> Finished:
    """Commit what a journal holds, publish the final manifest, remove the journal.

    Args:
        store: Where the capture goes.
        directory: Its journal; the caller holds the lock.
        header: What is known of the capture.
        is_stopped: Asked before each segment.

    Raises:
        FinishStopped: ``is_stopped`` said so.
        StoreError: The journal or the store failed; it can be tried again.
    """
    return _Finishing(store, directory, header, is_stopped).run()


class _Finishing:
    def __init__(
        self,
        store: Store,
        directory: JournalDirectory,
        header: CaptureHeader,
        is_stopped: Callable[[], bool],
    ) -> None:
        self._store = store
        self._directory = directory
        self._header = header
        self._is_stopped = is_stopped
        self._problems: list[str] = []
        self._set_aside: list[str] = []
        manifest = header.manifest
        self._committer = Committer(
            store,
            directory.path,
            zone_id=manifest.zone_id,
            capture_id=manifest.capture_id,
            started_at=manifest.started_at,
            fields=manifest.request.fields,
            sessions=lambda: manifest.sessions,
        )

    def run(self) -> Finished:
        try:
            marks = self._marks()
            manifest = recovered_manifest(
                self._header, marks, last_beat_us=self._directory.last_beat_us()
            )
            is_empty = not marks and not manifest.sessions
            if not is_empty:
                self._publish(manifest)
        finally:
            self._committer.close()
        remove_temporaries(self._store, manifest)
        self._directory.remove()
        return Finished(
            manifest=None if is_empty else manifest,
            problems=tuple(self._problems),
            set_aside=tuple(self._set_aside),
        )

    def _publish(self, manifest: Manifest) -> None:
        self._committer.publish_rejects()
        self._publish_manifest(manifest)

    def _marks(self) -> list[CommitMark]:
        """Return a mark of every segment, committing those that have none."""
        names = self._directory.segment_names()
        self._find_missing([int(name) for name in names])
        marks = []
        for name in names:
            if self._is_stopped():
                raise FinishStopped
            mark = self._usable_mark(int(name)) or self._commit(
                int(name), is_last=name == names[-1]
            )
            if mark.lines:
                marks.append(mark)
        return marks

    def _find_missing(self, sequences: Sequence[int]) -> None:
        absent = set(range(max(sequences, default=-1) + 1)) - set(sequences)
        self._problems += [f"segment {one:05d} is missing" for one in sorted(absent)]

    def _usable_mark(self, sequence: int) -> CommitMark | None:
        """Return the mark of a segment, if what it names is there or cannot be had."""
        mark = self._directory.read_mark(sequence)
        if mark is None or mark.committed.segment is None:
            return mark
        segment = mark.committed.segment
        if self._store.size(segment.path) == segment.bytes:
            return mark
        if self._directory.lines_path(sequence).exists():
            return None
        self._problems.append(f"{segment.path} is not as it was committed")
        return mark

    def _commit(self, sequence: int, *, is_last: bool) -> CommitMark:
        lines_path = self._directory.lines_path(sequence)
        salvaged = salvage_segment(lines_path, sequence)
        if salvaged.problem or not lines_path.exists():
            # Only whole segments are published: the file may hold what is lost here.
            mark = self._mark_of_store(sequence)
            if mark is not None and mark.lines > salvaged.segment.line_count:
                return mark
        self._note(salvaged, is_last=is_last)
        segment = salvaged.segment
        done = Committed(segment=None, written=0, rejected=0)
        if segment.line_count:
            self._announce()
            done = self._committer.commit(segment)
        mark = _mark(segment, done)
        self._directory.write_mark(mark)
        # A disk that was full has room for one segment's Parquet file, not for all.
        segment.release()
        return mark

    def _announce(self) -> None:
        """Have a manifest name the capture before its first file stands there.

        Else pruning and verifying beside this would take the file for a stray.
        """
        manifest = self._header.manifest
        if self._store.size(manifest_path(manifest.capture_id)) is None:
            self._publish_manifest(manifest)

    def _publish_manifest(self, manifest: Manifest) -> None:
        path = manifest_path(manifest.capture_id)
        self._store.write_bytes(path, format_manifest(manifest).encode())

    def _mark_of_store(self, sequence: int) -> CommitMark | None:
        """Return the mark of a segment whose mark is damaged, from the file itself."""
        manifest = self._header.manifest
        path = segment_path(
            zone_id=manifest.zone_id,
            capture_id=manifest.capture_id,
            started_at=manifest.started_at,
            sequence=sequence,
        )
        if self._store.size(path) is None:
            return None
        segment = read_segment(self._store, path)
        rejected = _count_lines(self._directory.lines_path(sequence))
        return CommitMark(
            sequence=sequence,
            lines=segment.rows + rejected,
            bytes=0,
            received_until_us=0,
            committed=Committed(
                segment=segment, written=segment.rows, rejected=rejected
            ),
        )

    def _note(self, salvaged: Salvaged, *, is_last: bool) -> None:
        """Note what is wrong with a segment, and set aside what cannot be used."""
        problem = salvaged.problem
        if problem is None and not salvaged.was_sealed and not is_last:
            problem = "its end mark is missing"
        if problem is None:
            return
        sequence = salvaged.segment.sequence
        self._problems.append(f"segment {sequence:05d}: {problem}")
        if salvaged.used_bytes < salvaged.total_bytes:
            target = self._directory.damaged_path / f"{sequence:05d}.ndjson"
            _copy_tail(salvaged.segment.lines_path, target, salvaged.used_bytes)
            note = {"problem": problem, "from_byte": salvaged.used_bytes}
            _write_note(target.with_suffix(".json"), note)
            self._set_aside.append(str(target))


def _mark(segment: SealedSegment, done: Committed) -> CommitMark:
    return CommitMark(
        sequence=segment.sequence,
        lines=segment.line_count,
        bytes=segment.byte_count,
        received_until_us=segment.received_until_us,
        committed=done,
    )


def _count_lines(lines_path: Path) -> int:
    try:
        return lines_path.with_suffix(".rejects").read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


def _copy_tail(source: Path, target: Path, from_byte: int) -> None:
    with write_errors(target):
        make_directory(target.parent)
        with (
            replacing(target, step="recovery.set_aside") as temporary,
            source.open("rb") as tail,
            temporary.open("r+b", buffering=0) as copy,
        ):
            tail.seek(from_byte)
            while chunk := tail.read(_CHUNK_BYTES):
                write_all(copy.fileno(), chunk, step="recovery.set_aside")
            sync_file(copy.fileno(), step="recovery.set_aside")


def _write_note(path: Path, note: dict[str, object]) -> None:
    with write_errors(path):
        publish_file(path, json.dumps(note).encode() + b"\n", step="recovery.note")


def remove_temporaries(store: Store, manifest: Manifest) -> None:
    """Remove what a killed writer of this capture left half-written."""
    first = segment_path(
        zone_id=manifest.zone_id,
        capture_id=manifest.capture_id,
        started_at=manifest.started_at,
        sequence=0,
    )
    paths = (manifest_path(manifest.capture_id), rejects_path(manifest.capture_id))
    for name in paths:
        temporary_path(store.root / name).unlink(missing_ok=True)
    # Not of a capture whose id begins with this one's: that may be writing.
    stale = re.compile(rf"\.{manifest.capture_id}-[0-9]{{5,}}\.parquet\.tmp")
    for path in (store.root / first).parent.glob(".*.tmp"):
        if stale.fullmatch(path.name):
            path.unlink(missing_ok=True)
