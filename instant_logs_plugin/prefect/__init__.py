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

if TYPE_CHECKING:
    from instant_logs_plugin.prefect.loading import (
        artifact_key,
        load_client,
        load_flow,
        load_store,
    )
    from instant_logs_plugin.prefect.parameters import CaptureParameters
    from instant_logs_plugin.prefect.tasks import record_capture, summarize_capture

__all__ = [
    "CISCredentials",
    "CaptureParameters",
    "CaptureStore",
    "CloudflareCredentials",
    "artifact_key",
    "load_client",
    "load_flow",
    "load_store",
    "record_capture",
    "summarize_capture",
]

_HOMES = {
    "CaptureParameters": "parameters",
    "artifact_key": "loading",
    "load_client": "loading",
    "load_flow": "loading",
    "load_store": "loading",
    "record_capture": "tasks",
    "summarize_capture": "tasks",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
