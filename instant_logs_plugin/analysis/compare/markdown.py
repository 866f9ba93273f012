"""A comparison for people: verdict and reasons first, then figures, then where to look.

Pure. Text that requests carry (paths) is escaped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from instant_logs_plugin.analysis.compare.figures import (
    format_difference,
    format_interval,
    format_p,
    format_value,
)
from instant_logs_plugin.analysis.compare.judging import MetricResult
from instant_logs_plugin.analysis.compare.path_changes import PathChange, PathChanges
from instant_logs_plugin.analysis.compare.side import PathCounts, Side
from instant_logs_plugin.analysis.rendering import render_markdown

if TYPE_CHECKING:
    from instant_logs_plugin.analysis.compare.result import Comparison

__all__ = ["metric_table", "path_tables", "render_comparison"]

Table = list[dict[str, str]]


def render_comparison(comparison: Comparison) -> str:
    """Return a comparison as Markdown."""
    parts = [
        f"# Comparison: {comparison.verdict.value}\n",
        _list(comparison.reasons),
        _sides(comparison),
        render_markdown(
            metric_table(comparison.metrics, comparison.settings.confidence)
        ),
        *(
            f"## {title}\n\n{render_markdown(table)}"
            for title, table in path_tables(comparison.paths).items()
        ),
    ]
    if comparison.notes:
        parts.append(f"## To keep in mind\n\n{_list(comparison.notes)}")
    return "\n".join(parts)


def metric_table(results: tuple[MetricResult, ...], confidence: float) -> Table:
    """Return the metrics as text; ``*`` marks the critical ones."""
    return [_metric(one, f"{confidence:.0%} interval") for one in results]


def path_tables(paths: PathChanges) -> dict[str, Table]:
    """Return the tables of paths by title, as text; none that is empty."""
    tables = {
        "Paths that got worse the most": _worse(paths.worse),
        "Paths with new errors": _new_errors(paths.new_errors),
        "Paths that vanished": _vanished(paths.vanished),
    }
    return {title: table for title, table in tables.items() if table}


def _worse(changes: tuple[PathChange, ...]) -> Table:
    return [
        {
            "path": one.path,
            "requests": _arrow(one, lambda c: f"{c.requests:,.0f}"),
            "5xx": _arrow(one, lambda c: _share(c.server_errors, c.requests)),
            "4xx": _arrow(one, lambda c: _share(c.client_errors, c.requests)),
            "slow": _arrow(one, lambda c: _share(c.slow, c.requests)),
            "more that fare badly": f"{one.more_bad:,.0f}",
        }
        for one in changes
    ]


def _new_errors(changes: tuple[PathChange, ...]) -> Table:
    return [
        {
            "path": one.path,
            "requests before": f"{one.baseline.requests:,.0f}",
            "requests": f"{one.candidate.requests:,.0f}",
            "5xx": f"{one.candidate.server_errors:,.0f}",
            "4xx": f"{one.candidate.client_errors:,.0f}",
        }
        for one in changes
    ]


def _vanished(changes: tuple[PathChange, ...]) -> Table:
    return [
        {"path": one.path, "requests before": f"{one.baseline.requests:,.0f}"}
        for one in changes
    ]


def _list(sentences: tuple[str, ...]) -> str:
    return "".join(f"- {_escaped(sentence)}\n" for sentence in sentences)


def _sides(comparison: Comparison) -> str:
    sides = {"baseline": comparison.baseline, "candidate": comparison.candidate}
    is_split = any(side.where for side in sides.values())
    return render_markdown(
        [_side(name, side, is_split=is_split) for name, side in sides.items()]
    )


def _side(name: str, side: Side, *, is_split: bool) -> dict[str, str]:
    return {
        "side": name,
        "captures": ", ".join(one.capture_id for one in side.captures),
        **({"where": side.where} if is_split else {}),
        "records": f"{side.records:,}",
        "requests": f"{side.requests:,.0f}",
        "seconds": f"{side.window_s:,.1f}",
        "coverage": f"{side.coverage:.1%}",
    }


def _metric(result: MetricResult, interval: str) -> dict[str, str]:
    metric, effect = result.metric, result.effect
    name = f"{metric.name} *" if metric.critical else metric.name
    if effect is None:
        empty = dict.fromkeys(
            ("baseline", "candidate", "difference", interval, "p"), ""
        )
        return {
            "metric": name,
            **empty,
            "outcome": f"{result.outcome}: {result.reason}",
        }
    unit = metric.unit
    return {
        "metric": name,
        "baseline": format_value(effect.baseline, unit),
        "candidate": format_value(effect.candidate, unit),
        "difference": format_difference(effect.difference, unit),
        interval: format_interval(effect.lower, effect.upper, unit),
        "p": format_p(result.p_adjusted),
        "outcome": result.outcome.value,
    }


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.1%}" if whole else "none"


def _arrow(change: PathChange, text: Callable[[PathCounts], str]) -> str:
    return f"{text(change.baseline)} → {text(change.candidate)}"


def _escaped(sentence: str) -> str:
    """Return text that stands for itself in Markdown, on one line."""
    return render_markdown([{"": sentence}]).splitlines()[2][2:-2]
