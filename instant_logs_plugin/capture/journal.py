r"""The journal: raw lines on disk before anyone interprets them.

A capture's journal is a directory; a segment in it is two files::

    00000.ndjson   the lines as received, each ended by ``\n``
    00000.index    fixed-size entries that vouch for them

Lines are written first, then the index entry of their batch (offset, length,
line count, time of arrival, CRC-32, and a CRC-32 of the entry itself), so the
index never names a byte that the kernel does not hold. A last entry marks the
segment as sealed; without it the segment was still open when the writer ended.
The lines stay a plain file that the bulk reader takes as it is.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from instant_logs_plugin.capture.framing import Arrival, Framed
from instant_logs_plugin.errors import InvalidOption, JournalDamaged
from instant_logs_plugin.files import fsync_path, make_directory, write_errors

__all__ = ["Block", "IndexEntry", "Journal", "JournalSettings", "SealedSegment"]

_ENTRY = struct.Struct("<4sQQIqI")
_CHECKSUM = struct.Struct("<I")
_ENTRY_BYTES = _ENTRY.size + _CHECKSUM.size
_BATCH, _SEAL = b"ILJ1", b"ILJE"


@dataclass(frozen=True, kw_only=True)
class JournalSettings:
    """When segments are sealed and synced.

    Attributes:
        segment_bytes: Size of raw lines at which a segment is sealed.
        segment_age_s: Age at which a segment that holds lines is sealed.
        fsync_interval_s: The most that a power loss can take; 0 syncs every batch.
    """

    segment_bytes: int = 64 * 2**20
    segment_age_s: float = 300.0
    fsync_interval_s: float = 1.0

    def __post_init__(self) -> None:
        """Check every setting.

        Raises:
            InvalidOption: A setting is outside its range.
        """
        if self.segment_bytes < 1:
            raise InvalidOption("segment_bytes", self.segment_bytes, "at least 1")
        for option in ("segment_age_s", "fsync_interval_s"):
            if not getattr(self, option) >= 0:
                raise InvalidOption(option, getattr(self, option), "at least 0 s")


class IndexEntry(NamedTuple):
    """One batch of lines in a segment.

    Attributes:
        kind: ``ILJ1`` for a batch, ``ILJE`` for the mark that seals a segment.
        offset: Where it starts in the lines file, in bytes.
        length: Its bytes, newlines included.
        line_count: Its lines.
        received_at_us: When it arrived, microseconds since the epoch, UTC.
        checksum: CRC-32 of its bytes.
    """

    kind: bytes
    offset: int
    length: int
    line_count: int
    received_at_us: int
    checksum: int

    def pack(self) -> bytes:
        """Return the entry as it stands in the index."""
        packed = _ENTRY.pack(*self)
        return packed + _CHECKSUM.pack(zlib.crc32(packed))


@dataclass(frozen=True)
class Block:
    """Whole lines of a segment with their times of arrival."""

    data: bytes
    arrivals: tuple[Arrival, ...]


@dataclass(frozen=True, kw_only=True)
class SealedSegment:
    """A segment that takes no more lines.

    Attributes:
        sequence: Its number in the capture, from 0.
        lines_path: The file of raw lines.
        entries: The index of its batches, in order.
    """

    sequence: int
    lines_path: Path
    entries: tuple[IndexEntry, ...]

    @property
    def line_count(self) -> int:
        """Lines in the segment."""
        return sum(entry.line_count for entry in self.entries)

    @property
    def rejects_path(self) -> Path:
        """Where its rejects wait for the capture's end."""
        return self.lines_path.with_suffix(".rejects")

    def iter_blocks(self, block_bytes: int) -> Iterator[Block]:
        """Yield the lines in blocks of about ``block_bytes``, checked.

        A batch is never cut, so a block can exceed the size by one batch.

        Raises:
            JournalDamaged: A batch is cut short or fails its checksum.
        """
        with self.lines_path.open("rb") as lines:
            for entries in _groups(self.entries, block_bytes):
                data = lines.read(sum(entry.length for entry in entries))
                _check(data, entries, path=self.lines_path)
                arrivals = [Arrival(e.line_count, e.received_at_us) for e in entries]
                yield Block(data, tuple(arrivals))

    def release(self) -> None:
        """Delete the segment; only once its lines are committed to the store."""
        self.lines_path.unlink(missing_ok=True)
        _index_path(self.lines_path).unlink(missing_ok=True)


class Journal:
    """The journal of one running capture; used by one thread at a time.

    Args:
        directory: The capture's own directory; created if missing.
        settings: When to seal and sync.
        clock: Monotonic seconds, for ages and intervals.

    Raises:
        StoreUnwritable: From every method, when the file system refuses.
    """

    def __init__(
        self,
        directory: Path,
        settings: JournalSettings,
        clock: Callable[[], float],
    ) -> None:
        self.directory = directory
        self._settings = settings
        self._clock = clock
        self._sequences = itertools.count()
        self._open: _OpenSegment | None = None
        with write_errors(directory):
            make_directory(directory)

    def append(self, framed: Framed, received_at_us: int) -> SealedSegment | None:
        """Write lines to disk; returns the segment that they filled, if they did."""
        now = self._clock()
        with write_errors(self.directory):
            if self._open is None:
                path = self.directory / f"{next(self._sequences):05d}.ndjson"
                self._open = _OpenSegment(path, now)
            self._open.append(framed, received_at_us)
            if now - self._open.synced_at >= self._settings.fsync_interval_s:
                self._open.sync(now)
        full = self._open.size_bytes >= self._settings.segment_bytes
        return self.seal() if full else None

    def tick(self) -> SealedSegment | None:
        """Sync or seal what is due by age; to be called about once a second."""
        now = self._clock()
        if self._open is None:
            return None
        if now - self._open.opened_at >= self._settings.segment_age_s:
            return self.seal()
        if now - self._open.synced_at >= self._settings.fsync_interval_s:
            with write_errors(self.directory):
                self._open.sync(now)
        return None

    def seal(self) -> SealedSegment | None:
        """Close the open segment for good; None when there is none."""
        segment, self._open = self._open, None
        if segment is None:
            return None
        with write_errors(self.directory):
            return segment.seal(self._clock())


class _OpenSegment:
    """The two files of the segment that is being written."""

    def __init__(self, lines_path: Path, now: float) -> None:
        self.opened_at = self.synced_at = now
        self.size_bytes = 0
        self._lines_path = lines_path
        self._entries: list[IndexEntry] = []
        self._lines = _create(lines_path)
        self._index = _create(_index_path(lines_path))
        fsync_path(lines_path.parent)

    def append(self, framed: Framed, received_at_us: int) -> None:
        entry = IndexEntry(
            _BATCH,
            self.size_bytes,
            len(framed.data),
            framed.line_count,
            received_at_us,
            zlib.crc32(framed.data),
        )
        _write_all(self._lines, framed.data)
        _write_all(self._index, entry.pack())
        self._entries.append(entry)
        self.size_bytes += len(framed.data)

    def sync(self, now: float) -> None:
        os.fsync(self._lines)
        os.fsync(self._index)
        self.synced_at = now

    def seal(self, now: float) -> SealedSegment:
        lines = sum(entry.line_count for entry in self._entries)
        seal = IndexEntry(_SEAL, self.size_bytes, 0, lines, 0, len(self._entries))
        with contextlib.ExitStack() as files:
            files.callback(os.close, self._lines)
            files.callback(os.close, self._index)
            _write_all(self._index, seal.pack())
            self.sync(now)
        return SealedSegment(
            sequence=int(self._lines_path.stem),
            lines_path=self._lines_path,
            entries=tuple(self._entries),
        )


def _index_path(lines_path: Path) -> Path:
    return lines_path.with_suffix(".index")


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _groups(
    entries: tuple[IndexEntry, ...], block_bytes: int
) -> Iterator[list[IndexEntry]]:
    group: list[IndexEntry] = []
    for entry in entries:
        group.append(entry)
        if entry.offset + entry.length - group[0].offset >= block_bytes:
            yield group
            group = []
    if group:
        yield group


def _check(data: bytes, entries: list[IndexEntry], *, path: Path) -> None:
    view, first = memoryview(data), entries[0].offset
    for entry in entries:
        start = entry.offset - first
        batch = view[start : start + entry.length]
        if len(batch) < entry.length:
            problem = f"{entry.length} bytes are not there"
            raise JournalDamaged(str(path), entry.offset, problem)
        if zlib.crc32(batch) != entry.checksum:
            problem = "the checksum does not match"
            raise JournalDamaged(str(path), entry.offset, problem)
