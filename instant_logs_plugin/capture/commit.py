"""Sealed journal segments become committed ones: decode, publish, verify, release.

Runs in a worker thread, and decodes in another: while a segment is written, synced and
verified, the next one is being decoded. Everything heavy in them releases the GIL.
Committing a segment twice gives the same file under the same name.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from instant_logs_plugin.capture.ahead import WorkAhead
from instant_logs_plugin.capture.decode import Decoder, capture_schema
from instant_logs_plugin.capture.lateness import count_late
from instant_logs_plugin.capture.ledger import Committed
from instant_logs_plugin.capture.rejects import Reject, format_reject
from instant_logs_plugin.capture.segment import SealedSegment
from instant_logs_plugin.files import publish_file, write_errors
from instant_logs_plugin.store.filesystem import Store
from instant_logs_plugin.store.layout import rejects_path, segment_path
from instant_logs_plugin.store.manifest import Segment, SessionSpan
from instant_logs_plugin.store.parquet import write_segment

__all__ = ["Committer"]

_BLOCK_BYTES = 2 * 2**20
_BLOCKS_AHEAD = 8


class Committer:
    """Commits the segments of one capture, in order; used by one thread at a time.

    Args:
        store: Where to.
        directory: The capture's journal directory; rejects wait in it.
        zone_id: The zone's id.
        capture_id: The capture's id.
        started_at: The capture's start; names the date partition.
        fields: The requested fields, in order.
        sessions: Tells the capture's sessions so far, to count what is late.

    Raises:
        StoreUnwritable: From every method, when the file system refuses.
    """

    def __init__(
        self,
        store: Store,
        directory: Path,
        *,
        zone_id: str,
        capture_id: str,
        started_at: datetime,
        fields: tuple[str, ...],
        sessions: Callable[[], Sequence[SessionSpan]] = tuple,
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._directory = directory
        self._zone_id = zone_id
        self._capture_id = capture_id
        self._started_at = started_at
        self._schema = capture_schema(fields)
        self._fields = fields
        self._guard = threading.Lock()
        self._begun: dict[int, _Decoding] = {}
        self._ahead: WorkAhead[pa.Table] | None = None

    def begin(self, sealed: SealedSegment) -> None:
        """Begin to decode a segment that is to be committed behind those begun before.

        Any thread may call it, before the segment's commit.
        """
        with self._guard:
            self._begin(sealed)

    def commit(self, sealed: SealedSegment) -> Committed:
        """Decode, publish and verify one segment; the caller releases it.

        Raises:
            JournalDamaged: The raw lines are not what the index vouches for.
            VerificationFailed: What was read back is not what was written.
        """
        path = segment_path(
            zone_id=self._zone_id,
            capture_id=self._capture_id,
            started_at=self._started_at,
            sequence=sealed.sequence,
        )
        decoding = self._take(sealed)
        try:
            segment = write_segment(
                self._store, path, schema=self._schema, tables=decoding.tables
            )
        except BaseException:
            with self._guard:
                self._leave_off()
            raise
        _write_rejects(sealed.rejects_path, decoding.tally.rejects)
        return decoding.tally.committed(segment)

    def publish_rejects(self) -> None:
        """Publish the rejects of all segments; nothing when there are none."""
        parts = sorted(self._directory.glob("*.rejects"))
        if not parts:
            return
        with self._store.open_atomic(rejects_path(self._capture_id)) as sink:
            for part in parts:
                with part.open("rb") as source:
                    shutil.copyfileobj(source, sink)

    def close(self) -> None:
        """End the decoding thread, and give the decoder's memory back."""
        with self._guard:
            self._leave_off()
        if "_decoder" in vars(self):
            self._decoder.close()

    @cached_property
    def _decoder(self) -> Decoder:
        """Made when it is needed: that takes time which an event loop has not."""
        return Decoder(self._fields, capture_id=self._capture_id)

    def _begin(self, sealed: SealedSegment) -> None:
        if self._ahead is None:
            self._ahead = WorkAhead(_BLOCKS_AHEAD, "instant-logs-decode")
        tally = _Tally(self._sessions())
        tables = self._ahead.begin(self._iter_tables(sealed, tally))
        self._begun[sealed.sequence] = _Decoding(tables, tally)

    def _take(self, sealed: SealedSegment) -> _Decoding:
        with self._guard:
            if sealed.sequence not in self._begun:
                # It would come behind what is begun, and that waits to be used up.
                self._leave_off()
                self._begin(sealed)
            return self._begun.pop(sealed.sequence)

    def _leave_off(self) -> None:
        """Forget what is decoded of segments that are not committed."""
        ahead, self._ahead = self._ahead, None
        self._begun.clear()
        if ahead is not None:
            ahead.close()

    def _iter_tables(
        self, sealed: SealedSegment, tally: _Tally
    ) -> Generator[pa.Table, None, None]:
        blocks = sealed.iter_blocks(_BLOCK_BYTES)
        for decoded in self._decoder.decode(blocks):
            tally.add(decoded.table, decoded.rejects)
            yield decoded.table


def _write_rejects(path: Path, rejects: list[Reject]) -> None:
    """Keep a segment's rejects beside the journal until the capture ends."""
    if not rejects:
        return
    with write_errors(path):
        document = b"".join(map(format_reject, rejects))
        publish_file(path, document, step="journal.rejects")


class _Tally:
    """Counts of the segment that is being written."""

    def __init__(self, sessions: Sequence[SessionSpan]) -> None:
        self._sessions = sessions
        self._late = 0
        self.rejects: list[Reject] = []
        self._intervals: list[int] = []

    def add(self, table: pa.Table, rejects: list[Reject]) -> None:
        self.rejects += rejects
        self._late += count_late(table, self._sessions)
        intervals = table["sampleInterval"]
        ends = (pc.min(intervals).as_py(), pc.max(intervals).as_py())
        self._intervals += [end for end in ends if end is not None]

    def committed(self, segment: Segment) -> Committed:
        return Committed(
            segment=segment if segment.rows else None,
            written=segment.rows,
            rejected=len(self.rejects),
            late=self._late,
            interval_min=min(self._intervals, default=None),
            interval_max=max(self._intervals, default=None),
        )


@dataclass(frozen=True)
class _Decoding:
    """A segment that is being decoded.

    Attributes:
        tables: Its records.
        tally: Complete once the tables are used up.
    """

    tables: Iterator[pa.Table]
    tally: _Tally
