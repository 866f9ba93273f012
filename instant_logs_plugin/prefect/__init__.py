"""The plugin's Prefect side: blocks and tasks.

Importing it registers the blocks (entry point ``prefect.collections``). The only
package below ``flows/`` that imports Prefect.
"""

from __future__ import annotations

from instant_logs_plugin.prefect.blocks import (
    CaptureStore,
    CISCredentials,
    CloudflareCredentials,
)
from instant_logs_plugin.prefect.tasks import record_capture, summarize_capture

__all__ = [
    "CISCredentials",
    "CaptureStore",
    "CloudflareCredentials",
    "record_capture",
    "summarize_capture",
]
