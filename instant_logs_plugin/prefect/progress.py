"""What a run shows while it records: a progress artifact and a line now and then.

Both are bounded by the capture's duration alone: traffic adds none.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from functools import partial
from uuid import UUID

from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact

from instant_logs_plugin.capture.recorder import Progress
from instant_logs_plugin.prefect.loading import artifact_key
from instant_logs_plugin.prefect.own_thread import OwnThread
from instant_logs_plugin.prefect.run import current_run, run_logger

__all__ = ["Shown", "show_progress"]

_UPDATE_EVERY_S, _MOST_UPDATES = 5.0, 200
_LOG_EVERY_S, _MOST_LINES = 10.0, 60
_LAST_WITHIN_S = 5.0


@contextlib.asynccontextmanager
async def show_progress(zone_id: str, duration_s: float) -> AsyncIterator[Shown]:
    """Yield what takes the progress of a capture and shows it; nothing outside a run.

    A server that does not answer costs the artifact, never the capture. It is kept in
    a thread of its own: the flow's event loop has nothing to do while a capture runs.
    """
    shown = Shown(duration_s)
    if current_run() is None:
        yield shown
        return
    keep = partial(shown.keep_artifact, zone_id)
    keeping = OwnThread(keep, "instant-logs-progress")
    keeping.start()
    try:
        yield shown
        shown.end()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WITHIN_S):
                await keeping.aresult()
    finally:
        shown.end()


class Shown:
    """How a capture stands, for people; told in one thread, shown in another."""

    def __init__(self, duration_s: float) -> None:
        self._has_news, self._is_over = threading.Event(), threading.Event()
        self._has_begun = False
        self._duration_s = duration_s
        self._log_every_s = max(_LOG_EVERY_S, duration_s / _MOST_LINES)
        self._update_every_s = max(_UPDATE_EVERY_S, duration_s / _MOST_UPDATES)
        self._logger = run_logger()
        self._logged_at_s = 0.0
        self._percent = 0.0

    def take(self, progress: Progress) -> None:
        """Note how far a capture has come."""
        self._has_begun = True
        self._has_news.set()
        self._percent = min(
            100.0, 100 * max(0.0, progress.elapsed_s / self._duration_s)
        )
        if progress.elapsed_s - self._logged_at_s >= self._log_every_s:
            self._logged_at_s = progress.elapsed_s
            self._logger.info(
                "recorded %d records, coverage %.1f %%, %.0f s left",
                progress.records,
                100 * progress.coverage,
                progress.remaining_s,
            )

    def complete(self) -> None:
        """Note that a capture has what it was asked for, however short it was."""
        self._percent = 100.0

    def end(self) -> None:
        """Note that there is no more progress."""
        self._is_over.set()
        self._has_news.set()

    async def keep_artifact(self, zone_id: str) -> None:
        """Keep an artifact up to date, from the first progress to the last."""
        await asyncio.to_thread(self._has_news.wait)
        if not self._has_begun:
            return
        try:
            artifact_id, is_over = await _create(zone_id), False
            while not is_over:
                wait = partial(self._is_over.wait, self._update_every_s)
                is_over = await asyncio.to_thread(wait)
                await aupdate_progress_artifact(artifact_id, self._percent)
        except Exception as exc:  # noqa: BLE001 - whatever the server's client raises
            self._logger.warning("no progress is shown: %s", type(exc).__name__)


async def _create(zone_id: str) -> UUID:
    return await acreate_progress_artifact(
        progress=0.0,
        key=artifact_key("progress", zone_id),
        description=f"Recording of zone {zone_id}",
    )
