"""A bounded recorder for Cloudflare Instant Logs, as a Prefect plugin.

The public names, each loaded with its first use: importing the package loads neither
Arrow, DuckDB nor Prefect. Blocks are the only ones here that need Prefect; its tasks
are in ``instant_logs_plugin.prefect``, every error in ``instant_logs_plugin.errors``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from instant_logs_plugin.analysis.compare import (
        CompareSettings,
        Comparison,
        Verdict,
        compare_captures,
        read_settings,
    )
    from instant_logs_plugin.analysis.database import open_database
    from instant_logs_plugin.analysis.opened_store import open_store
    from instant_logs_plugin.analysis.report import (
        render_markdown_report,
        render_report,
    )
    from instant_logs_plugin.analysis.summaries import run_summaries
    from instant_logs_plugin.capture.options import (
        BusyPolicy,
        CaptureOptions,
        OnBusy,
    )
    from instant_logs_plugin.capture.privacy import AnonymizeIp
    from instant_logs_plugin.capture.record import (
        CaptureOutcome,
        CaptureSetup,
        record_capture,
    )
    from instant_logs_plugin.capture.recorder import Progress
    from instant_logs_plugin.capture.stop import StopRequest
    from instant_logs_plugin.capture.window import Bounds
    from instant_logs_plugin.edge.client import (
        SessionClient,
        cis_provider,
        cloudflare_provider,
    )
    from instant_logs_plugin.edge.credentials import ApiKeyAuth, IamAuth, TokenAuth
    from instant_logs_plugin.edge.fields import parse_fields
    from instant_logs_plugin.edge.filters import format_filter, parse_filter
    from instant_logs_plugin.errors import InstantLogsError, is_transient
    from instant_logs_plugin.prefect.blocks import (
        CaptureStore,
        CISCredentials,
        CloudflareCredentials,
    )
    from instant_logs_plugin.store.manifest import CaptureState, Manifest

__all__ = [
    "AnonymizeIp",
    "ApiKeyAuth",
    "Bounds",
    "BusyPolicy",
    "CISCredentials",
    "CaptureOptions",
    "CaptureOutcome",
    "CaptureSetup",
    "CaptureState",
    "CaptureStore",
    "CloudflareCredentials",
    "CompareSettings",
    "Comparison",
    "IamAuth",
    "InstantLogsError",
    "Manifest",
    "OnBusy",
    "Progress",
    "SessionClient",
    "StopRequest",
    "TokenAuth",
    "Verdict",
    "cis_provider",
    "cloudflare_provider",
    "compare_captures",
    "format_filter",
    "is_transient",
    "open_database",
    "open_store",
    "parse_fields",
    "parse_filter",
    "read_settings",
    "record_capture",
    "render_markdown_report",
    "render_report",
    "run_summaries",
]

_HOMES = {
    "AnonymizeIp": "capture.privacy",
    "ApiKeyAuth": "edge.credentials",
    "Bounds": "capture.window",
    "BusyPolicy": "capture.options",
    "CISCredentials": "prefect.blocks",
    "CaptureOptions": "capture.options",
    "CaptureOutcome": "capture.record",
    "CaptureSetup": "capture.record",
    "CaptureState": "store.manifest",
    "CaptureStore": "prefect.blocks",
    "CloudflareCredentials": "prefect.blocks",
    "CompareSettings": "analysis.compare",
    "Comparison": "analysis.compare",
    "IamAuth": "edge.credentials",
    "InstantLogsError": "errors",
    "Manifest": "store.manifest",
    "OnBusy": "capture.options",
    "Progress": "capture.recorder",
    "SessionClient": "edge.client",
    "StopRequest": "capture.stop",
    "TokenAuth": "edge.credentials",
    "Verdict": "analysis.compare",
    "cis_provider": "edge.client",
    "cloudflare_provider": "edge.client",
    "compare_captures": "analysis.compare",
    "format_filter": "edge.filters",
    "is_transient": "errors",
    "open_database": "analysis.database",
    "open_store": "analysis.opened_store",
    "parse_fields": "edge.fields",
    "parse_filter": "edge.filters",
    "read_settings": "analysis.compare",
    "record_capture": "capture.record",
    "render_markdown_report": "analysis.report",
    "render_report": "analysis.report",
    "run_summaries": "analysis.summaries",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
