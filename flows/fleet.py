"""The flow ``fleet-snapshot``: record several zones at once, in one process.

For tens of zones; beyond that, or for busy ones, run ``traffic-snapshot`` once per
zone.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from prefect import flow
from pydantic import Field

from instant_logs_plugin.prefect import (
    RecordingParameters,
    ZoneId,
    ZoneResult,
    fleet_state,
    load_credentials,
    load_store,
    publish_capture,
    publish_table,
    record_zone,
    recover_after_stop,
)

Zones = Annotated[list[ZoneId], Field(min_length=1, max_length=50)]


@flow(
    name="fleet-snapshot",
    flow_run_name="snapshots of a fleet",
    on_cancellation=[recover_after_stop],
    on_crashed=[recover_after_stop],
)
async def fleet_snapshot(
    zones: Zones,
    recording: RecordingParameters | None = None,
    credentials: str | None = None,
    store: str | None = None,
) -> Any:
    """Record zones at the same time; one that fails does not stop the others.

    Args:
        zones: The zones' ids; one that is named twice is recorded once.
        recording: How to record each.
        credentials: A saved block, like cloudflare-credentials/prod; else those in
            the worker's environment.
        store: A saved CaptureStore block; else the worker's INSTANT_LOGS_STORE.

    Returns:
        By zone: the state, the records and the coverage of its capture, or why there
        is none.
    """
    asked, names = recording or RecordingParameters(), list(dict.fromkeys(zones))
    asked.options_for(names[0])
    access, target = await load_credentials(credentials), await load_store(store)
    captures = [
        record_zone(asked, zone_id, credentials=access, store=target)
        for zone_id in names
    ]
    ended = await asyncio.gather(*captures, return_exceptions=True)
    results = [ZoneResult.of(*pair) for pair in zip(names, ended, strict=True)]
    for result in results:
        if result.manifest is not None:
            await publish_capture(result.manifest, target)
    rows = [result.row() for result in results]
    await publish_table("fleet-snapshot", rows, "Zones that were recorded together")
    return fleet_state(results)
