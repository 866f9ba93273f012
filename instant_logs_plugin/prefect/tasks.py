"""Tasks: thin shells around the recorder and what answers questions about captures.

Nothing here is cached or persisted: a capture is what happened once. The recorder has
a thread of its own, and ends with the task that awaits it: a cancellation or a signal
reaches it, and what was received is committed before the run ends. Await the task in
the flow, never submit it: Prefect interrupts no thread that it made itself.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task, exponential_backoff

from instant_logs_plugin.analysis.database import open_database
from instant_logs_plugin.analysis.summaries import (
    DEFAULT_SUMMARIES,
    render_summaries,
    run_summaries,
)
from instant_logs_plugin.analysis.tables.parts import readable_rows
from instant_logs_plugin.capture.options import CaptureOptions
from instant_logs_plugin.capture.record import CaptureOutcome, CaptureSetup
from instant_logs_plugin.capture.record import record_capture as run_capture
from instant_logs_plugin.errors import ZoneBusy, is_transient
from instant_logs_plugin.lease.both import hold_both
from instant_logs_plugin.lease.file_lock import hold_on_host
from instant_logs_plugin.lease.held import HoldZone
from instant_logs_plugin.prefect.blocks import CaptureStore
from instant_logs_plugin.prefect.events import emit_busy, emit_capture, emit_failure
from instant_logs_plugin.prefect.identity import (
    RunCapture,
    call_number,
    capture_token,
    find_run_capture,
)
from instant_logs_plugin.prefect.lease import hold_on_server
from instant_logs_plugin.prefect.loading import Credentials
from instant_logs_plugin.prefect.own_thread import OwnThread
from instant_logs_plugin.prefect.parameters import RecordingParameters
from instant_logs_plugin.prefect.progress import show_progress
from instant_logs_plugin.prefect.run import current_run, current_task_id, run_logger
from instant_logs_plugin.prefect.run_log import show_warnings
from instant_logs_plugin.prefect.states import skipped_state
from instant_logs_plugin.store.layout import report_path
from instant_logs_plugin.store.manifest import Manifest

__all__ = [
    "CaptureSummary",
    "record_capture",
    "record_zone",
    "summarize_capture",
    "write_report",
]

_OPENINGS = 3
_MARGIN_S = 120.0
_RUN_LABEL = "prefect.flow-run"


def _may_retry(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Try again only what an error's own class calls transient."""
    return isinstance(state.data, Exception) and is_transient(state.data)


@task(
    name="record-capture",
    task_run_name="record {options.zone_id}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=_OPENINGS,
    retry_delay_seconds=exponential_backoff(2),
    retry_jitter_factor=0.5,
    retry_condition_fn=_may_retry,
)
async def record_capture(
    options: CaptureOptions,
    *,
    credentials: Credentials,
    store: CaptureStore,
    skip_if_busy: bool = False,
) -> CaptureOutcome | None:
    """Record one capture, once per flow run however often that is run.

    A transient error before the first stream is retried; a stream that is lost later
    is replaced by the recorder itself, inside the window and the lease.

    Args:
        options: What to record.
        credentials: Who asks.
        store: Where to.
        skip_if_busy: A taken zone ends the task as Skipped instead of failing it.

    Returns:
        The committed capture, and why it is less than what was asked for, if so;
        in a run a state named Skipped, else None, when it was skipped.

    Raises:
        InstantLogsError: Nothing was recorded, or the store failed.
    """
    found = await asyncio.to_thread(_find_capture, options, store)
    if found is not None and found.done is not None:
        run_logger().info("recorded by an earlier attempt: %s", found.capture_id)
        return CaptureOutcome(found.done, None)
    try:
        outcome = await _record(_identified(options, found), credentials, store)
    except ZoneBusy as exc:
        emit_busy(exc, is_skipped=skip_if_busy)
        if skip_if_busy:
            return cast("None", skipped_state(str(exc))) if current_run() else None
        raise
    except BaseException as exc:
        emit_failure(options.zone_id, exc)
        raise
    emit_capture(outcome.manifest, outcome.error, store=store.uri)
    return outcome


async def _record(
    options: CaptureOptions, credentials: Credentials, store: CaptureStore
) -> CaptureOutcome:
    zone_id = options.zone_id
    async with show_progress(zone_id, options.bounds.duration_s) as shown:

        async def record() -> CaptureOutcome:
            async with credentials.get_client() as client:
                setup = CaptureSetup(
                    api=client,
                    store=store.open(),
                    journal_root=store.journal_root(),
                    hold=_holder(),
                )
                return await run_capture(options, setup, on_progress=shown.take)

        with show_warnings(zone_id):
            outcome = await OwnThread(record, "instant-logs-recorder").aresult()
        if outcome.error is None:
            shown.complete()
        return outcome


def _holder() -> HoldZone:
    """In a run the zone is held on this host and on the server, outside on the host."""
    on_host = hold_on_host()
    return hold_both(on_host, hold_on_server()) if current_run() else on_host


def _find_capture(options: CaptureOptions, store: CaptureStore) -> RunCapture | None:
    run = current_run()
    if run is None or options.capture_id is not None:
        return None
    zone_id = options.zone_id
    number = call_number(run.id, run.started_at, zone_id, current_task_id())
    return find_run_capture(
        store.open(),
        store.journal_root(),
        capture_token(run.id, zone_id, number),
        now=datetime.now(UTC),
        min_coverage=options.min_coverage,
    )


def _identified(options: CaptureOptions, found: RunCapture | None) -> CaptureOptions:
    run = current_run()
    if run is None or found is None:
        return options
    labels = {_RUN_LABEL: str(run.id)} | dict(options.labels)
    return replace(options, capture_id=found.capture_id, labels=labels)


async def record_zone(
    recording: RecordingParameters,
    zone_id: str,
    *,
    credentials: Credentials,
    store: CaptureStore,
) -> CaptureOutcome | None:
    """Record a zone as a flow's parameters ask; None when it was skipped.

    In a run as a task, with a timeout as a safety net: the capture's own end comes
    before. Outside a run no server is asked for anything.

    Raises:
        ConfigurationError: A parameter is wrong; nothing was contacted.
        InstantLogsError: Nothing was recorded, or the store failed.
    """
    options = recording.options_for(zone_id)
    bounded = record_capture.with_options(timeout_seconds=_longest_s(options))
    record = bounded if current_run() else record_capture.fn
    ended = await record(
        options, credentials=credentials, store=store, skip_if_busy=recording.skips
    )
    # A task that names its own state gives that state to whoever awaits it.
    return ended if isinstance(ended, CaptureOutcome) else None


def _longest_s(options: CaptureOptions) -> float:
    bounds, busy = options.bounds, options.busy
    recording_s = bounds.warm_up_s + bounds.duration_s + bounds.drain_s
    opening_s = options.open_timeout_s + busy.timeout_s
    return recording_s + opening_s + _MARGIN_S


@dataclass(frozen=True)
class CaptureSummary:
    """What a capture holds, for people.

    Attributes:
        markdown: The summaries, behind a line that says what they stand on.
        top_paths: The table of the query ``top_paths``, texts by label; no rows if it
            was not asked for, or its fields were not recorded.
    """

    markdown: str
    top_paths: list[dict[str, str]]


@task(
    name="summarize-capture",
    task_run_name="summarize {manifest.capture_id}",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def summarize_capture(
    manifest: Manifest,
    *,
    store: CaptureStore,
    names: tuple[str, ...] = DEFAULT_SUMMARIES,
) -> CaptureSummary:
    """Return a summary of one capture.

    Args:
        manifest: The capture.
        store: Where it is.
        names: Query files to run, in this order.

    Raises:
        QueryError: A query is unknown, or cannot be run.
    """
    with open_database(store.uri, captures=[manifest.capture_id]) as database:
        summaries = run_summaries(database, names)
    markdown = f"{_headline(manifest)}\n\n{render_summaries(summaries)}"
    paths = [readable_rows(part.table()) for part in summaries.parts("top_paths")]
    return CaptureSummary(markdown, [row for rows in paths for row in rows])


@task(
    name="write-report",
    task_run_name="report {manifest.capture_id}",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def write_report(manifest: Manifest, *, store: CaptureStore) -> str:
    """Write an HTML report of one capture to ``reports/`` in its store.

    Returns:
        The file's path.

    Raises:
        QueryError: A summary cannot be run.
        StoreUnwritable: The file system refused.
    """
    # Charts load only where a report is asked for.
    from instant_logs_plugin.analysis.report import render_report  # noqa: PLC0415

    files, path = store.open(), report_path(manifest.capture_id)
    page = render_report(store.uri, [manifest.capture_id])
    files.write_bytes(path, page.encode())
    return str(files.root / path)


def _headline(manifest: Manifest) -> str:
    """Say what the figures stand on: state, coverage and gaps come first."""
    start, end = manifest.window.start, manifest.window.end
    span_s = (end - start).total_seconds() if start and end else 0.0
    facts = (
        f"Capture `{manifest.capture_id}` is **{manifest.state.value}**: "
        f"{manifest.written:,} records in {span_s:.1f} s, "
        f"coverage {manifest.coverage:.1%}, {len(manifest.gaps)} gaps, "
        f"{manifest.rejected:,} rejects."
    )
    return f"# Zone {manifest.zone_id}\n\n{facts}"
