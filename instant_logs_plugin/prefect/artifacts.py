"""What a run leaves behind for people: artifacts with a stable key per zone.

The key is stable so that the UI shows a zone's history. Their number depends on what
was run, never on traffic. None is made outside a run.
"""

from __future__ import annotations

from typing import Any

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from instant_logs_plugin.prefect.blocks import CaptureStore
from instant_logs_plugin.prefect.loading import artifact_key
from instant_logs_plugin.prefect.run import current_run
from instant_logs_plugin.prefect.tasks import summarize_capture
from instant_logs_plugin.store.manifest import Manifest

__all__ = ["publish_capture", "publish_table"]


async def publish_capture(manifest: Manifest, store: CaptureStore) -> None:
    """Summarise a capture: ``traffic-snapshot-<zone>`` and ``top-paths-<zone>``."""
    if current_run() is None:
        return
    summary = summarize_capture(manifest, store=store)
    zone_id = manifest.zone_id
    await acreate_markdown_artifact(
        key=artifact_key("traffic-snapshot", zone_id),
        markdown=summary.markdown,
        description=f"Traffic of zone {zone_id}",
    )
    if summary.top_paths:
        description = f"Paths of zone {zone_id} that are asked for the most"
        key = artifact_key("top-paths", zone_id)
        await publish_table(key, summary.top_paths, description)


async def publish_table(key: str, rows: list[dict[str, Any]], description: str) -> None:
    """Leave a table."""
    if current_run() is not None:
        await acreate_table_artifact(key=key, table=rows, description=description)
