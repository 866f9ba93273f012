"""One capture from lease to manifest: where the parts are put together."""

from __future__ import annotations

import asyncio
import contextlib
import platform
import secrets
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from random import Random

from instant_logs_plugin.capture.clock import Clock
from instant_logs_plugin.capture.commit import Committer
from instant_logs_plugin.capture.events import EventLog
from instant_logs_plugin.capture.interruption import heeding_signals
from instant_logs_plugin.capture.joining import StreamJoiner
from instant_logs_plugin.capture.journal import Journal, JournalSettings
from instant_logs_plugin.capture.journal_directory import JournalDirectory
from instant_logs_plugin.capture.ledger import Ledger
from instant_logs_plugin.capture.opening import SessionApi, SessionOpener, log_awaited
from instant_logs_plugin.capture.options import CaptureOptions, OnBusy
from instant_logs_plugin.capture.overlap import RAY_ID, Overlap
from instant_logs_plugin.capture.ownership import read_own_sessions
from instant_logs_plugin.capture.pipeline import Pipeline
from instant_logs_plugin.capture.privacy import line_rewriter
from instant_logs_plugin.capture.recorder import Progress, Recorder
from instant_logs_plugin.capture.recovery import recover_captures
from instant_logs_plugin.capture.room import Room
from instant_logs_plugin.capture.source import StreamSource
from instant_logs_plugin.capture.stop import StopRequest
from instant_logs_plugin.capture.turns import short_turns
from instant_logs_plugin.capture.window import CaptureWindow
from instant_logs_plugin.edge.stream import StreamSettings, open_stream
from instant_logs_plugin.errors import (
    CaptureInterrupted,
    CoverageTooLow,
    InstantLogsError,
    StoreError,
    ZoneBusy,
)
from instant_logs_plugin.lease.held import HoldZone, Lease
from instant_logs_plugin.store.filesystem import Store
from instant_logs_plugin.store.layout import capture_id_at
from instant_logs_plugin.store.manifest import CaptureState, Manifest

__all__ = ["CaptureOutcome", "CaptureSetup", "record_capture"]

_RECOVERY_S = 30.0
"""How long a capture that ended waits for the recovery of earlier ones."""


@dataclass(frozen=True, kw_only=True)
class CaptureSetup:
    """Where a capture runs.

    Attributes:
        api: The session API.
        store: Where captures go.
        journal_root: Where raw lines wait; one directory per capture in it.
        hold: Holds the zone while it is recorded.
        journal: When raw lines are sealed and synced.
        stream: How streams are read.
    """

    api: SessionApi
    store: Store
    journal_root: Path
    hold: HoldZone
    journal: JournalSettings = field(default_factory=JournalSettings)
    stream: StreamSettings = field(default_factory=StreamSettings)


@dataclass(frozen=True)
class CaptureOutcome:
    """A finished capture.

    Attributes:
        manifest: Its final manifest; everything in it is committed.
        error: Why it is less than what was asked for, or None.
    """

    manifest: Manifest
    error: InstantLogsError | None


async def record_capture(
    options: CaptureOptions,
    setup: CaptureSetup,
    *,
    stop: StopRequest | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> CaptureOutcome:
    """Record one capture; a Prefect task and the command line both run this.

    Cancelling it commits what was received before the cancellation goes on. What a
    signal handler raises does the same; handlers are called between its steps.

    Args:
        options: What to record.
        setup: Where.
        stop: Asks the capture to end early.
        on_progress: Called on the event loop a few times a second.

    Returns:
        The committed capture, with the error that its user should see, if any:
        a failed stream, an interruption, or a coverage below the minimum.

    Raises:
        InstantLogsError: Nothing was recorded: the zone stayed taken, the service
            refused or could not be reached, or ``stop`` came first.
        StoreError: The journal or the store failed.
    """
    stop = stop or StopRequest()
    with heeding_signals(stop):
        return await _record(options, setup, stop, on_progress)


async def _record(
    options: CaptureOptions,
    setup: CaptureSetup,
    stop: StopRequest,
    on_progress: Callable[[Progress], None] | None,
) -> CaptureOutcome:
    room = Room(
        setup.journal_root,
        setup.store.root,
        least_bytes=setup.journal.min_free_bytes,
        clock=time.monotonic,
    )
    room.check()
    asked_at, log = time.monotonic(), EventLog(options.zone_id)
    async with _held(options, setup, stop, log) as lease:
        recorder = _recorder(
            _less_waiting(options, asked_at),
            setup,
            log=log,
            room=room,
            lease=lease,
            stop=stop,
            on_progress=on_progress,
        )
        with short_turns():
            async with _recovering(setup, stop, log):
                manifest = await recorder.run()
    _tell_finished(log, manifest)
    error = recorder.error or _shortfall(manifest, options, stop)
    return CaptureOutcome(manifest, error)


def _tell_finished(log: EventLog, manifest: Manifest) -> None:
    facts = {
        "capture": manifest.capture_id,
        "state": manifest.state.value,
        "received": manifest.received,
        "written": manifest.written,
        "rejected": manifest.rejected,
        "duplicates": manifest.duplicates,
        "coverage": manifest.coverage,
    }
    log.info("instant_logs.capture_finished", extra=facts)


@contextlib.asynccontextmanager
async def _recovering(
    setup: CaptureSetup, stop: StopRequest, log: EventLog
) -> AsyncIterator[None]:
    """Finish what earlier captures left, beside this one and never in its way."""
    is_over = threading.Event()

    def recover() -> None:
        try:
            recover_captures(setup.store, setup.journal_root, is_stopped=is_over.is_set)
        except StoreError as exc:
            log.warning("instant_logs.recovery_failed", extra={"error": str(exc)})

    task = asyncio.create_task(asyncio.to_thread(recover))
    try:
        yield
        if not stop.is_set:
            await asyncio.wait({task}, timeout=_RECOVERY_S)
    finally:
        is_over.set()
        await task


@contextlib.asynccontextmanager
async def _held(
    options: CaptureOptions, setup: CaptureSetup, stop: StopRequest, log: EventLog
) -> AsyncIterator[Lease]:
    waits = options.busy.on_busy is OnBusy.WAIT
    timeout_s = options.busy.timeout_s if waits else 0.0
    async with contextlib.AsyncExitStack() as stack:

        async def enter(timeout_s: float) -> Lease:
            lease = setup.hold(options.zone_id, timeout_s=timeout_s)
            return await stop.or_result(stack.enter_async_context(lease))

        try:
            lease = await enter(0.0)
        except ZoneBusy as exc:
            if timeout_s <= 0:
                raise
            log_awaited(log, exc, timeout_s)
            lease = await enter(timeout_s)
        yield lease


def _less_waiting(options: CaptureOptions, asked_at: float) -> CaptureOptions:
    """Take the time spent on the lease off the time that may be spent waiting."""
    left_s = max(0.0, options.busy.timeout_s - (time.monotonic() - asked_at))
    return replace(options, busy=replace(options.busy, timeout_s=left_s))


def _recorder(
    options: CaptureOptions,
    setup: CaptureSetup,
    *,
    room: Room,
    lease: Lease,
    log: EventLog,
    stop: StopRequest,
    on_progress: Callable[[Progress], None] | None,
) -> Recorder:
    clock, window = Clock.start(), CaptureWindow(options.bounds)
    random = Random()  # noqa: S311 - jitter, not secrets
    token = secrets.token_hex(4)
    capture_id = options.capture_id or capture_id_at(clock.wall_start, token)
    ledger = Ledger(
        capture_id,
        options,
        window,
        versions=component_versions(),
        clock=clock,
        lease=lease,
    )
    opener = SessionOpener(
        api=setup.api,
        request=options.session_request,
        busy=options.busy,
        read_own=partial(
            read_own_sessions,
            setup.store,
            setup.journal_root,
            options.zone_id,
            asking=capture_id,
        ),
        random=random,
        on_created=ledger.session_created,
    )
    joiner = StreamJoiner(
        opener,
        lambda url: open_stream(url, setup.stream),
        clock=clock,
        random=random,
        read_deadline_s=options.read_deadline_s,
        max_reconnects=options.max_reconnects,
    )
    source = StreamSource(
        joiner,
        opener,
        window=window,
        ledger=ledger,
        clock=clock,
        overlap=Overlap(is_told=RAY_ID in options.fields),
        rewrite=line_rewriter(
            options.anonymize_ip,
            options.hmac_key,
            redact_query=options.redact_query,
            drop_fields=options.drop_fields,
        ),
    )
    pipeline = _pipeline(options, setup, room, ledger=ledger, clock=clock, log=log)
    return Recorder(
        source,
        pipeline,
        window=window,
        ledger=ledger,
        clock=clock,
        stop=stop,
        open_timeout_s=options.open_timeout_s,
        on_progress=on_progress,
    )


def _pipeline(
    options: CaptureOptions,
    setup: CaptureSetup,
    room: Room,
    *,
    ledger: Ledger,
    clock: Clock,
    log: EventLog,
) -> Pipeline:
    directory = JournalDirectory(setup.journal_root, ledger.capture_id)
    journal = Journal(directory, setup.journal, clock)
    committer = Committer(
        setup.store,
        directory.path,
        zone_id=options.zone_id,
        capture_id=ledger.capture_id,
        started_at=clock.wall_start,
        fields=options.fields,
        sessions=lambda: ledger.sessions,
    )
    return Pipeline(journal, committer, setup.store, room, log=log)


def _shortfall(
    manifest: Manifest, options: CaptureOptions, stop: StopRequest
) -> InstantLogsError | None:
    if manifest.state is CaptureState.INTERRUPTED:
        return CaptureInterrupted(stop.signal_number, manifest.capture_id)
    if manifest.coverage < options.min_coverage:
        coverage, minimum = manifest.coverage, options.min_coverage
        return CoverageTooLow(coverage, minimum, manifest.capture_id)
    return None


def component_versions() -> dict[str, str]:
    """Return the versions of what takes part in a capture, for its manifest."""
    packages = ("instant-logs-plugin", "duckdb", "pyarrow", "websockets")
    versions = {package: version(package) for package in packages}
    return {**versions, "python": platform.python_version()}
