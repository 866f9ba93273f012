"""The flow ``traffic-snapshot``: record a zone for a bounded time, leave a summary.

Stands alone, so that it can be copied, deployed by its path, and changed.
"""

from __future__ import annotations

from typing import Any

from prefect import flow

from instant_logs_plugin.errors import ZoneBusy
from instant_logs_plugin.prefect import (
    CaptureParameters,
    Rescheduling,
    busy_state,
    capture_state,
    end_skipped,
    load_credentials,
    load_store,
    publish_capture,
    record_zone,
    recover_after_stop,
)


@flow(
    name="traffic-snapshot",
    flow_run_name="snapshot {capture.zone_id}",
    on_cancellation=[recover_after_stop],
    on_crashed=[recover_after_stop],
)
async def traffic_snapshot(
    capture: CaptureParameters,
    credentials: str | None = None,
    store: str | None = None,
    again: Rescheduling | None = None,
) -> Any:
    """Record a zone's live traffic and leave a Markdown summary as an artifact.

    Args:
        capture: What to record.
        credentials: A saved block, like cloudflare-credentials/prod; else those in
            the worker's environment.
        store: A saved CaptureStore block; else the worker's INSTANT_LOGS_STORE.
        again: When a run that ends as Skipped runs its deployment again.

    Returns:
        The capture's manifest; None when the zone was taken and the run skipped.

    Raises:
        InstantLogsError: Nothing was recorded, or less than ``min_coverage``; what was
            received is committed and summarised all the same.
    """
    capture.to_options()
    access, target = await load_credentials(credentials), await load_store(store)
    try:
        outcome = await record_zone(
            capture, capture.zone_id, credentials=access, store=target
        )
    except ZoneBusy as exc:
        return busy_state(exc)
    if outcome is None:
        return await end_skipped(again)
    await publish_capture(outcome.manifest, target)
    return capture_state(outcome.manifest, outcome.error)
