"""Did the change make it worse? Two sides of captures, compared by metric and path."""

from __future__ import annotations

from instant_logs_plugin.analysis.compare.comparison import (
    Comparison,
    Verdict,
    compare_captures,
)
from instant_logs_plugin.analysis.compare.settings import CompareSettings

__all__ = ["CompareSettings", "Comparison", "Verdict", "compare_captures"]
