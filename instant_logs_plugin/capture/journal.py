"""The journal: raw lines on disk before anyone interprets them.

Lines are written first, then the index entry of their batch, so the index never names
a byte that the kernel does not hold. The lines stay a plain file that the bulk reader
takes as it is. ``segment`` and ``journal_directory`` say what is where.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from isal.isal_zlib import crc32

from instant_logs_plugin.capture.clock import Clock
from instant_logs_plugin.capture.framing import Framed
from instant_logs_plugin.capture.header import CaptureHeader, CommitMark
from instant_logs_plugin.capture.journal_directory import JournalDirectory
from instant_logs_plugin.capture.ledger import Committed
from instant_logs_plugin.capture.segment import (
    BATCH,
    ENTRY_BYTES,
    SEAL,
    IndexEntry,
    SealedSegment,
    index_path,
)
from instant_logs_plugin.errors import InvalidOption, StoreUnwritable
from instant_logs_plugin.files import (
    create_file,
    fsync_path,
    sync_file,
    write_all,
    write_errors,
)

__all__ = ["Journal", "JournalSettings"]

_BEAT_S = 1.0
_LOCK_S = 1.0
_FIRST_SEGMENT_BYTES = 8 * 2**20
_DOUBLINGS = 30


@dataclass(frozen=True, kw_only=True)
class JournalSettings:
    """When segments are sealed and synced.

    Attributes:
        segment_bytes: Size of raw lines at which a segment is sealed; the first ones
            are smaller, so that there is soon something to commit.
        segment_age_s: Age at which a segment that holds lines is sealed.
        fsync_interval_s: The most that a power loss can take; 0 syncs every batch.
        min_free_bytes: Room to be kept free for journal and store: with less, a
            capture does not start, or ends; None for 64 MiB or 5 % of the disk,
            whichever is less.
    """

    segment_bytes: int = 64 * 2**20
    segment_age_s: float = 300.0
    fsync_interval_s: float = 1.0
    min_free_bytes: int | None = None

    def __post_init__(self) -> None:
        """Check every setting.

        Raises:
            InvalidOption: A setting is outside its range.
        """
        if self.segment_bytes < 1:
            raise InvalidOption("segment_size", self.segment_bytes, "at least 1")
        for option in ("segment_age", "fsync_interval"):
            if not (value := getattr(self, f"{option}_s")) >= 0:
                raise InvalidOption(option, value, "at least 0 s")
        if self.min_free_bytes is not None and self.min_free_bytes < 0:
            raise InvalidOption("min_free", self.min_free_bytes, "at least 0 bytes")

    def limit_of(self, sequence: int) -> int:
        """Return the size of raw lines at which this segment is sealed."""
        return min(
            self.segment_bytes, _FIRST_SEGMENT_BYTES << min(sequence, _DOUBLINGS)
        )


class Journal:
    """The journal of one running capture; used by one thread at a time.

    Holds the directory's lock until it is closed or discarded.

    Args:
        directory: The capture's own; made here.
        settings: When to seal and sync.
        clock: Monotonic, for ages and intervals; wall, to say when all was well.

    Raises:
        InvalidOption: A capture of this id is already there.
        StoreUnwritable: From every method, when the file system refuses.
    """

    def __init__(
        self, directory: JournalDirectory, settings: JournalSettings, clock: Clock
    ) -> None:
        self.directory = directory
        self._settings = settings
        self._clock = clock
        self._sequences = itertools.count()
        self._open: _OpenSegment | None = None
        self._failure: StoreUnwritable | None = None
        self._beat_at = clock.now()
        self.line_count = self.byte_count = 0
        # A recovery that looks around may hold the lock for a moment.
        if not directory.acquire(timeout_s=_LOCK_S) or directory.path.exists():
            directory.release()
            allowed = "one that no capture has yet"
            raise InvalidOption("capture id", directory.capture_id, allowed)
        try:
            directory.create()
        except StoreUnwritable:
            self.discard()
            raise

    def write_header(self, header: CaptureHeader) -> None:
        """Write what a recovery needs to know; durable before any line is."""
        self.directory.write_header(header)

    def append(
        self, parts: Sequence[Framed], received_at_us: int
    ) -> SealedSegment | None:
        """Write a batch of lines; returns the segment that it filled, if it did.

        After a failure none of them counts as written.
        """
        now = self._clock.now()
        with self._failing():
            if self._open is None:
                self._open = _OpenSegment(self.directory, next(self._sequences), now)
            self._open.append(parts, received_at_us)
            self.line_count += sum(part.line_count for part in parts)
            self.byte_count += sum(part.byte_count for part in parts)
            if now - self._open.synced_at >= self._settings.fsync_interval_s:
                self._open.sync(now)
        is_full = self._open.size_bytes >= self._settings.limit_of(self._open.sequence)
        return self.seal() if is_full else None

    def tick(self) -> SealedSegment | None:
        """Sync or seal what is due by age; to be called about once a second."""
        now = self._clock.now()
        if now - self._beat_at >= _BEAT_S:
            self._beat_at = now
            self.directory.beat(self._clock.now_us())
        if self._open is None:
            return None
        if now - self._open.opened_at >= self._settings.segment_age_s:
            return self.seal()
        if now - self._open.synced_at >= self._settings.fsync_interval_s:
            with self._failing():
                self._open.sync(now)
        return None

    def seal(self) -> SealedSegment | None:
        """Close the open segment for good; None when there is none."""
        if self._open is None:
            return None
        with self._failing():
            sealed = self._open.seal(self._clock.now())
        self._open = None
        return sealed

    def mark_committed(self, sealed: SealedSegment, done: Committed) -> None:
        """Note that a segment is in the store; its lines are not needed any more."""
        self.directory.write_mark(
            CommitMark(
                sequence=sealed.sequence,
                lines=sealed.line_count,
                bytes=sealed.byte_count,
                received_until_us=sealed.received_until_us,
                committed=done,
            )
        )

    def close(self) -> None:
        """Leave the journal as it stands to a recovery."""
        if self._open is not None:
            self._open.close()
            self._open = None
        self.directory.release()

    def discard(self) -> None:
        """Remove the journal: nothing in it is needed any more."""
        if self._open is not None:
            self._open.close()
            self._open = None
        self.directory.remove()
        self.directory.release()

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        """Give up for good what failed in a way that a second try would hide."""
        if self._failure is not None:
            raise self._failure
        try:
            with write_errors(self.directory.path):
                yield
        except StoreUnwritable as exc:
            if self._open is None or not self._open.is_whole:
                self._failure = exc
            raise


class _OpenSegment:
    """The two files of the segment that is being written.

    Attributes:
        is_whole: Whether the files hold what was appended, and no more. Lines that
            could not be written are taken back; nothing mends a failed fsync or seal.
    """

    def __init__(self, directory: JournalDirectory, sequence: int, now: float) -> None:
        self.opened_at = self.synced_at = now
        self.size_bytes = 0
        self.is_whole = False
        self.sequence = sequence
        self._lines_path = directory.lines_path(sequence)
        self._entries: list[IndexEntry] = []
        self._files = contextlib.ExitStack()
        with contextlib.ExitStack() as opened:
            self._lines = create_file(self._lines_path, step="journal.lines")
            opened.callback(os.close, self._lines)
            path = index_path(self._lines_path)
            self._index = create_file(path, step="journal.index")
            opened.callback(os.close, self._index)
            fsync_path(directory.path, step="journal.segment.directory")
            self._files = opened.pop_all()
        self.is_whole = True

    def append(self, parts: Sequence[Framed], received_at_us: int) -> None:
        lines = [part.data for part in parts]
        entry = IndexEntry(
            BATCH,
            self.size_bytes,
            sum(map(len, lines)),
            sum(part.line_count for part in parts),
            received_at_us,
            _checksum(lines),
        )
        try:
            write_all(self._lines, *lines, step="journal.lines")
            write_all(self._index, entry.pack(), step="journal.index")
        except OSError:
            self._take_back()
            raise
        self._entries.append(entry)
        self.size_bytes += entry.length

    def sync(self, now: float) -> None:
        self.is_whole = False
        sync_file(self._lines, step="journal.lines")
        sync_file(self._index, step="journal.index")
        self.is_whole = True
        self.synced_at = now

    def seal(self, now: float) -> SealedSegment:
        lines = sum(entry.line_count for entry in self._entries)
        seal = IndexEntry(SEAL, self.size_bytes, 0, lines, 0, len(self._entries))
        self.is_whole = False
        write_all(self._index, seal.pack(), step="journal.seal")
        self.sync(now)
        self.close()
        return SealedSegment(
            sequence=self.sequence,
            lines_path=self._lines_path,
            entries=tuple(self._entries),
        )

    def close(self) -> None:
        self._files.close()

    def _take_back(self) -> None:
        self.is_whole = False
        os.ftruncate(self._index, len(self._entries) * ENTRY_BYTES)
        os.ftruncate(self._lines, self.size_bytes)
        self.is_whole = True


def _checksum(parts: Iterable[bytes]) -> int:
    checksum = 0
    for part in parts:
        checksum = crc32(part, checksum)
    return checksum
