"""The flow ``traffic-snapshot``: record a zone for a bounded time, leave a summary.

Stands alone, so that it can be copied, deployed by its path, and changed.
"""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact

from instant_logs_plugin.prefect import (
    CaptureParameters,
    artifact_key,
    load_client,
    load_store,
    record_capture,
    summarize_capture,
)
from instant_logs_plugin.store.manifest import manifest_document


@flow(name="traffic-snapshot", flow_run_name="snapshot {capture.zone_id}")
async def traffic_snapshot(
    capture: CaptureParameters,
    credentials: str | None = None,
    store: str | None = None,
) -> dict[str, Any]:
    """Record a zone's live traffic and leave a Markdown summary as an artifact.

    Args:
        capture: What to record.
        credentials: A saved block, like ``cloudflare-credentials/prod``; without it
            the environment of the worker (``CLOUDFLARE_API_TOKEN``, …).
        store: A saved ``CaptureStore`` block's name; without it the directory in
            ``INSTANT_LOGS_STORE``, or ``./captures``.

    Returns:
        The capture's manifest.

    Raises:
        InstantLogsError: Nothing was recorded, or less than ``min_coverage``; what was
            received is committed and summarised all the same.
    """
    options = capture.to_options()
    client, target = await load_client(credentials), await load_store(store)
    outcome = await record_capture(options, client=client, store=target)
    summary = summarize_capture(outcome.manifest, store=target)
    await acreate_markdown_artifact(
        key=artifact_key("traffic-snapshot", options.zone_id),
        markdown=summary,
        description=f"Traffic of zone {options.zone_id}",
    )
    if outcome.error is not None:
        raise outcome.error
    return manifest_document(outcome.manifest)
