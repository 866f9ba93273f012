"""From lines in memory to committed segments: the part that blocks.

Every method is plain blocking code that a worker thread runs: one thread writes
the journal, another commits. What waits between them is in the two queues here,
so that a cancelled capture can finish the same work in its own thread.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import replace
from pathlib import Path

from instant_logs_plugin.capture.commit import Committer
from instant_logs_plugin.capture.events import EventLog
from instant_logs_plugin.capture.framing import Framed
from instant_logs_plugin.capture.header import CaptureHeader
from instant_logs_plugin.capture.journal import Journal
from instant_logs_plugin.capture.journal_directory import journal_home
from instant_logs_plugin.capture.ledger import Committed
from instant_logs_plugin.capture.orphan import Orphans, find_orphans
from instant_logs_plugin.capture.orphan_files import keep_orphans
from instant_logs_plugin.capture.room import Room
from instant_logs_plugin.capture.segment import SealedSegment
from instant_logs_plugin.errors import StoreError
from instant_logs_plugin.store.filesystem import Store
from instant_logs_plugin.store.layout import manifest_path
from instant_logs_plugin.store.manifest import Manifest, format_manifest

__all__ = ["Pipeline"]

_BATCH_SPAN_US = 100_000
_BATCH_BYTES = 4 * 2**20


class Pipeline:
    """One capture's way from memory to the store.

    Args:
        journal: Takes the raw lines first.
        committer: Turns sealed segments into committed ones.
        store: Takes the manifest.
        room: Looked at while lines are written.
        log: Told of each segment.

    Attributes:
        committed: What became of each committed segment, in order.

    Raises:
        StoreError: From every method that writes.
    """

    def __init__(
        self,
        journal: Journal,
        committer: Committer,
        store: Store,
        room: Room,
        *,
        log: EventLog,
    ) -> None:
        self._journal = journal
        self._committer = committer
        self._store = store
        self._room = room
        self._log = log
        self._has_told_of_rejects = False
        self._offered: deque[tuple[Framed, int]] = deque()
        self._sealed: deque[SealedSegment] = deque()
        self._unreleased: list[SealedSegment] = []
        self._offered_bytes = self._written_bytes = 0
        self._sealed_bytes = self.committed_bytes = 0
        self.committed_lines = 0
        self._header: CaptureHeader | None = None
        self._orphans: Orphans | None = None
        self.high_water_bytes = 0
        self.committed: list[Committed] = []

    @property
    def pending_bytes(self) -> int:
        """Bytes that wait in memory for the journal."""
        return self._offered_bytes - self._written_bytes

    @property
    def uncommitted_bytes(self) -> int:
        """Bytes that are still to be committed, in memory or in the journal."""
        return self._offered_bytes - self.committed_bytes

    @property
    def kept_lines(self) -> int:
        """Lines that the journal took, committed or not."""
        return self._journal.line_count

    @property
    def kept_bytes(self) -> int:
        """Bytes of these lines, without newlines."""
        return self._journal.byte_count

    @property
    def journal_path(self) -> Path:
        """Where the capture's journal is."""
        return self._journal.directory.path

    @property
    def sealed_count(self) -> int:
        """Sealed segments that are not committed yet, be it under way."""
        return len(self._sealed)

    @property
    def unsealed_bytes(self) -> int:
        """Bytes that are in no sealed segment yet, in memory or in the journal."""
        return self._offered_bytes - self._sealed_bytes

    def offer(self, framed: Framed, received_at_us: int) -> None:
        """Queue lines for the journal; never blocks."""
        if not framed.line_count:
            return
        self._offered.append((framed, received_at_us))
        self._offered_bytes += len(framed.data)
        self.high_water_bytes = max(self.high_water_bytes, self.pending_bytes)

    def describe(self, header: CaptureHeader) -> None:
        """Queue a new header: it stands in the journal before the next line does."""
        home = journal_home(self._store, self._journal.directory.root)
        self._header = replace(header, store=home)
        self._orphans = find_orphans(header)

    def write_header(self) -> None:
        """Write the newest header, if it is not yet written."""
        header = self._header
        if header is not None:
            self._journal.write_header(header)
            if self._header is header:
                self._header = None

    def write_pending(self) -> None:
        """Append everything offered to the journal; seal what is full or old."""
        self.write_header()
        while self._offered:
            parts, received_at_us = self._next_batch()
            self._queue(self._journal.append(parts, received_at_us))
            for part in parts:
                self._offered.popleft()
                self._written_bytes += len(part.data)
        self._queue(self._journal.tick())

    def write_due(self) -> None:
        """Do what a running capture has to do in time, while there is room for it.

        Raises:
            StoreFull: There is less than is to be kept free; all is written.
        """
        self.write_pending()
        self._room.check_sometimes()

    def seal(self) -> None:
        """Seal the open segment: no more lines come."""
        self._queue(self._journal.seal())

    def commit_next(self) -> None:
        """Commit the oldest sealed segment, if any.

        Its raw lines stay in the journal until a manifest names the segment.
        """
        if self._sealed:
            done = self._committer.commit(self._sealed[0])
            self._journal.mark_committed(self._sealed[0], done)
            segment = self._sealed.popleft()
            self.committed_bytes += segment.byte_count + segment.line_count
            self.committed_lines += segment.line_count
            self.committed.append(done)
            self._unreleased.append(segment)
            self._tell(segment, done)

    def _tell(self, segment: SealedSegment, done: Committed) -> None:
        facts = {
            "lines": segment.line_count,
            "written": done.written,
            "rejected": done.rejected,
        }
        self._log.info("instant_logs.segment_committed", extra=facts)
        if done.rejected:
            # Once it is news; a stream that sends such lines sends many.
            level = logging.INFO if self._has_told_of_rejects else logging.WARNING
            self._has_told_of_rejects = True
            self._log.log(level, "instant_logs.lines_rejected", extra=facts)

    def publish(self, manifest: Manifest) -> None:
        """Publish a manifest that names all that is committed, then release that."""
        document = format_manifest(manifest).encode()
        self._store.write_bytes(manifest_path(manifest.capture_id), document)
        while self._unreleased:
            self._unreleased.pop().release()

    def publish_last(self, manifest: Manifest) -> None:
        """Publish the rejects and the final manifest; the journal is done with."""
        self._committer.publish_rejects()
        self.publish(manifest)
        self.discard()

    def discard(self) -> None:
        """Remove the capture's journal: nothing in it is needed any more.

        Unless what it alone knows cannot be kept elsewhere: a recovery tries again.
        """
        self._committer.close()
        try:
            self.keep_orphans()
        except StoreError:
            self._journal.close()
        else:
            self._journal.discard()

    def keep_orphans(self) -> None:
        """Keep the sessions that the newest header knows and no manifest names."""
        if self._orphans is not None:
            keep_orphans(self._journal.directory.root, self._orphans)

    def close(self) -> None:
        """Leave what is in the journal to a recovery; harmless once discarded."""
        self._committer.close()
        self._journal.close()

    def commit_all(self) -> None:
        """Commit every sealed segment."""
        while self._sealed:
            self.commit_next()

    def _next_batch(self) -> tuple[list[Framed], int]:
        """Return what is written at once: what came close together.

        Each write waits for the interpreter's lock, which the receiving thread holds
        most of the time under flood: many small ones could not keep up.
        """
        parts: list[Framed] = []
        size, received_at_us = 0, self._offered[0][1]
        for index in range(len(self._offered)):
            framed, at_us = self._offered[index]
            size += len(framed.data)
            is_late = at_us - received_at_us > _BATCH_SPAN_US
            if parts and (is_late or size > _BATCH_BYTES):
                break
            parts.append(framed)
        return parts, received_at_us

    def _queue(self, sealed: SealedSegment | None) -> None:
        if sealed is not None:
            self._committer.begin(sealed)
            self._sealed_bytes += sealed.byte_count + sealed.line_count
            self._sealed.append(sealed)
