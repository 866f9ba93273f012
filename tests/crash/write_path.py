"""The write path of a capture without its socket: lines in, a committed capture out.

What is acknowledged here is what the kernel took: no crash may lose it afterwards.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq

from instant_logs_plugin.capture.clock import Clock
from instant_logs_plugin.capture.commit import Committer
from instant_logs_plugin.capture.events import EventLog
from instant_logs_plugin.capture.framing import Framed
from instant_logs_plugin.capture.header import CaptureHeader
from instant_logs_plugin.capture.journal import Journal, JournalSettings
from instant_logs_plugin.capture.journal_directory import JournalDirectory
from instant_logs_plugin.capture.ledger import Ledger
from instant_logs_plugin.capture.options import CaptureOptions
from instant_logs_plugin.capture.pipeline import Pipeline
from instant_logs_plugin.capture.room import Room
from instant_logs_plugin.capture.window import Bounds, CaptureWindow, EndReason
from instant_logs_plugin.errors import StoreError
from instant_logs_plugin.store.catalog import (
    capture_problems,
    list_captures,
    stray_problems,
)
from instant_logs_plugin.store.filesystem import Store, open_store
from instant_logs_plugin.store.manifest import CaptureState, Manifest

ZONE = "0123456789abcdef0123456789abcdef"
CAPTURE = "20261124T000000000Z-00000000"
STARTED_AT = datetime(2026, 11, 24, tzinfo=UTC)
FIELDS = ("RayID", "EdgeResponseStatus")
SESSION = "0123456789abcdef"


@dataclass
class WritePath:
    """One capture of one session, batch by batch; a second passes with each batch.

    Attributes:
        root: Where its store is.
        batches: How many batches of ten lines come, the last of each a reject; two
            fill a segment.
        commits_late: Whether segments wait for the capture's end.
        acknowledged: RayIDs, or rejects, that the kernel holds.
    """

    root: Path
    batches: int = 4
    commits_late: bool = False
    acknowledged: list[str] = field(default_factory=list)
    on_acknowledged: Callable[[list[str]], None] = lambda _: None
    now: float = 0.0

    @property
    def store(self) -> Store:
        return open_store(str(self.root))

    @property
    def journal_root(self) -> Path:
        return self.root / ".journal"

    def run(self) -> None:
        """Write the capture from its first line to its final manifest."""
        clock = Clock(0.0, STARTED_AT, read=lambda: self.now)
        options = CaptureOptions(
            zone_id=ZONE, fields=FIELDS, bounds=Bounds(duration_s=60.0)
        )
        window = CaptureWindow(options.bounds)
        ledger = Ledger(CAPTURE, options, window, versions={}, clock=clock)
        directory = JournalDirectory(self.journal_root, CAPTURE)
        journal = Journal(directory, JournalSettings(segment_bytes=900), clock)
        committer = Committer(
            self.store,
            directory.path,
            zone_id=ZONE,
            capture_id=CAPTURE,
            started_at=STARTED_AT,
            fields=FIELDS,
        )
        room = Room(self.root, clock=clock.now)
        pipeline = Pipeline(journal, committer, self.store, room, log=EventLog(ZONE))
        try:
            self._write(pipeline, window, ledger)
        except StoreError:
            with contextlib.suppress(StoreError):
                pipeline.write_pending()
                pipeline.seal()
            raise
        finally:
            pipeline.close()

    def _write(self, pipeline: Pipeline, window: CaptureWindow, ledger: Ledger) -> None:
        def describe() -> None:
            header = CaptureHeader(
                manifest=ledger.manifest(self.now, is_final=False, error=None),
                written_at=STARTED_AT,
                bounds=window.bounds,
                fingerprints=tuple(ledger.fingerprints),
            )
            pipeline.describe(header)

        def publish() -> None:
            pipeline.publish(ledger.manifest(self.now, is_final=False, error=None))

        ledger.on_session = describe
        window.opened(self.now)
        ledger.session_created(SESSION)
        ledger.session_opened(self.now, SESSION)
        pipeline.write_pending()
        publish()
        for names, framed in iter_batches(self.batches):
            self.now += 1.0
            window.received(
                self.now,
                lines=framed.line_count,
                byte_count=framed.byte_count,
                messages=1,
            )
            pipeline.offer(framed, int(STARTED_AT.timestamp() + self.now) * 1_000_000)
            pipeline.write_pending()
            self._acknowledge(names)
            if pipeline.sealed_count and not self.commits_late:
                pipeline.commit_next()
                ledger.settle(pipeline.committed)
                publish()
        window.stop(self.now, EndReason.DURATION)
        ledger.session_ended(self.now, "duration")
        pipeline.write_pending()
        pipeline.seal()
        pipeline.commit_all()
        ledger.settle(pipeline.committed)
        pipeline.publish_last(ledger.manifest(self.now, is_final=True, error=None))

    def _acknowledge(self, names: list[str]) -> None:
        self.acknowledged += names
        self.on_acknowledged(names)


def iter_batches(count: int) -> Iterator[tuple[list[str], Framed]]:
    """Yield batches of ten lines with what each line is recognised by."""
    for batch in range(count):
        names = [f"{batch:08d}{line:08d}" for line in range(9)]
        lines = [
            json.dumps({"RayID": name, "EdgeResponseStatus": 200, "sampleInterval": 1})
            for name in names
        ]
        reject = f"no record {batch}"
        data = "\n".join([*lines, reject]) + "\n"
        yield [*names, reject], Framed(data.encode(), 10)


def stored_names(store: Store) -> Counter[str]:
    """Return what the store's manifests name: RayIDs of records, lines of rejects."""
    found: Counter[str] = Counter()
    for manifest in list_captures(store).manifests:
        for segment in manifest.segments:
            table = pq.read_table(store.root / segment.path, columns=["RayID"])
            found.update(table["RayID"].to_pylist())
    for path in (store.root / "rejects").glob("*.ndjson"):
        lines = path.read_text().splitlines()
        found.update(json.loads(line)["line"] for line in lines)
    return found


def assert_whole(store: Store) -> list[Manifest]:
    """Check a store after a recovery: ended, verified, balanced, no stray file."""
    listing = list_captures(store)
    assert not listing.unreadable
    for manifest in listing.manifests:
        assert manifest.state is not CaptureState.RECORDING
        assert capture_problems(store, manifest) == []
        assert_seconds_accounted(manifest)
    assert stray_problems(store) == {}
    return list(listing.manifests)


def assert_seconds_accounted(manifest: Manifest) -> None:
    """Check that coverage follows from gaps that lie in the window, in order."""
    start, end = manifest.window.start, manifest.window.end
    assert start is not None
    assert end is not None
    edges = [
        start,
        *(x for g in manifest.gaps for x in (g.started_at, g.ended_at)),
        end,
    ]
    assert edges == sorted(edges)
    missing = sum((g.ended_at - g.started_at).total_seconds() for g in manifest.gaps)
    total = (end - start).total_seconds()
    assert abs(missing + manifest.coverage * total - total) < 1e-3 * max(1.0, total)
