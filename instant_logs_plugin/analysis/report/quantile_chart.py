"""How long requests took: quantiles of each measure on one logarithmic axis.

Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from instant_logs_plugin.analysis.report.chart_style import AXIS, Row, Spec, fill, spec
from instant_logs_plugin.analysis.report.model import Chart, Swatch
from instant_logs_plugin.analysis.tables.formats import format_number
from instant_logs_plugin.analysis.tables.words import MEASURES

__all__ = ["quantile_chart"]

_QUANTILES = ("p50", "p90", "p95", "p99")
_WIDTH, _STEP, _TEXT_Y = 350, 40, 14
_LEAST_MS = 1
_STEPS = (1, 2, 5)
_MOST_TICKS = 5


def quantile_chart(rows: Sequence[Row]) -> Chart | None:
    """Return a line from p50 to p99 for each measure, its quantiles as points."""
    points = [point for index, row in enumerate(rows) for point in _points(index, row)]
    if not points:
        return None
    return Chart(
        title="Milliseconds, logarithmic",
        summary="; ".join(point["text"] for point in points),
        specs=(_spec(rows, points),),
        legend=tuple(Swatch(tone=name, label=name) for name in _QUANTILES),
    )


def _points(index: int, row: Row) -> list[Spec]:
    return [
        {
            "ms": max(row[f"{name}_ms"], _LEAST_MS),
            "y": index * _STEP + _STEP - 12,
            "fill": fill(name),
            "text": f"{_words(row)}, {name}: {format_number(row[f'{name}_ms'])} ms",
        }
        for name in _QUANTILES
        if row.get(f"{name}_ms") is not None
    ]


def _words(row: Row) -> str:
    measure = str(row["measure"])
    return MEASURES.get(measure, measure)


def _spec(rows: Sequence[Row], points: list[Spec]) -> Spec:
    labels = [
        {"text": _words(row), "y": index * _STEP + _TEXT_Y}
        for index, row in enumerate(rows)
    ]
    ticks = _ticks([point["ms"] for point in points])
    x = {
        "field": "ms",
        "type": "quantitative",
        "scale": {"type": "log", "domain": [ticks[0], ticks[-1]], "nice": False},
        "axis": {**AXIS, "grid": True, "values": ticks, "format": ",", "domain": False},
    }
    return spec(
        [_line_layer(points, x), _point_layer(points, x), _label_layer(labels)],
        width=_WIDTH,
        height=len(rows) * _STEP + 26,
        margins=(0, 14, 26, 8),
    )


def _ticks(values: Sequence[float]) -> list[int]:
    """Return 1, 2, 5, 10, … around the values, or only decades where those are many."""
    low, high = min(values), max(values)
    steps = [step * 10**power for power in range(8) for step in _STEPS]
    first = max(step for step in steps if step <= low)
    last = min((step for step in steps if step >= high), default=steps[-1])
    last = max(last, first * 2)
    ticks = [step for step in steps if first <= step <= last]
    if len(ticks) > _MOST_TICKS:
        ticks = [tick for tick in ticks if str(tick)[0] == "1" or tick in {first, last}]
    return ticks


def _line_layer(points: list[Spec], x: Spec) -> Spec:
    return {
        "data": {"values": points},
        "mark": {"type": "line", "stroke": "var(--axis)", "aria": False},
        "encoding": {"x": x, "y": _y(), "detail": {"field": "y"}},
    }


def _point_layer(points: list[Spec], x: Spec) -> Spec:
    return {
        "data": {"values": points},
        "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
        "encoding": {
            "x": x,
            "y": _y(),
            "fill": {"field": "fill", "type": "nominal", "scale": None},
            "description": {"field": "text"},
        },
    }


def _label_layer(labels: list[Spec]) -> Spec:
    return {
        "data": {"values": labels},
        "mark": {
            "type": "text",
            "align": "left",
            "baseline": "alphabetic",
            "fill": "var(--ink)",
            "fontSize": 13,
            "aria": False,
        },
        "encoding": {"x": {"value": 0}, "y": _y(), "text": {"field": "text"}},
    }


def _y() -> Spec:
    return {"field": "y", "type": "quantitative", "scale": None, "axis": None}
