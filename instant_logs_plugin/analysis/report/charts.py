"""Which charts a summary gets, as Vega-Lite specifications.

Pure. Colours are CSS variables of the page, so that one drawing serves light and
dark; every text is printable before it gets here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from instant_logs_plugin.analysis.report.episodes import Episode
from instant_logs_plugin.analysis.report.formats import (
    format_count,
    format_number,
    format_seconds,
    format_time,
)
from instant_logs_plugin.analysis.report.model import Chart

__all__ = ["SPEC_CONFIG", "error_chart", "traffic_chart"]

Row = Mapping[str, Any]
Spec = dict[str, Any]

WIDTHS = (1120, 640, 344)
"""Widths of one time chart, px: for a screen, a tablet, a phone."""

_FONT = "system-ui, sans-serif"
_AXIS = {
    "domainColor": "var(--axis)",
    "gridColor": "var(--grid)",
    "labelColor": "var(--muted)",
    "labelFontSize": 12,
    "labelPadding": 6,
    "tickColor": "var(--axis)",
    "tickSize": 4,
    "title": None,
}
SPEC_CONFIG: Spec = {
    "background": None,
    "font": _FONT,
    "padding": 2,
    "view": {"stroke": None},
    "axis": _AXIS,
    "axisY": {"domain": False, "ticks": False, "minExtent": 44, "maxExtent": 44},
    "axisX": {"grid": False},
}
_GAP_FILL = "url(#gap)"


def traffic_chart(rows: Sequence[Row], episode: Episode, *, name: str) -> Chart:
    """Return requests per second over an episode's time, gaps hatched."""
    bars = [_bar(row) for row in rows]
    layers = [
        *_gap_layers(episode),
        {
            "data": {"values": bars},
            "mark": {"type": "bar", "fill": "var(--accent)", "stroke": None},
            "encoding": {
                **_time_span(),
                "y": {"field": "rate", "type": "quantitative", "axis": _y_axis()},
                "y2": {"datum": 0},
                "description": {"field": "text"},
            },
        },
    ]
    return Chart(
        title=f"Requests per second{name}",
        summary=_traffic_summary(rows, episode),
        specs=_in_widths(layers, rows, episode, height=190),
        has_gaps=bool(episode.gaps),
    )


def error_chart(rows: Sequence[Row], episode: Episode, *, name: str) -> Chart | None:
    """Return the shares of 4xx and 5xx over time; None when there were none."""
    points = [
        {
            "at": _ms((row["bucket_start"].timestamp() + _end(row)) / 2),
            "share": row[field] / row["estimate"],
            "class": label,
            "text": f"{format_time(row['bucket_start'])}: {format_count(row[field])} "
            f"of {format_count(row['estimate'])} requests answered with {label}",
        }
        for row in rows
        for field, label in (("client_errors", "4xx"), ("server_errors", "5xx"))
        if row["estimate"]
    ]
    if not any(point["share"] for point in points):
        return None
    layers = [
        *_gap_layers(episode),
        {
            "data": {"values": points},
            "mark": {"type": "point", "filled": True, "size": 22, "opacity": 1},
            "encoding": {
                "x": _x("at"),
                "y": {
                    "field": "share",
                    "type": "quantitative",
                    "axis": _y_axis(format=".1~%"),
                },
                "color": {
                    "field": "class",
                    "type": "nominal",
                    "scale": {
                        "domain": ["4xx", "5xx"],
                        "range": ["var(--warn)", "var(--bad)"],
                    },
                    "legend": None,
                },
                "description": {"field": "text"},
            },
        },
    ]
    return Chart(
        title=f"Share of requests answered with an error{name}",
        summary="",
        specs=_in_widths(layers, rows, episode, height=130),
        has_gaps=bool(episode.gaps),
    )


def _in_widths(
    layers: list[Spec], rows: Sequence[Row], episode: Episode, *, height: int
) -> tuple[Spec, ...]:
    limits = _limits(rows, episode)
    return tuple(
        {
            "width": width - 60,
            "height": height,
            "config": SPEC_CONFIG,
            "layer": layers,
            "encoding": {"x": {"scale": {"type": "utc", "domain": limits}}},
        }
        for width in WIDTHS
    )


def _limits(rows: Sequence[Row], episode: Episode) -> list[int]:
    starts = [row["bucket_start"].timestamp() for row in rows]
    ends = [_end(row) for row in rows]
    return [
        _ms(min([episode.start.timestamp(), *starts])),
        _ms(max([episode.end.timestamp(), *ends])),
    ]


def _bar(row: Row) -> Spec:
    start = format_time(row["bucket_start"])
    text = (
        f"{start}: {format_number(row['requests_per_s'])} requests/s, "
        f"{format_count(row['estimate'])} requests"
    )
    if row["gap_s"]:
        text += f"; no stream for {format_seconds(row['gap_s'])}"
    return {
        "start": _ms(row["bucket_start"].timestamp()),
        "end": _ms(_end(row)),
        "rate": row["requests_per_s"],
        "text": text,
    }


def _gap_layers(episode: Episode) -> list[Spec]:
    gaps = [
        {
            "start": _ms(gap.started_at.timestamp()),
            "end": _ms(gap.ended_at.timestamp()),
            "text": f"no stream for {_length(gap.started_at, gap.ended_at)}: "
            f"{gap.reason}",
        }
        for gap in episode.gaps
    ]
    if not gaps:
        return []
    return [
        {
            "data": {"values": gaps},
            "mark": {"type": "rect", "fill": _GAP_FILL, "stroke": "var(--gap)"},
            "encoding": {**_time_span(), "description": {"field": "text"}},
        }
    ]


def _time_span() -> Spec:
    return {"x": _x("start"), "x2": {"field": "end"}}


def _x(field: str) -> Spec:
    return {
        "field": field,
        "type": "temporal",
        "axis": {"format": "%H:%M:%S", "labelOverlap": True, "labelFlush": True},
    }


def _y_axis(**options: Any) -> Spec:
    return {"tickCount": 4, "title": None, **options}


def _traffic_summary(rows: Sequence[Row], episode: Episode) -> str:
    if not rows:
        return "Nothing was recorded."
    busiest = max(rows, key=lambda row: row["requests_per_s"])
    gaps = f" {len(episode.gaps)} gaps without a stream." if episode.gaps else ""
    return (
        f"Up to {format_number(busiest['requests_per_s'])} requests per second, at "
        f"{format_time(busiest['bucket_start'])} UTC.{gaps}"
    )


def _length(start: datetime, end: datetime) -> str:
    return format_seconds((end - start).total_seconds())


def _end(row: Row) -> float:
    end: float = row["bucket_end"].timestamp()
    return end


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
