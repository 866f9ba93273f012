"""Synchronous flows that record a zone, each run as its own process by a test."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from prefect import flow

from instant_logs_plugin.prefect import (
    CaptureStore,
    CloudflareCredentials,
    InstantLogsZone,
    RecordingParameters,
    load_credentials,
    load_store,
    record_zone,
)

RECORDING = RecordingParameters(duration_s=100)


@flow
def by_block(zone_id: str) -> None:
    """Start a capture by its block, and wait for it."""
    zone = InstantLogsZone(
        zone_id=zone_id,
        credentials=CloudflareCredentials(
            api_token=os.environ["CLOUDFLARE_API_TOKEN"],
            base_url=os.environ["CLOUDFLARE_BASE_URL"],
        ),
        store=CaptureStore(uri=os.environ["INSTANT_LOGS_STORE"]),
        recording=RECORDING,
    )
    zone.trigger().wait_for_completion()


@flow
def by_task(zone_id: str) -> None:
    """Run the task on an event loop that is made for it."""
    asyncio.run(record(zone_id))


async def record(zone_id: str) -> None:
    """Record with what the environment names."""
    await record_zone(
        RECORDING,
        zone_id,
        credentials=await load_credentials(None),
        store=await load_store(None),
    )


if __name__ == "__main__":
    # A shell that starts a test in the background makes its children ignore SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    {"by_block": by_block, "by_task": by_task}[sys.argv[1]](sys.argv[2])
