"""Ranked bars: the largest rows of a table, split by how the requests fared.

Pure. A label stands above its bar, so that a long path has room on a phone too; a
whisker is the estimate's confidence interval.
"""

from __future__ import annotations

from collections.abc import Sequence

from instant_logs_plugin.analysis.report.chart_style import Row, Spec, fill, spec
from instant_logs_plugin.analysis.report.model import Chart, Swatch
from instant_logs_plugin.analysis.tables.columns import bounds, make_cell
from instant_logs_plugin.analysis.tables.formats import format_share, format_value
from instant_logs_plugin.analysis.tables.model import Column, Kind

__all__ = ["rank_chart"]

_MOST_BARS, _FEWEST_BARS = 10, 2
_WIDTH, _STEP, _BAR, _TEXT_Y = 350, 36, 9, 15
_DIGIT_PX, _SPACE_PX = 8, 12
_LABEL_LENGTH = 60
_CLASSES = {"4": "warn", "5": "bad"}

Segment = tuple[str, str, float]
"""Tone, what it stands for, amount."""


def rank_chart(columns: Sequence[Column], rows: Sequence[Row]) -> Chart | None:
    """Return bars of the first rows' estimates; None when there is nothing to rank."""
    names = [column.name for column in columns]
    if "estimate" not in names or len(rows) < _FEWEST_BARS:
        return None
    at = names.index("estimate")
    drawn = [row for row in rows[:_MOST_BARS] if row["estimate"]]
    telling = _telling(columns[:at], drawn)
    labels = [_label(telling, row) for row in drawn]
    segments = [_segments(columns[at], row) for row in drawn]
    values = [_value(columns[at], row) for row in drawn]
    most = f"the first {len(drawn)} of {len(rows)}" if len(rows) > len(drawn) else ""
    return Chart(
        title=f"{columns[at].label}{f', {most}' if most else ''}",
        summary="; ".join(
            f"{label}: {value}" for label, value in zip(labels, values, strict=True)
        ),
        specs=(_spec(columns[at], drawn, labels, values),),
        legend=_legend(segments),
    )


def _spec(
    estimate: Column,
    rows: Sequence[Row],
    labels: Sequence[str],
    values: Sequence[str],
) -> Spec:
    top = max((bounds("estimate", row) or (0, 0))[1] for row in rows)
    top = max([top, *(row["estimate"] for row in rows)])
    scale = {"domain": [0, top], "nice": False}
    return spec(
        [
            _bar_layer(estimate, rows, labels, scale),
            _whisker_layer(estimate, rows, labels, scale),
            _text_layer(labels, align="left", limit=_label_px(values)),
            _text_layer(values, align="right", limit=_WIDTH),
        ],
        width=_WIDTH,
        height=len(rows) * _STEP,
        margins=(0, 0, 0, 0),
    )


def _bar_layer(
    estimate: Column, rows: Sequence[Row], labels: Sequence[str], scale: Spec
) -> Spec:
    bars = []
    for index, (row, label) in enumerate(zip(rows, labels, strict=True)):
        start = 0.0
        for tone, what, amount in _segments(estimate, row):
            told = f"{format_value(estimate.kind, amount)} {what}".rstrip()
            bars.append(
                {
                    "start": start,
                    "end": start + amount,
                    "top": index * _STEP + _STEP - _BAR - 6,
                    "bottom": index * _STEP + _STEP - 6,
                    "fill": fill(tone),
                    "text": f"{label}: {told}",
                }
            )
            start += amount
    return {
        "data": {"values": bars},
        "mark": {"type": "rect", "opacity": 1},
        "encoding": {
            "x": {**_x("start"), "scale": scale},
            "x2": {"field": "end"},
            "y": _y("top"),
            "y2": {"field": "bottom"},
            "fill": {"field": "fill", "type": "nominal", "scale": None},
            "description": {"field": "text"},
        },
    }


def _whisker_layer(
    estimate: Column, rows: Sequence[Row], labels: Sequence[str], scale: Spec
) -> Spec:
    whiskers = []
    for index, (row, label) in enumerate(zip(rows, labels, strict=True)):
        limits = bounds("estimate", row)
        if limits and limits[0] != limits[1]:
            middle = index * _STEP + _STEP - 6 - _BAR / 2
            cell = make_cell(estimate, row)
            told = f"{cell.text} {_noun(estimate)}".rstrip()
            whiskers.append(
                {
                    "low": limits[0],
                    "high": limits[1],
                    "y": middle,
                    "text": f"{label}: {told} ({cell.interval})",
                }
            )
    return {
        "data": {"values": whiskers},
        "mark": {"type": "rule", "stroke": "var(--ink)", "strokeWidth": 1.25},
        "encoding": {
            "x": {**_x("low"), "scale": scale},
            "x2": {"field": "high"},
            "y": _y("y"),
            "description": {"field": "text"},
        },
    }


def _label_px(values: Sequence[str]) -> int:
    """Return the room that the values leave for labels."""
    return _WIDTH - _SPACE_PX - _DIGIT_PX * max(map(len, values))


def _text_layer(texts: Sequence[str], *, align: str, limit: int) -> Spec:
    values = [
        {"text": text, "y": index * _STEP + _TEXT_Y} for index, text in enumerate(texts)
    ]
    return {
        "data": {"values": values},
        "mark": {
            "type": "text",
            "align": align,
            "baseline": "alphabetic",
            "fill": "var(--ink)" if align == "left" else "var(--muted)",
            "fontSize": 13,
            "limit": limit,
            "aria": False,
        },
        "encoding": {
            "x": {"value": 0 if align == "left" else _WIDTH},
            "y": _y("y"),
            "text": {"field": "text", "type": "nominal"},
        },
    }


def _x(field: str) -> Spec:
    return {"field": field, "type": "quantitative", "axis": None}


def _y(field: str) -> Spec:
    """Place by pixel: rows have one height, however many there are."""
    return {"field": field, "type": "quantitative", "scale": None, "axis": None}


def _telling(columns: Sequence[Column], rows: Sequence[Row]) -> list[Column]:
    """Return the columns it takes to tell the rows apart, the first in any case."""
    telling = list(columns[:1])
    for column in columns[1:]:
        if _distinct([*telling, column], rows) > _distinct(telling, rows):
            telling.append(column)
    return telling


def _distinct(columns: Sequence[Column], rows: Sequence[Row]) -> int:
    return len({tuple(str(row[column.name]) for column in columns) for row in rows})


def _label(columns: Sequence[Column], row: Row) -> str:
    texts = [_name(column, row) for column in columns[:1]]
    texts += [
        f"{column.label.lower()} {_name(column, row)}"
        if column.kind is Kind.ID
        else _name(column, row)
        for column in columns[1:]
    ]
    return _cut(" · ".join(texts))


def _cut(text: str) -> str:
    """Cut what no chart has room for: measuring long texts takes long."""
    return text if len(text) <= _LABEL_LENGTH else f"{text[:_LABEL_LENGTH]}…"


def _name(column: Column, row: Row) -> str:
    return make_cell(column, row).text or "(none)"


def _value(column: Column, row: Row) -> str:
    text = make_cell(column, row).text
    share = row.get("share")
    return text if share is None else f"{text} · {format_share(share)}"


def _noun(estimate: Column) -> str:
    """Return what is counted; a size has its unit."""
    return "" if estimate.kind is Kind.BYTES else estimate.label.lower()


def _segments(estimate: Column, row: Row) -> list[Segment]:
    """Split a row's estimate by what its other columns know of it."""
    total = float(row["estimate"])
    if row.get("status") is not None:
        status = str(row["status"])
        return [(_CLASSES.get(status[0], "plain"), f"answered with {status}", total)]
    if row.get("hit_share") is not None:
        hits = total * row["hit_share"]
        return [
            ("plain", "served by the cache", hits),
            ("quiet", "not served by the cache", total - hits),
        ]
    return _by_outcome(row, total, _noun(estimate))


def _by_outcome(row: Row, total: float, noun: str) -> list[Segment]:
    errors = [_errors(row, "client", total), _errors(row, "server", total)]
    rest = total - sum(errors)
    parts = [
        ("plain", f"other {noun}" if any(errors) else noun, rest),
        ("warn", "answered with 4xx", errors[0]),
        ("bad", "answered with 5xx", errors[1]),
    ]
    return [part for part in parts if part[2] > 0]


def _errors(row: Row, side: str, total: float) -> float:
    count, share = row.get(f"{side}_errors"), row.get(f"{side}_error_share")
    return float(count) if count is not None else total * (share or 0.0)


def _legend(segments: Sequence[Sequence[Segment]]) -> tuple[Swatch, ...]:
    """Tell colours apart where there is more than one."""
    labels = {
        "plain": "others",
        "warn": "4xx",
        "bad": "5xx",
        "quiet": "not served by the cache",
    }
    tones = {tone for parts in segments for tone, _, _ in parts}
    if "quiet" in tones:
        labels["plain"] = "served by the cache"
    return tuple(
        Swatch(tone=tone, label=label)
        for tone, label in labels.items()
        if tone in tones and len(tones) > 1
    )
