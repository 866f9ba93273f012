"""A comparison as a JSON document with a stable schema (``docs/compare.md``).

Pure. Keys are added, never changed or removed, while ``schema_version`` stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from instant_logs_plugin.analysis.compare.judging import MetricResult
from instant_logs_plugin.analysis.compare.path_changes import PathChange
from instant_logs_plugin.analysis.compare.side import PathCounts, Side
from instant_logs_plugin.store.manifest import Manifest, format_time

if TYPE_CHECKING:
    from instant_logs_plugin.analysis.compare.result import Comparison

__all__ = ["SCHEMA_VERSION", "comparison_document", "metric_row"]

SCHEMA_VERSION = 1


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as plain values."""
    settings, paths = comparison.settings, comparison.paths
    return {
        "schema_version": SCHEMA_VERSION,
        "verdict": comparison.verdict.value,
        "reasons": list(comparison.reasons),
        "notes": list(comparison.notes),
        "baseline": _side(comparison.baseline),
        "candidate": _side(comparison.candidate),
        "metrics": [metric_row(one) for one in comparison.metrics],
        "mix": [dict(vars(one)) for one in comparison.mix],
        "paths": {
            "slow_ms": comparison.baseline.slow_ms,
            "worse": [_path(one) for one in paths.worse],
            "new_errors": [_path(one) for one in paths.new_errors],
            "vanished": [_path(one) for one in paths.vanished],
        },
        "settings": {
            "confidence": settings.confidence,
            "min_records": settings.min_records,
            "min_coverage": settings.min_coverage,
            "max_mix_shift": settings.max_mix_shift,
        },
    }


def metric_row(result: MetricResult) -> dict[str, Any]:
    """Return a result as one row; what was not computed is null."""
    metric, effect = result.metric, result.effect
    return {
        "metric": metric.name,
        "question": metric.question,
        "unit": metric.unit,
        "outcome": result.outcome.value,
        "baseline": effect.baseline if effect else None,
        "candidate": effect.candidate if effect else None,
        "difference": effect.difference if effect else None,
        "lower": effect.lower if effect else None,
        "upper": effect.upper if effect else None,
        "p": effect.p if effect else None,
        "p_adjusted": result.p_adjusted,
        "baseline_records": result.baseline_records,
        "candidate_records": result.candidate_records,
        "direction": metric.direction.value,
        "min_effect": metric.min_effect,
        "min_relative_effect": metric.min_relative_effect,
        "critical": metric.critical,
        "must_have_data": metric.must_have_data,
        "reason": result.reason,
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        "captures": [_capture(one) for one in side.captures],
        "where": side.where,
        "records": side.records,
        "requests": side.requests,
        "effective_records": side.size,
        "window_s": side.window_s,
        "coverage": side.coverage,
    }


def _capture(manifest: Manifest) -> dict[str, Any]:
    return {
        "capture_id": manifest.capture_id,
        "zone_id": manifest.zone_id,
        "state": manifest.state.value,
        "labels": manifest.labels,
        "started_at": format_time(manifest.started_at),
        "ended_at": format_time(manifest.ended_at) if manifest.ended_at else None,
        "coverage": manifest.coverage,
        "gaps": len(manifest.gaps),
    }


def _path(change: PathChange) -> dict[str, Any]:
    return {
        "path": change.path,
        "more_bad": change.more_bad,
        "p": change.p,
        "baseline": _counts(change.baseline),
        "candidate": _counts(change.candidate),
    }


def _counts(counts: PathCounts) -> dict[str, Any]:
    return dict(vars(counts))
