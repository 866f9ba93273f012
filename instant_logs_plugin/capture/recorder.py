"""The loop that wires a capture: stream → framing → journal → committed segments.

Receiving runs on the event loop and does nothing that blocks; the journal is
written in one worker thread, segments are committed in another, while the next one is
decoded in a third. Between socket and journal lines wait in a bounded queue; when it
is full the stream is not read, and its own bound makes TCP push back. So it does when
a stream is faster than lines are committed for long: what is left to commit bounds how
soon a capture can end.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from instant_logs_plugin.capture.clock import Clock
from instant_logs_plugin.capture.header import CaptureHeader
from instant_logs_plugin.capture.ledger import Ledger
from instant_logs_plugin.capture.pace import CommitPace
from instant_logs_plugin.capture.pipeline import Pipeline
from instant_logs_plugin.capture.source import Received, StreamSource
from instant_logs_plugin.capture.stop import StopRequest
from instant_logs_plugin.capture.window import CaptureWindow, EndReason, Step
from instant_logs_plugin.errors import CaptureUnfinished, InstantLogsError, StoreError
from instant_logs_plugin.store.manifest import Manifest

__all__ = ["Progress", "Recorder"]

Job = Callable[[], None]

_QUEUE_BYTES = 16 * 2**20
_TICK_S = 0.25
_SEALED_AT_ONCE = 2
"""One segment is being written while the next one is already being decoded."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How a running capture stands.

    Attributes:
        elapsed_s: Seconds since the window's start; negative in the warm-up.
        remaining_s: Seconds until the window's end.
        records: Lines received.
        bytes: Bytes received.
        rejected: Lines rejected in the segments committed so far.
        coverage: Recorded share of the window so far, 0 to 1.
    """

    elapsed_s: float
    remaining_s: float
    records: int
    bytes: int
    rejected: int
    coverage: float


class Recorder:
    """Runs one capture, once.

    Args:
        source: Opens the capture's streams, one after the other.
        pipeline: Where lines go.
        window: The state machine.
        ledger: The books; reads ``window``.
        clock: Both clocks.
        stop: Asks the capture to end early.
        open_timeout_s: How long the first stream is tried for.
        on_progress: Called on the event loop a few times a second.
    """

    def __init__(
        self,
        source: StreamSource,
        pipeline: Pipeline,
        *,
        window: CaptureWindow,
        ledger: Ledger,
        clock: Clock,
        stop: StopRequest,
        open_timeout_s: float,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self._open_timeout_s = open_timeout_s
        self._source = source
        self._pipeline = pipeline
        self._window = window
        self._ledger = ledger
        self._clock = clock
        self._stop = stop
        self._on_progress = on_progress
        self._has_work, self._has_room = asyncio.Event(), asyncio.Event()
        self._has_sealed = asyncio.Event()
        self._final: Manifest | None = None
        self._pace = CommitPace()
        self._described_count = 0
        ledger.on_session = self._describe
        self._journal_thread = ThreadPoolExecutor(1, "instant-logs-journal")
        self._commit_thread = ThreadPoolExecutor(1, "instant-logs-commit")

    @property
    def error(self) -> InstantLogsError | None:
        """What a capture that is ``failed`` failed of, or None."""
        return self._source.error

    async def run(self) -> Manifest:
        """Record until a bound, ``stop`` or a failure; return the final manifest.

        A cancelled capture is committed before the cancellation goes on.

        Raises:
            InstantLogsError: No stream could be opened: nothing was recorded.
            StoreError: The journal or the store failed; the journal holds what
                was received.
        """
        try:
            await self._open_first()
            await self._record_to_end()
        except StoreError as exc:
            self._save_in_journal(exc)
            raise self._unfinished(exc) from exc
        finally:
            self._ledger.on_session = lambda: None
            # Behind the commit that may still run: then the journal is nobody's.
            self._commit_thread.submit(self._pipeline.close)
            self._journal_thread.shutdown(wait=False)
            self._commit_thread.shutdown(wait=False)
            await self._close_source()
        return self._final or self._manifest(is_final=True)

    async def _close_source(self) -> None:
        """Close what is open; keep what is learnt only now of sessions created."""
        known_count = self._described_count
        await self._source.close("aborted")
        if len(self._ledger.fingerprints) > known_count:
            self._pipeline.describe(self._header())
            with contextlib.suppress(StoreError):
                self._pipeline.keep_orphans()

    async def _open_first(self) -> None:
        self._describe()
        try:
            await _in(self._journal_thread, self._pipeline.write_header)
            await self._stop.or_result(self._source.open_first(self._open_timeout_s))
        except BaseException:
            # Behind the header that may still be written: nothing is to stay.
            self._journal_thread.submit(self._pipeline.discard).result()
            raise

    async def _record_to_end(self) -> None:
        try:
            await self._record()
            await self._finish()
        except Exception:
            raise
        except BaseException:  # cancelled
            self._finish_interrupted()
            raise

    async def _record(self) -> None:
        """Run the loops until the first of them ends; a failed one raises."""
        loops = (
            self._receive_loop(),
            self._stop.wait(),
            self._write_loop(),
            self._commit_loop(),
            self._progress_loop(),
        )
        tasks = [asyncio.create_task(loop) for loop in loops]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
        await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled():
                task.result()
        self._window.stop(self._clock.now(), EndReason.INTERRUPTED)

    async def _receive_loop(self) -> None:
        while True:
            plan = self._window.plan(self._clock.now())
            match plan.step:
                case Step.CLOSE:
                    return
                case Step.OPEN:
                    await self._source.reopen(plan.until)
                case Step.RENEW:
                    self._source.renew()
                case Step.RECEIVE:
                    self._accept(await self._source.read(plan.until))
                    await self._wait_for_room(plan.until)

    def _accept(self, arrived: Received) -> None:
        """Count lines and queue them for the journal, up to the bounds."""
        window = self._window
        kept = arrived.framed.head(
            max_lines=window.lines_left, max_bytes=window.bytes_left
        )
        window.repeated(
            lines=arrived.duplicate_count, byte_count=arrived.duplicate_bytes
        )
        self._pipeline.offer(kept, self._clock.now_us())
        window.received(
            self._clock.now(),
            lines=kept.line_count,
            byte_count=kept.byte_count,
            messages=arrived.message_count,
        )
        self._has_work.set()

    async def _wait_for_room(self, until: float) -> None:
        """Return once more may come, or at ``until``, within a tick."""
        while not self._has_room_now() and self._clock.now() < until:
            self._has_room.clear()
            await self._has_room.wait()

    def _has_room_now(self) -> bool:
        pipeline, now = self._pipeline, self._clock.now()
        is_outrun = self._pace.is_outrun(now, pipeline.uncommitted_bytes)
        return pipeline.pending_bytes <= _QUEUE_BYTES and not is_outrun

    def _is_seal_due(self) -> bool:
        """Tell whether to seal what there is, so that decoding need not wait for it."""
        pipeline = self._pipeline
        is_due = self._pace.is_due(pipeline.unsealed_bytes)
        return is_due and pipeline.sealed_count < _SEALED_AT_ONCE

    async def _write_loop(self) -> None:
        while True:
            # Not wait_for(): before Python 3.12 it may swallow a cancellation.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self._has_work.wait()
            self._has_work.clear()
            await _in(self._journal_thread, self._pipeline.write_due)
            if self._is_seal_due():
                await _in(self._journal_thread, self._pipeline.seal)
            self._has_room.set()
            if self._pipeline.sealed_count:
                self._has_sealed.set()

    async def _commit_loop(self) -> None:
        await self._publish()
        while True:
            await self._has_sealed.wait()
            self._has_sealed.clear()
            while self._pipeline.sealed_count:
                await self._commit_one()
                await self._publish()

    async def _commit_one(self) -> None:
        pipeline, before_bytes = self._pipeline, self._pipeline.committed_bytes
        self._pace.began(self._clock.now())
        await _in(self._commit_thread, pipeline.commit_next)
        self._pace.ended(self._clock.now(), pipeline.committed_bytes - before_bytes)
        self._has_work.set()
        self._ledger.settle(pipeline.committed)

    async def _publish(self) -> None:
        """Have the store's manifest name all that is committed."""
        manifest = self._manifest(is_final=False)
        await _in(self._commit_thread, partial(self._pipeline.publish, manifest))

    async def _progress_loop(self) -> None:
        while True:
            if self._on_progress is not None:
                self._on_progress(self._progress())
            await asyncio.sleep(_TICK_S)

    def _progress(self) -> Progress:
        now, window = self._clock.now(), self._window
        return Progress(
            elapsed_s=now - (window.start or now),
            remaining_s=max(0.0, (window.end or now) - now),
            records=window.line_count,
            bytes=window.byte_count,
            rejected=self._ledger.rejected,
            coverage=window.coverage(now),
        )

    async def _finish(self) -> None:
        """Bring everything received to the store, off the event loop."""
        self._describe()
        self._accept_last()
        for thread, step in self._finishing_steps():
            await _in(thread, step)

    def _finish_interrupted(self) -> None:
        """The same in this thread: a cancelled task cannot count on any await.

        The two worker threads finish what they are at first, in order.
        """
        self._window.stop(self._clock.now(), EndReason.INTERRUPTED)
        self._accept_last()
        self._journal_thread.submit(self._pipeline.write_pending).result()
        self._window.recount(
            lines=self._pipeline.kept_lines, byte_count=self._pipeline.kept_bytes
        )
        for thread, step in self._finishing_steps():
            thread.submit(step).result()

    def _accept_last(self) -> None:
        """Take what the stream holds; it is closed beside what comes now."""
        reason = self._window.end_reason or EndReason.INTERRUPTED
        self._accept(self._source.let_go(reason.value))

    def _finishing_steps(self) -> Iterator[tuple[ThreadPoolExecutor, Job]]:
        """Yield the steps; each is made when the one before is done."""
        yield self._journal_thread, self._pipeline.write_pending
        yield self._journal_thread, self._pipeline.seal
        yield self._commit_thread, self._pipeline.commit_all
        self._ledger.settle(self._pipeline.committed)
        self._final = manifest = self._manifest(is_final=True)
        # Behind it there is no journal that could say more.
        self._ledger.on_session = lambda: None
        yield self._commit_thread, partial(self._pipeline.publish_last, manifest)

    def _describe(self) -> None:
        """Have the journal say how the capture stands, before its next line."""
        header = self._header()
        self._described_count = len(header.fingerprints)
        self._pipeline.describe(header)
        # If it fails it is still to be written, and fails where that is waited for.
        self._journal_thread.submit(self._pipeline.write_header)

    def _header(self) -> CaptureHeader:
        return CaptureHeader(
            manifest=self._manifest(is_final=False),
            written_at=self._clock.to_wall(self._clock.now()),
            bounds=self._window.bounds,
            fingerprints=tuple(self._ledger.fingerprints),
        )

    def _save_in_journal(self, exc: StoreError) -> None:
        """After a failure: bring what waits in memory to the journal, if it can."""
        self._window.stop(self._clock.now(), EndReason.STORE_FAILED)
        self._source.error = self._source.error or exc
        self._describe()
        with contextlib.suppress(StoreError):
            self._journal_thread.submit(self._pipeline.write_pending).result()
            self._journal_thread.submit(self._pipeline.seal).result()

    def _unfinished(self, exc: StoreError) -> StoreError:
        """Return the error that says what is safe where, if there is anything."""
        if self._window.start is None:
            return exc
        kept = self._pipeline.kept_lines
        return CaptureUnfinished(
            self._ledger.capture_id,
            str(exc),
            self._window.line_count,
            self._pipeline.committed_lines,
            kept - self._pipeline.committed_lines,
            str(self._pipeline.journal_path),
        )

    def _manifest(self, *, is_final: bool) -> Manifest:
        self._ledger.inbox_high_water_bytes = self._pipeline.high_water_bytes
        error = self._source.error
        return self._ledger.manifest(
            self._clock.now(),
            is_final=is_final,
            error=str(error) if error else None,
        )


async def _in(thread: ThreadPoolExecutor, job: Job) -> None:
    await asyncio.get_running_loop().run_in_executor(thread, job)
