"""What a run leaves behind for people: artifacts with a stable key per zone.

The key is stable so that the UI shows a zone's history. Their number depends on what
was run, never on traffic. None is made outside a run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prefect.artifacts import (
    acreate_link_artifact,
    acreate_markdown_artifact,
    acreate_table_artifact,
)
from prefect.assets import Asset, materialize
from prefect.cache_policies import NO_CACHE

from instant_logs_plugin.prefect.blocks import CaptureStore
from instant_logs_plugin.prefect.loading import artifact_key
from instant_logs_plugin.prefect.run import current_run
from instant_logs_plugin.prefect.tasks import summarize_capture, write_report
from instant_logs_plugin.store.layout import REQUESTS
from instant_logs_plugin.store.manifest import Manifest

__all__ = ["publish_capture", "publish_table"]


async def publish_capture(manifest: Manifest, store: CaptureStore) -> None:
    """Summarise a capture: ``traffic-snapshot-<zone>`` and ``top-paths-<zone>``.

    If the store asks for them: ``report-<zone>``, a link to the report's file, and a
    materialisation of the zone's asset.
    """
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
    if store.reports:
        await _publish_report(manifest, store)
    if store.assets:
        _publish_asset(manifest, store)


async def publish_table(
    key: str, rows: Sequence[Mapping[str, Any]], description: str
) -> None:
    """Leave a table; people read it, so shares have four digits."""
    if current_run() is not None:
        table = [{name: _short(value) for name, value in row.items()} for row in rows]
        await acreate_table_artifact(key=key, table=table, description=description)


def _short(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


async def _publish_report(manifest: Manifest, store: CaptureStore) -> None:
    path = write_report(manifest, store=store)
    await acreate_link_artifact(
        key=artifact_key("report", manifest.zone_id),
        link=Path(path).as_uri(),
        link_text=f"Report of capture {manifest.capture_id}",
        description="A file on the host that recorded it",
    )


def _publish_asset(manifest: Manifest, store: CaptureStore) -> None:
    """Have Prefect know that a zone's data grew: one asset per zone, not per file."""
    zone_id = manifest.zone_id
    asset = Asset(key=f"file://{store.open().root}/{REQUESTS}/zone_id={zone_id}")

    @materialize(
        asset,
        by="instant-logs-plugin",
        name="materialize-zone",
        task_run_name=f"materialize {zone_id}",
        cache_policy=NO_CACHE,
        persist_result=False,
    )
    def note() -> None:
        asset.add_metadata(
            {
                "capture_id": manifest.capture_id,
                "rows": manifest.written,
                "bytes": sum(segment.bytes for segment in manifest.segments),
                "coverage": manifest.coverage,
                "state": manifest.state.value,
            }
        )

    note()
