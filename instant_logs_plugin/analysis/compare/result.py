"""What a comparison comes to, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from instant_logs_plugin.analysis.compare.comparability import MixShift
from instant_logs_plugin.analysis.compare.document import comparison_document
from instant_logs_plugin.analysis.compare.judging import MetricResult
from instant_logs_plugin.analysis.compare.markdown import render_comparison
from instant_logs_plugin.analysis.compare.path_changes import PathChanges
from instant_logs_plugin.analysis.compare.settings import CompareSettings
from instant_logs_plugin.analysis.compare.side import Side

__all__ = ["Comparison", "Verdict"]


class Verdict(StrEnum):
    """What a comparison comes to."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two sides compared.

    Attributes:
        verdict: By the rule of ``comparison``.
        reasons: Why, one sentence each; never empty.
        notes: What to keep in mind, one sentence each.
        baseline: What was there before.
        candidate: What is judged.
        metrics: Results in the order of the settings.
        mix: How far the mix of traffic moved.
        paths: Where to look.
        settings: What it was judged by.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    baseline: Side
    candidate: Side
    metrics: tuple[MetricResult, ...]
    mix: tuple[MixShift, ...]
    paths: PathChanges
    settings: CompareSettings

    def document(self) -> dict[str, Any]:
        """Return it as plain values for JSON; ``docs/compare.md`` has the schema."""
        return comparison_document(self)

    def markdown(self) -> str:
        """Return it as Markdown for people: the verdict first."""
        return render_comparison(self)
