"""The plugin's Prefect side: blocks, tasks and what flows are made of.

Importing it registers the blocks (entry point ``prefect.collections``). The only
package below ``flows/`` that imports Prefect. Tasks and parameters load with their
first use: a server that registers blocks needs neither DuckDB nor Arrow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from instant_logs_plugin.prefect.blocks import (
    CaptureStore,
    CISCredentials,
    CloudflareCredentials,
)
from instant_logs_plugin.prefect.zone_block import InstantLogsRun, InstantLogsZone

if TYPE_CHECKING:
    from instant_logs_plugin.prefect.artifacts import publish_capture, publish_table
    from instant_logs_plugin.prefect.checking import (
        check_capture,
        check_parameters,
        compare_captures,
    )
    from instant_logs_plugin.prefect.fleet import ZoneResult, fleet_state
    from instant_logs_plugin.prefect.loading import (
        Credentials,
        artifact_key,
        load_credentials,
        load_flow,
        load_store,
    )
    from instant_logs_plugin.prefect.parameters import (
        CaptureParameters,
        CheckParameters,
        MaintenanceParameters,
        RecordingParameters,
        Rescheduling,
        ZoneId,
    )
    from instant_logs_plugin.prefect.rescheduling import end_skipped
    from instant_logs_plugin.prefect.serving import serve_flows
    from instant_logs_plugin.prefect.states import busy_state, capture_state
    from instant_logs_plugin.prefect.tasks import (
        record_capture,
        record_zone,
        summarize_capture,
        write_report,
    )
    from instant_logs_plugin.prefect.upkeep import (
        keep_in_order,
        prune_store,
        recover_after_stop,
        recover_store,
        verify_store,
    )

__all__ = [
    "CISCredentials",
    "CaptureParameters",
    "CaptureStore",
    "CheckParameters",
    "CloudflareCredentials",
    "Credentials",
    "InstantLogsRun",
    "InstantLogsZone",
    "MaintenanceParameters",
    "RecordingParameters",
    "Rescheduling",
    "ZoneId",
    "ZoneResult",
    "artifact_key",
    "busy_state",
    "capture_state",
    "check_capture",
    "check_parameters",
    "compare_captures",
    "end_skipped",
    "fleet_state",
    "keep_in_order",
    "load_credentials",
    "load_flow",
    "load_store",
    "prune_store",
    "publish_capture",
    "publish_table",
    "record_capture",
    "record_zone",
    "recover_after_stop",
    "recover_store",
    "serve_flows",
    "summarize_capture",
    "verify_store",
    "write_report",
]

_HOMES = {
    "CaptureParameters": "parameters",
    "CheckParameters": "parameters",
    "Credentials": "loading",
    "MaintenanceParameters": "parameters",
    "RecordingParameters": "parameters",
    "Rescheduling": "parameters",
    "ZoneId": "parameters",
    "ZoneResult": "fleet",
    "artifact_key": "loading",
    "busy_state": "states",
    "capture_state": "states",
    "check_capture": "checking",
    "check_parameters": "checking",
    "compare_captures": "checking",
    "end_skipped": "rescheduling",
    "fleet_state": "fleet",
    "keep_in_order": "upkeep",
    "load_credentials": "loading",
    "load_flow": "loading",
    "load_store": "loading",
    "prune_store": "upkeep",
    "publish_capture": "artifacts",
    "publish_table": "artifacts",
    "record_capture": "tasks",
    "record_zone": "tasks",
    "recover_after_stop": "upkeep",
    "recover_store": "upkeep",
    "serve_flows": "serving",
    "summarize_capture": "tasks",
    "verify_store": "upkeep",
    "write_report": "tasks",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
