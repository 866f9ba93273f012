"""The flow ``deploy-check``: record a zone after a deployment, tell if it got worse.

Run it from a pipeline, with an idempotency key; its state is the verdict.
"""

from __future__ import annotations

import asyncio
from typing import Any

from prefect import flow

from instant_logs_plugin.errors import ZoneBusy
from instant_logs_plugin.prefect import (
    CaptureParameters,
    CheckParameters,
    busy_state,
    capture_state,
    check_capture,
    check_parameters,
    end_skipped,
    load_credentials,
    load_store,
    publish_capture,
    record_zone,
    recover_after_stop,
)


@flow(
    name="deploy-check",
    flow_run_name="check {capture.zone_id}",
    on_cancellation=[recover_after_stop],
    on_crashed=[recover_after_stop],
)
async def deploy_check(
    capture: CaptureParameters,
    check: CheckParameters | None = None,
    credentials: str | None = None,
    store: str | None = None,
) -> Any:
    """Record a zone and compare it with its last good capture, or with a named one.

    Args:
        capture: What to record.
        check: What to hold it against, and when to fail.
        credentials: A saved block, like cloudflare-credentials/prod; else those in
            the worker's environment.
        store: A saved CaptureStore block; else the worker's INSTANT_LOGS_STORE.

    Returns:
        The comparison as a document, or the manifest of a capture that became the
        zone's first baseline; None when the zone was taken and the run skipped.

    Raises:
        InstantLogsError: Nothing was recorded, or less than ``min_coverage``.
        FailedRun: The zone is worse than before (the state's name is ``Worse``).
    """
    asked = check or CheckParameters()
    access, target = await load_credentials(credentials), await load_store(store)
    check_parameters(capture, asked, target)
    await asyncio.sleep(asked.warm_up_s)
    labels = {"revision": asked.revision} if asked.revision else {}
    capture = capture.model_copy(update={"labels": labels | capture.labels})
    try:
        outcome = await record_zone(
            capture, capture.zone_id, credentials=access, store=target
        )
    except ZoneBusy as exc:
        return busy_state(exc)
    if outcome is None:
        return await end_skipped(None)
    await publish_capture(outcome.manifest, target)
    if outcome.error is not None:
        return capture_state(outcome.manifest, outcome.error)
    return await check_capture(
        outcome.manifest, capture=capture, check=asked, store=target
    )
