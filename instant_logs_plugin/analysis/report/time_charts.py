"""Charts over time: traffic, errors, bandwidth. Gaps are hatched on each.

Pure. One chart comes in several widths where it has the page for itself, and in one
where there is a chart for each of several stretches of time, on the same scale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from instant_logs_plugin.analysis.report.chart_style import Row, Spec, fill, spec
from instant_logs_plugin.analysis.report.episodes import Episode
from instant_logs_plugin.analysis.report.model import Chart, Swatch
from instant_logs_plugin.analysis.tables.columns import bounds
from instant_logs_plugin.analysis.tables.formats import (
    format_bytes,
    format_count,
    format_number,
    format_seconds,
    format_text,
    format_time,
    plural,
)

__all__ = ["bandwidth_charts", "error_charts", "traffic_charts"]

_WIDTHS, _ONE_OF_MANY = (1120, 640, 350), (350,)
_Y_AXIS_PX = 46
_GAP = Swatch(tone="gap", label="no stream: nothing is known")
_PAUSE = Swatch(tone="pause", label="between captures: not asked for")
_PART = Swatch(tone="part", label="not whole: looks quieter than it was")
_HOUR_S, _DAY_S = 3600, 86400
_LARGE = 10_000  # from here on an axis says 20k, not 20,000
_ERRORS = (("client_errors", "4xx", "warn"), ("server_errors", "5xx", "bad"))


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """An episode with the timeline's rows in it."""

    episode: Episode
    rows: Sequence[Row]

    @property
    def limits(self) -> tuple[float, float]:
        """First and last second of the axis, POSIX."""
        starts = [row["bucket_start"].timestamp() for row in self.rows]
        ends = [row["bucket_end"].timestamp() for row in self.rows]
        return (
            min([self.episode.start.timestamp(), *starts]),
            max([self.episode.end.timestamp(), *ends]),
        )


def traffic_charts(stretches: Sequence[Stretch]) -> list[Chart]:
    """Return requests per second over each stretch, with the estimate's interval."""
    top = max((_upper_rate(row) for row in _rows(stretches)), default=0)

    def draw(stretch: Stretch) -> list[Spec]:
        bars = [_bar(row, row["requests_per_s"]) for row in stretch.rows]
        ranges = [one for row in stretch.rows for one in _range(row)]
        told = _told(stretch.rows, _traffic_text)
        return [_bars(bars, top=top), *_ranges(ranges), told]

    return [
        _chart(
            "Requests per second",
            stretch,
            stretches,
            draw(stretch),
            height=220,
            legend=_parts(stretch),
        )
        for stretch in stretches
    ]


def error_charts(stretches: Sequence[Stretch]) -> list[Chart]:
    """Return the shares of 4xx and 5xx over each stretch; none without errors."""
    shares = [
        row[name] / row["estimate"]
        for row in _rows(stretches)
        if row["estimate"]
        for name, _, _ in _ERRORS
    ]
    if not any(shares):
        return []
    legend = [Swatch(tone=tone, label=label) for _, label, tone in _ERRORS]
    return [
        _chart(
            "Answered with an error",
            stretch,
            stretches,
            [
                *[_error_line(stretch.rows, one, top=max(shares)) for one in _ERRORS],
                _told(stretch.rows, _errors_text),
            ],
            height=150,
            legend=legend,
        )
        for stretch in stretches
    ]


def bandwidth_charts(stretches: Sequence[Stretch]) -> list[Chart]:
    """Return bytes per second over each stretch; none when sizes are not recorded."""
    rates = [rate for row in _rows(stretches) if (rate := _bytes_per_s(row))]
    if not rates:
        return []
    return [
        _chart(
            "Megabytes per second",
            stretch,
            stretches,
            [
                _bars(
                    [_bar(row, _bytes_per_s(row) / 1e6) for row in stretch.rows],
                    top=max(rates) / 1e6,
                ),
                _told(stretch.rows, _bandwidth_text),
            ],
            height=160,
            legend=_parts(stretch),
        )
        for stretch in stretches
    ]


def _chart(
    title: str,
    stretch: Stretch,
    stretches: Sequence[Stretch],
    layers: list[Spec],
    *,
    height: int,
    legend: Iterable[Swatch] = (),
) -> Chart:
    many = len(stretches) > 1
    when = f", {format_time(stretch.episode.start)}" if many else ""
    unknown = [_GAP] if stretch.episode.gaps else []
    unknown += [_PAUSE] if stretch.episode.pauses else []
    return Chart(
        title=f"{title}{when}",
        summary=_summary(stretch),
        specs=tuple(
            _timed(layers, stretch, width=width, height=height)
            for width in (_ONE_OF_MANY if many else _WIDTHS)
        ),
        legend=(*legend, *unknown),
    )


def _parts(stretch: Stretch) -> list[Swatch]:
    return [] if all(row["is_whole"] for row in stretch.rows) else [_PART]


def _timed(layers: list[Spec], stretch: Stretch, *, width: int, height: int) -> Spec:
    start, end = stretch.limits
    shared = {
        "x": {
            "scale": {"type": "utc", "domain": [_ms(start), _ms(end)], "nice": False},
            "axis": {
                "format": _time_format(end - start),
                "labelOverlap": "greedy",
                "labelSeparation": 12,
                "tickCount": max(width // 120, 3),
            },
        }
    }
    drawn = spec(
        [*layers, *_unknown(stretch.episode)],
        width=width,
        height=height,
        margins=(8, 8, 24, _Y_AXIS_PX),
    )
    return drawn | {"encoding": shared}


def _bars(bars: list[Spec], *, top: float) -> Spec:
    look = {"type": "nominal", "scale": None}
    return {
        "data": {"values": bars},
        "mark": {"type": "bar", "strokeWidth": 0.75, "opacity": 1, "aria": False},
        "encoding": {
            **_span(),
            "y": _y("amount", top=top),
            "y2": {"datum": 0},
            "fill": {"field": "fill", **look},
            "stroke": {"field": "stroke", **look},
        },
    }


def _ranges(ranges: list[Spec]) -> list[Spec]:
    if not ranges:
        return []
    return [
        {
            "data": {"values": ranges},
            "mark": {
                "type": "rule",
                "stroke": "var(--ink)",
                "opacity": 0.6,
                "aria": False,
            },
            "encoding": {
                "x": {"field": "middle", "type": "temporal"},
                "y": {"field": "low", "type": "quantitative"},
                "y2": {"field": "high"},
            },
        }
    ]


def _error_line(
    rows: Sequence[Row], error: tuple[str, str, str], *, top: float
) -> Spec:
    name, _, tone = error
    points = [
        {
            "middle": _ms(_middle(row)),
            "share": row[name] / row["estimate"] if row["estimate"] else None,
        }
        for row in rows
    ]
    return {
        "data": {"values": points},
        "mark": {
            "type": "line",
            "stroke": fill(tone),
            "strokeWidth": 1.5,
            "point": {"fill": fill(tone), "filled": True, "size": 18, "aria": False},
            "aria": False,
        },
        "encoding": {
            "x": {"field": "middle", "type": "temporal"},
            "y": _y("share", top=top, format="%"),
        },
    }


def _told(rows: Sequence[Row], tell: Callable[[Row], str]) -> Spec:
    """Cover each row's span with its values as text: small marks are hard to hit."""
    return {
        "data": {
            "values": [_span_of(row) | {"text": _text(row, tell)} for row in rows]
        },
        "mark": {"type": "rect", "fill": "var(--panel)", "fillOpacity": 0},
        "encoding": {**_span(), "description": {"field": "text"}},
    }


def _unknown(episode: Episode) -> list[Spec]:
    """Cover what nothing is known of: gaps are hatched, pauses plain."""
    pauses = [_unknown_span(*pause, "not asked for") for pause in episode.pauses]
    gaps = [
        _unknown_span(
            gap.started_at,
            gap.ended_at,
            f"no stream ({gap.reason.replace('_', ' ')})",
        )
        for gap in episode.gaps
    ]
    return [
        {
            "data": {"values": spans},
            "mark": {"type": "rect", "opacity": 1, **look},
            "encoding": {**_span(), "description": {"field": "text"}},
        }
        for spans, look in (
            (pauses, {"fill": fill("pause")}),
            (gaps, {"fill": "url(#gap)", "stroke": "var(--gap-line)"}),
        )
        if spans
    ]


def _unknown_span(start: datetime, end: datetime, why: str) -> Spec:
    length = format_seconds((end - start).total_seconds())
    return {
        "start": _ms(start.timestamp()),
        "end": _ms(end.timestamp()),
        "text": f"{format_time(start)}: {format_text(why)}, {length}",
    }


def _span() -> Spec:
    return {"x": {"field": "start", "type": "temporal"}, "x2": {"field": "end"}}


def _y(field: str, *, top: float, **axis: Any) -> Spec:
    return {
        "field": field,
        "type": "quantitative",
        "scale": {"domain": [0, top or 1], "nice": 4},
        "axis": {
            "tickCount": 4,
            "format": ",~f" if top < _LARGE else "~s",
            **axis,
        },
    }


def _bar(row: Row, amount: float) -> Spec:
    """Return a bar; one of a part of its requests is no more than an outline."""
    whole = {"fill": fill("plain"), "stroke": "var(--panel)"}
    part = {"fill": fill("part"), "stroke": fill("plain")}
    return _span_of(row) | {"amount": amount} | (whole if row["is_whole"] else part)


def _span_of(row: Row) -> Spec:
    return {
        "start": _ms(row["bucket_start"].timestamp()),
        "end": _ms(row["bucket_end"].timestamp()),
    }


def _text(row: Row, tell: Callable[[Row], str]) -> str:
    text = f"{format_time(row['bucket_start'])}: {tell(row)}"
    if row["gap_s"]:
        text += f"; no stream for {format_seconds(row['gap_s'])}"
    elif not row["is_whole"]:
        text += "; not whole"
    return text


def _range(row: Row) -> list[Spec]:
    limits = bounds("estimate", row)
    if limits is None or limits[0] == limits[1] or not row["estimate"]:
        return []
    low, high = (limit / _bucket_s(row) for limit in limits)
    return [{"middle": _ms(_middle(row)), "low": low, "high": high}]


def _upper_rate(row: Row) -> float:
    limits = bounds("estimate", row)
    rate: float = row["requests_per_s"]
    return max(rate, limits[1] / _bucket_s(row)) if limits else rate


def _traffic_text(row: Row) -> str:
    limits = bounds("estimate", row)
    between = f" ({' to '.join(map(format_count, limits))})" if limits else ""
    return (
        f"{format_number(row['requests_per_s'])} requests/s, "
        f"{format_count(row['estimate'])} requests{between}"
    )


def _errors_text(row: Row) -> str:
    counts = [
        f"{format_count(row[name])} answered with {label}" for name, label, _ in _ERRORS
    ]
    return f"of {format_count(row['estimate'])} requests, {' and '.join(counts)}"


def _bandwidth_text(row: Row) -> str:
    return f"{format_bytes(_bytes_per_s(row))}/s"


def _bytes_per_s(row: Row) -> float:
    return (row.get("bytes") or 0) / _bucket_s(row)


def _summary(stretch: Stretch) -> str:
    if not stretch.rows:
        return "Nothing was recorded."
    busiest = max(stretch.rows, key=lambda row: row["requests_per_s"])
    return (
        f"{len(stretch.rows)} spans of {format_seconds(_bucket_s(busiest))}; the most "
        f"requests, {format_number(busiest['requests_per_s'])} per second, at "
        f"{format_time(busiest['bucket_start'])} UTC; "
        f"{plural(len(stretch.episode.gaps), 'gap')} without a stream."
    )


def _rows(stretches: Sequence[Stretch]) -> list[Row]:
    return [row for stretch in stretches for row in stretch.rows]


def _time_format(span_s: float) -> str:
    if span_s < _HOUR_S:
        return "%H:%M:%S"
    return "%H:%M" if span_s < _DAY_S else "%d %b %H:%M"


def _bucket_s(row: Row) -> float:
    return (row["bucket_end"] - row["bucket_start"]).total_seconds() or 1.0


def _middle(row: Row) -> float:
    at: float = row["bucket_start"].timestamp() + _bucket_s(row) / 2
    return at


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
