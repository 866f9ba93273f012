r"""What of a segment can be used after a crash: its longest valid prefix.

The index vouches for its batches one by one, up to the first that is not as it was
written. Lines that the kernel took before the index could vouch for them stand behind
the last entry: whole ones are used (a line that is no record becomes a reject). What
else follows is set aside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from isal.isal_zlib import crc32

from instant_logs_plugin.capture.segment import (
    BATCH,
    ENTRY_BYTES,
    SEAL,
    IndexEntry,
    SealedSegment,
    batch_problem,
    index_path,
    parse_entry,
)
from instant_logs_plugin.errors import StoreUnreadable

__all__ = ["Salvaged", "salvage_segment"]

_CHUNK_BYTES = 2**20


@dataclass(frozen=True, kw_only=True)
class Salvaged:
    """A segment as a crash left it.

    Attributes:
        segment: What can be used; can be empty.
        was_sealed: Whether it ends with the mark of a whole segment.
        used_bytes: How much of the lines file that is.
        total_bytes: How much there is.
        problem: What ended it, in words; None when all of it can be used.
    """

    segment: SealedSegment
    was_sealed: bool
    used_bytes: int
    total_bytes: int
    problem: str | None


def salvage_segment(lines_path: Path, sequence: int) -> Salvaged:
    """Read a segment as far as it is valid; a missing file is an empty one.

    Raises:
        StoreUnreadable: The file system refused.
    """
    try:
        index = _read(index_path(lines_path))
        return _salvage(lines_path, sequence, index)
    except OSError as exc:
        raise StoreUnreadable(str(lines_path), exc.strerror or str(exc)) from exc


def _salvage(lines_path: Path, sequence: int, index: bytes) -> Salvaged:
    if not lines_path.exists():
        missing = "its lines are missing" if index else None
        return Salvaged(
            segment=_segment(lines_path, sequence, []),
            was_sealed=False,
            used_bytes=0,
            total_bytes=0,
            problem=missing,
        )
    reading = _Reading()
    with lines_path.open("rb") as lines:
        reading.follow(index, lines)
        if reading.problem is None and not reading.is_sealed:
            reading.take_tail(lines, _mtime_us(lines_path))
        total = lines.seek(0, 2)
    problem = reading.problem
    if problem is None and reading.used < total:
        problem = "bytes behind its end" if reading.is_sealed else "an unfinished line"
    return Salvaged(
        segment=_segment(lines_path, sequence, reading.entries),
        was_sealed=reading.is_sealed,
        used_bytes=reading.used,
        total_bytes=total,
        problem=problem,
    )


class _Reading:
    """A walk along the index with the lines beside it."""

    def __init__(self) -> None:
        self.entries: list[IndexEntry] = []
        self.used = 0
        self.is_sealed = False
        self.problem: str | None = None

    def follow(self, index: bytes, lines: BinaryIO) -> None:
        """Take every batch that is as it was written, up to the first that is not."""
        for number, packed in enumerate(_iter_entries(index)):
            entry = parse_entry(packed)
            if entry is None:
                self.problem = f"index entry {number} is damaged"
            elif self.is_sealed:
                self.problem = f"index entry {number} stands behind the seal"
            elif entry.kind == SEAL:
                self._take_seal(entry)
            else:
                self._take_batch(entry, number, lines)
            if self.problem:
                return

    def _take_batch(self, entry: IndexEntry, number: int, lines: BinaryIO) -> None:
        if entry.offset != self.used:
            self.problem = f"index entry {number} starts at byte {entry.offset}"
            return
        problem = batch_problem(lines.read(entry.length), entry)
        if problem:
            self.problem = f"batch {number} at byte {entry.offset}: {problem}"
            return
        self.entries.append(entry)
        self.used += entry.length

    def _take_seal(self, seal: IndexEntry) -> None:
        count = sum(entry.line_count for entry in self.entries)
        told = (seal.offset, seal.line_count, seal.checksum)
        if told != (self.used, count, len(self.entries)):
            self.problem = "the seal does not match what it seals"
        else:
            self.is_sealed = True

    def take_tail(self, lines: BinaryIO, received_at_us: int) -> None:
        """Take the whole lines that the index had no time to vouch for."""
        lines.seek(self.used)
        length = checksum = line_count = 0
        pending = b""
        while chunk := lines.read(_CHUNK_BYTES):
            whole, newline, pending = (pending + chunk).rpartition(b"\n")
            checksum = crc32(whole + newline, checksum)
            length += len(whole + newline)
            line_count += whole.count(b"\n") + len(newline)
        if length:
            entry = IndexEntry(
                BATCH, self.used, length, line_count, received_at_us, checksum
            )
            self.entries.append(entry)
            self.used += length


def _iter_entries(index: bytes) -> Iterator[bytes]:
    """Yield whole entries; a torn one at the end is a write that did not finish."""
    for start in range(0, len(index) - ENTRY_BYTES + 1, ENTRY_BYTES):
        yield index[start : start + ENTRY_BYTES]


def _segment(
    lines_path: Path, sequence: int, entries: list[IndexEntry]
) -> SealedSegment:
    return SealedSegment(
        sequence=sequence, lines_path=lines_path, entries=tuple(entries)
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _mtime_us(path: Path) -> int:
    return path.stat().st_mtime_ns // 1_000
