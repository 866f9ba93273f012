"""Did the change make it worse? Two sides of captures, compared by metric and path."""

from __future__ import annotations

from instant_logs_plugin.analysis.compare.comparison import compare_captures
from instant_logs_plugin.analysis.compare.result import Comparison, Verdict
from instant_logs_plugin.analysis.compare.settings import CompareSettings
from instant_logs_plugin.analysis.compare.settings_file import read_settings

__all__ = [
    "CompareSettings",
    "Comparison",
    "Verdict",
    "compare_captures",
    "read_settings",
]
