"""The capture's machine, over any sequence of what can happen to it.

Window, ledger and crash manifest are told of messages, ticks, losses, renewals and
signals as the recorder tells them. At every moment every line is in one column, and
every second of the window is recorded or in one gap.
"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from instant_logs_plugin.capture.clock import Clock
from instant_logs_plugin.capture.crash import recovered_manifest
from instant_logs_plugin.capture.header import CaptureHeader, CommitMark
from instant_logs_plugin.capture.ledger import Committed, Ledger
from instant_logs_plugin.capture.options import CaptureOptions
from instant_logs_plugin.capture.window import (
    Bounds,
    CaptureWindow,
    EndReason,
    GapReason,
    Step,
)
from instant_logs_plugin.store.manifest import CaptureState, Manifest, Segment

STARTED_AT = datetime(2026, 11, 24, tzinfo=UTC)
LINE_BYTES = 10
TOLERANCE_S = 1e-3
counts = st.integers(0, 9)
pauses = st.integers(1, 20_000).map(lambda ms: ms / 1_000)


class CaptureMachine(RuleBasedStateMachine):
    """A capture that is told what happens, and a journal of what was kept."""

    @initialize(
        max_records=st.none() | st.integers(1, 60),
        warm_up_s=st.sampled_from([0.0, 3.0]),
        drain_s=st.sampled_from([0.0, 5.0]),
    )
    def begin(self, max_records, warm_up_s, drain_s):
        self.now = 0.0
        self.clock = Clock(0.0, STARTED_AT, read=lambda: self.now)
        bounds = Bounds(
            duration_s=60.0,
            max_records=max_records,
            warm_up_s=warm_up_s,
            drain_s=drain_s,
            renew_after_s=25.0,
        )
        options = CaptureOptions(zone_id="z", fields=("RayID",), bounds=bounds)
        self.window = CaptureWindow(bounds)
        self.ledger = Ledger("c", options, self.window, versions={}, clock=self.clock)
        self.ledger.on_session = self.describe
        self.header = self.make_header()
        self.journal: list[tuple[int, int]] = []
        self.committed: list[CommitMark] = []
        self.is_open = self.is_renewing = False

    def describe(self):
        self.header = self.make_header()

    def make_header(self):
        return CaptureHeader(
            manifest=self.ledger.manifest(self.now, is_final=False, error=None),
            written_at=self.clock.to_wall(self.now),
            bounds=self.window.bounds,
        )

    @property
    def step(self):
        return self.window.plan(self.now).step

    @rule(pause_s=pauses)
    def tick(self, pause_s):
        self.now += pause_s
        if self.step is Step.RENEW:
            self.window.renewing()
            self.is_renewing = True

    @precondition(lambda self: not self.is_open and self.step is Step.OPEN)
    @rule()
    def open_stream(self):
        self.adopt()

    def adopt(self):
        self.window.opened(self.now)
        self.ledger.session_created("f")
        self.ledger.session_opened(self.now, "f")
        self.is_open, self.is_renewing = True, False

    @precondition(lambda self: self.is_open and self.step is Step.RECEIVE)
    @rule(records=counts, rejects=counts, duplicates=counts)
    def message(self, records, rejects, duplicates):
        left = self.window.lines_left
        kept = records + rejects if left is None else min(records + rejects, left)
        self.window.repeated(lines=duplicates, byte_count=duplicates * LINE_BYTES)
        self.window.received(
            self.now, lines=kept, byte_count=kept * LINE_BYTES, messages=1
        )
        if kept:
            self.journal.append((min(records, kept), kept - min(records, kept)))

    @precondition(lambda self: self.is_open and self.step is not Step.CLOSE)
    @rule(reason=st.sampled_from(list(GapReason)), dead_s=st.sampled_from([0.0, 2.0]))
    def lose(self, reason, dead_s):
        self.window.lost(self.now - min(dead_s, self.now), reason)
        self.ledger.session_ended(self.now, reason.value)
        self.is_open = self.is_renewing = False

    @precondition(lambda self: not self.is_open and self.window.start is not None)
    @rule(reason=st.sampled_from(list(GapReason)))
    def explain(self, reason):
        self.window.explain(reason)

    @precondition(lambda self: self.is_renewing and self.is_open)
    @rule(heard_s=st.sampled_from([0.0, 0.5]), works=st.booleans())
    def finish_renewal(self, heard_s, works):
        if self.step is Step.CLOSE:
            return
        if not works:
            self.window.renew_at(self.now + 5.0)
            self.is_renewing = False
            return
        if heard_s:
            self.window.lost(self.now - min(heard_s, self.now), GapReason.RENEWAL)
        self.ledger.session_ended(self.now, GapReason.RENEWAL.value)
        self.adopt()

    @precondition(lambda self: self.journal)
    @rule(count=st.integers(1, 3))
    def commit(self, count):
        taken, self.journal = self.journal[:count], self.journal[count:]
        self.committed.append(self.mark(taken))
        self.ledger.settle([mark.committed for mark in self.committed])

    @rule(reason=st.sampled_from([EndReason.INTERRUPTED, EndReason.STREAM_FAILED]))
    def stop(self, reason):
        if self.window.start is not None:
            self.window.stop(self.now, reason)
            self.ledger.session_ended(self.now, reason.value)
            self.is_open = self.is_renewing = False

    def mark(self, batches):
        written = sum(batch[0] for batch in batches)
        rejected = sum(batch[1] for batch in batches)
        segment = Segment(path="p", rows=written, bytes=1, sha256="")
        return CommitMark(
            sequence=len(self.committed),
            lines=written + rejected,
            bytes=(written + rejected) * LINE_BYTES,
            received_until_us=self.clock.now_us(),
            committed=Committed(
                segment=segment if written else None,
                written=written,
                rejected=rejected,
            ),
        )

    @invariant()
    def a_running_capture_is_accounted(self):
        manifest = self.ledger.manifest(self.now, is_final=False, error=None)
        waiting = sum(map(sum, self.journal))
        assert_lines(manifest, waiting=waiting)
        if manifest.window.end and manifest.window.start:
            until = self.clock.to_wall(self.now)
            is_over = self.window.end_reason is not None
            end = manifest.window.end if is_over else min(until, manifest.window.end)
            start = manifest.window.start
            assert_seconds(manifest, start, max(start, end))

    @invariant()
    def a_crash_now_would_be_accounted(self):
        marks = [*self.committed, self.mark(self.journal)]
        manifest = recovered_manifest(
            self.header, marks, last_beat_us=self.clock.now_us()
        )
        assert manifest.state is CaptureState.RECOVERED
        assert_lines(manifest, waiting=0)
        if manifest.window.start and manifest.window.end:
            assert_seconds(manifest, manifest.window.start, manifest.window.end)

    def teardown(self):
        if not hasattr(self, "window"):
            return
        if self.journal:
            self.commit(len(self.journal))
        self.window.stop(self.now, EndReason.INTERRUPTED)
        manifest = self.ledger.manifest(self.now, is_final=True, error=None)
        assert manifest.state is not CaptureState.RECORDING
        assert_lines(manifest, waiting=0)
        if manifest.window.start and manifest.window.end:
            assert_seconds(manifest, manifest.window.start, manifest.window.end)


def assert_lines(manifest: Manifest, *, waiting: int) -> None:
    accounted = manifest.written + manifest.rejected + manifest.duplicates
    assert manifest.received == accounted + waiting


def assert_seconds(manifest: Manifest, start: datetime, end: datetime) -> None:
    """Check that gaps lie in the window, in order, and leave what coverage says."""
    edges = [start]
    for gap in manifest.gaps:
        assert gap.started_at < gap.ended_at
        edges += [gap.started_at, gap.ended_at]
    edges.append(end)
    for earlier, later in itertools.pairwise(edges):
        assert (later - earlier).total_seconds() > -TOLERANCE_S
    total_s = (end - start).total_seconds()
    missing_s = sum((g.ended_at - g.started_at).total_seconds() for g in manifest.gaps)
    recorded_s = manifest.coverage * total_s
    assert abs(recorded_s + missing_s - total_s) < TOLERANCE_S * max(1.0, total_s)


TestCaptureMachine = CaptureMachine.TestCase
TestCaptureMachine.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None
)


@pytest.mark.soak
@pytest.mark.timeout(0)
class TestManySequences(CaptureMachine.TestCase):
    """The same, for as long as ``make soak`` may take."""

    settings = settings(max_examples=2_000, stateful_step_count=60, deadline=None)
