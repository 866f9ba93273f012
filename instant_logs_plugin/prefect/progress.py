"""What a run shows while it records: a progress artifact and a line now and then.

Both are bounded by the capture's duration alone: traffic adds none.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from uuid import UUID

from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact

from instant_logs_plugin.capture.recorder import Progress
from instant_logs_plugin.prefect.loading import artifact_key
from instant_logs_plugin.prefect.run import current_run, run_logger

__all__ = ["show_progress"]

_UPDATE_EVERY_S, _MOST_UPDATES = 5.0, 200
_LOG_EVERY_S, _MOST_LINES = 10.0, 60


@contextlib.asynccontextmanager
async def show_progress(
    zone_id: str, duration_s: float
) -> AsyncIterator[Callable[[Progress], None]]:
    """Yield what takes the progress of a capture and shows it; nothing outside a run.

    A server that does not answer costs the artifact, never the capture.
    """
    shown = _Shown(duration_s)
    if current_run() is None:
        yield shown.take
        return
    updating = asyncio.create_task(shown.keep_artifact(zone_id))
    try:
        yield shown.take
    finally:
        updating.cancel()


class _Shown:
    def __init__(self, duration_s: float) -> None:
        self._duration_s = duration_s
        self._log_every_s = max(_LOG_EVERY_S, duration_s / _MOST_LINES)
        self._update_every_s = max(_UPDATE_EVERY_S, duration_s / _MOST_UPDATES)
        self._logger = run_logger()
        self._logged_at_s = 0.0
        self._percent = 0.0

    def take(self, progress: Progress) -> None:
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

    async def keep_artifact(self, zone_id: str) -> None:
        try:
            artifact_id = await _create(zone_id)
            while True:
                await asyncio.sleep(self._update_every_s)
                await aupdate_progress_artifact(artifact_id, self._percent)
        except Exception as exc:  # noqa: BLE001 - whatever the server's client raises
            self._logger.warning("no progress is shown: %s", type(exc).__name__)


async def _create(zone_id: str) -> UUID:
    return await acreate_progress_artifact(
        progress=0.0,
        key=artifact_key("progress", zone_id),
        description=f"Recording of zone {zone_id}",
    )
