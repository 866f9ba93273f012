r"""A segment of the journal: raw lines, and the index that vouches for them.

Two files::

    00000.ndjson   the lines as received, each ended by ``\n``
    00000.index    fixed-size entries, one for each batch of lines

An entry holds the offset, length, line count, time of arrival and CRC-32 of its
batch, and a CRC-32 of itself. A last entry marks the segment as sealed; without it
the segment was still open when the writer ended.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from isal.isal_zlib import crc32

from instant_logs_plugin.capture.framing import Arrival
from instant_logs_plugin.errors import JournalDamaged

__all__ = [
    "BATCH",
    "ENTRY_BYTES",
    "SEAL",
    "Block",
    "IndexEntry",
    "SealedSegment",
    "batch_problem",
    "index_path",
    "parse_entry",
]

_ENTRY = struct.Struct("<4sQQIqI")
_CHECKSUM = struct.Struct("<I")
ENTRY_BYTES = _ENTRY.size + _CHECKSUM.size
BATCH, SEAL = b"ILJ1", b"ILJE"


class IndexEntry(NamedTuple):
    """One batch of lines in a segment, or the mark that seals it.

    Attributes:
        kind: ``ILJ1`` for a batch, ``ILJE`` for the seal.
        offset: Where the batch starts in the lines file, in bytes; of the seal, where
            the lines end.
        length: Its bytes, newlines included; of the seal, 0.
        line_count: Its lines; of the seal, the segment's.
        received_at_us: When it arrived, microseconds since the epoch, UTC.
        checksum: CRC-32 of its bytes; of the seal, the count of batches.
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
        return packed + _CHECKSUM.pack(crc32(packed))


def parse_entry(packed: bytes) -> IndexEntry | None:
    """Return the entry, or None when it is not as it was written."""
    body = packed[: _ENTRY.size]
    if packed[_ENTRY.size :] != _CHECKSUM.pack(crc32(body)):
        return None
    entry = IndexEntry(*_ENTRY.unpack(body))
    return entry if entry.kind in {BATCH, SEAL} else None


def index_path(lines_path: Path) -> Path:
    """Return the index of a file of lines."""
    return lines_path.with_suffix(".index")


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
    def byte_count(self) -> int:
        """Bytes of the lines, without their newlines."""
        return sum(entry.length for entry in self.entries) - self.line_count

    @property
    def received_until_us(self) -> int:
        """When its last batch arrived, microseconds since the epoch, UTC."""
        return max((entry.received_at_us for entry in self.entries), default=0)

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
        index_path(self.lines_path).unlink(missing_ok=True)


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
        problem = batch_problem(view[start : start + entry.length], entry)
        if problem:
            raise JournalDamaged(str(path), entry.offset, problem)


def batch_problem(batch: bytes | memoryview, entry: IndexEntry) -> str | None:
    """Return what is wrong with a batch, or None when it is as it was written."""
    if len(batch) < entry.length:
        return f"{entry.length - len(batch)} bytes are not there"
    if crc32(batch) != entry.checksum:
        return "the checksum does not match"
    return None
