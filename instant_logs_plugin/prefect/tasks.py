"""Tasks: thin shells around the recorder and the summaries.

Nothing here is cached or persisted: a capture is what happened once. The recorder
runs on the flow's own event loop, so that a cancellation reaches it and what was
received is committed before the run ends.
"""

from __future__ import annotations

import logging

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger

from instant_logs_plugin.analysis.database import open_database
from instant_logs_plugin.analysis.summaries import (
    DEFAULT_SUMMARIES,
    render_summaries,
    run_summaries,
)
from instant_logs_plugin.capture.options import CaptureOptions
from instant_logs_plugin.capture.record import CaptureOutcome, CaptureSetup
from instant_logs_plugin.capture.record import record_capture as run_capture
from instant_logs_plugin.capture.recorder import Progress
from instant_logs_plugin.edge.client import SessionClient
from instant_logs_plugin.lease.file_lock import default_lease_directory
from instant_logs_plugin.prefect.blocks import CaptureStore
from instant_logs_plugin.store.manifest import Manifest

__all__ = ["record_capture", "summarize_capture"]

_LOG_EVERY_S = 10.0

Logger = logging.Logger | logging.LoggerAdapter[logging.Logger]


@task(
    name="record-capture",
    task_run_name="record {options.zone_id}",
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def record_capture(
    options: CaptureOptions, *, client: SessionClient, store: CaptureStore
) -> CaptureOutcome:
    """Record one capture; await it in the flow, never submit it to a thread.

    Args:
        options: What to record.
        client: The session API; opened and closed here.
        store: Where to.

    Returns:
        The committed capture, and why it is less than what was asked for, if so.

    Raises:
        InstantLogsError: Nothing was recorded, or the store failed.
    """
    setup = CaptureSetup(
        api=client,
        store=store.open(),
        journal_root=store.journal_root(),
        lease_directory=default_lease_directory(),
    )
    async with client:
        return await run_capture(options, setup, on_progress=_ProgressLog())


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
) -> str:
    """Return a Markdown summary of one capture.

    Args:
        manifest: The capture.
        store: Where it is.
        names: Query files to run, in this order.

    Raises:
        QueryError: A query is unknown, or cannot be run.
    """
    with open_database(store.uri, captures=[manifest.capture_id]) as database:
        summaries = run_summaries(database, names)
    return f"{_headline(manifest)}\n\n{render_summaries(summaries)}"


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


class _ProgressLog:
    """Logs a line now and then: every line of a run's log is a request."""

    def __init__(self) -> None:
        self._logger: Logger = _run_logger()
        self._shown_at_s = 0.0

    def __call__(self, progress: Progress) -> None:
        if progress.elapsed_s - self._shown_at_s >= _LOG_EVERY_S:
            self._shown_at_s = progress.elapsed_s
            self._logger.info(
                "recorded %d records, coverage %.1f %%, %.0f s left",
                progress.records,
                100 * progress.coverage,
                progress.remaining_s,
            )


def _run_logger() -> Logger:
    try:
        return get_run_logger()
    except MissingContextError:
        return logging.getLogger(__name__)
