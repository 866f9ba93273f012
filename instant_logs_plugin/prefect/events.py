"""Events that automations start from; none outside a run.

The resource of each is ``instant-logs.zone.<zone_id>``; Prefect adds the flow run and
its flow by itself.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from prefect.events import emit_event

from instant_logs_plugin.capture.window import GapReason
from instant_logs_plugin.errors import InstantLogsError, ZoneBusy
from instant_logs_plugin.prefect.run import current_run
from instant_logs_plugin.store.manifest import Manifest, format_time

__all__ = [
    "EventName",
    "emit_busy",
    "emit_capture",
    "emit_failure",
    "emit_zone_event",
]


class EventName(StrEnum):
    """What automations match on."""

    COMPLETED = "instant-logs.capture.completed"
    """A capture ended as asked, with no gap."""
    PARTIAL = "instant-logs.capture.partial"
    """A capture ended as asked, with gaps."""
    SKIPPED = "instant-logs.capture.skipped"
    """The zone was taken, and the run was told not to wait."""
    FAILED = "instant-logs.capture.failed"
    """Nothing was recorded, or less than was asked for."""
    BUSY = "instant-logs.zone.busy"
    """Somebody else held the zone and stayed."""
    SUPERSEDED = "instant-logs.zone.superseded"
    """Somebody else took the zone while it was recorded."""
    COMPARE_FAILED = "instant-logs.compare.failed"
    """A capture is worse than its baseline."""


def emit_capture(
    manifest: Manifest, error: InstantLogsError | None, *, store: str
) -> None:
    """Tell how a capture ended."""
    name = EventName.PARTIAL if manifest.gaps else EventName.COMPLETED
    payload = _payload(manifest, error, store)
    zone_id = manifest.zone_id
    emit_zone_event(EventName.FAILED if error else name, zone_id, payload)
    if any(gap.reason == GapReason.SESSION_SUPERSEDED for gap in manifest.gaps):
        emit_zone_event(EventName.SUPERSEDED, zone_id, payload)


def emit_busy(exc: ZoneBusy, *, is_skipped: bool) -> None:
    """Tell that a zone was taken, and what became of the capture."""
    payload = {"zone_id": exc.zone_id, "holder": exc.holder, "since": exc.since}
    emit_zone_event(EventName.BUSY, exc.zone_id, payload)
    name = EventName.SKIPPED if is_skipped else EventName.FAILED
    emit_zone_event(name, exc.zone_id, payload | {"error": str(exc)})


def emit_failure(zone_id: str, error: BaseException) -> None:
    """Tell that a capture ended without a manifest in hand."""
    text = str(error) if isinstance(error, InstantLogsError) else type(error).__name__
    emit_zone_event(EventName.FAILED, zone_id, {"zone_id": zone_id, "error": text})


def emit_zone_event(name: EventName, zone_id: str, payload: dict[str, Any]) -> None:
    """Emit an event about a zone; nothing outside a run, where it could block."""
    if current_run() is not None:
        resource = {
            "prefect.resource.id": f"instant-logs.zone.{zone_id}",
            "prefect.resource.name": zone_id,
        }
        emit_event(name.value, resource=resource, payload=payload)


def _payload(
    manifest: Manifest, error: InstantLogsError | None, store: str
) -> dict[str, Any]:
    window = manifest.window
    lost_at = manifest.lease_lost_at
    return {
        "zone_id": manifest.zone_id,
        "capture_id": manifest.capture_id,
        "state": manifest.state.value,
        "end_reason": manifest.end_reason,
        "error": str(error) if error else None,
        "store": store,
        "labels": manifest.labels,
        "window_start": format_time(window.start) if window.start else None,
        "window_end": format_time(window.end) if window.end else None,
        "received": manifest.received,
        "written": manifest.written,
        "rejected": manifest.rejected,
        "coverage": manifest.coverage,
        "gaps": len(manifest.gaps),
        "lease_lost_at": format_time(lost_at) if lost_at else None,
    }
