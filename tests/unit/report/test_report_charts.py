"""Specifications of charts: what is drawn, before anything draws it."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

from instant_logs_plugin.analysis.report.drawing import draw_svg
from instant_logs_plugin.analysis.report.episodes import plan_episodes
from instant_logs_plugin.analysis.report.quantile_chart import quantile_chart
from instant_logs_plugin.analysis.report.rank_charts import rank_chart
from instant_logs_plugin.analysis.report.time_charts import (
    Stretch,
    bandwidth_charts,
    error_charts,
    traffic_charts,
)
from instant_logs_plugin.analysis.tables.columns import table_columns
from tests.unit.report.materials import at, bucket, capture, gap, query

LABEL = "aria-label"
SENT = query(
    "sent",
    """
    value varchar: content type
    estimate bigint: bytes sent to clients
    lower bigint: lower bound of the estimate
    upper bigint: upper bound of the estimate
    """,
).columns
RANKED = query(
    "ranked",
    """
    path varchar: path
    estimate bigint: requests that the records stand for
    lower bigint: lower bound of the estimate
    upper bigint: upper bound of the estimate
    client_error_share double: part of them, 0 to 1
    server_error_share double: part of them, 0 to 1
    share double: part of all, 0 to 1
    """,
).columns


def stretch(rows, *captures):
    (episode,) = plan_episodes(captures or [capture()])
    return Stretch(episode=episode, rows=rows)


def ranked(path, estimate, **changes):
    row = {"path": path, "estimate": estimate, "lower": estimate, "upper": estimate}
    shares = {"client_error_share": 0.0, "server_error_share": 0.0, "share": 0.1}
    return row | shares | changes


def texts(spec):
    return json.dumps(spec)


def labels(svg):
    return [label for one in ET.fromstring(svg).iter() if (label := one.get(LABEL))]


def test_gaps_and_pauses_are_drawn_on_every_time_chart():
    """Traffic, errors and bandwidth hatch gaps and shade pauses, and say so."""
    rows = [bucket(0, server_errors=2, bytes=1000), bucket(2, bytes=1000)]
    one = stretch(rows, capture(gaps=(gap(10, 20),)), capture("b", 90))
    charts = [f([one])[0] for f in (traffic_charts, error_charts, bandwidth_charts)]
    for chart in charts:
        assert {"gap", "pause"} <= {swatch.tone for swatch in chart.legend}
        for spec in chart.specs:
            assert "url(#gap)" in texts(spec)
            assert "no stream (stream lost), 10 s" in texts(spec)
            assert "not asked for" in texts(spec)


def test_what_is_not_whole_is_an_outline():
    """A span of which only a part is known is paler, as the legend says."""
    rows = [bucket(0, bytes=1000), bucket(2, bytes=1000, is_whole=False)]
    for draw in (traffic_charts, bandwidth_charts):
        (whole,), (chart,) = draw([stretch(rows[:1])]), draw([stretch(rows)])
        assert "part" not in {swatch.tone for swatch in whole.legend}
        assert "part" in {swatch.tone for swatch in chart.legend}
        assert texts(chart.specs[0]).count("fill-part") == 1
        assert labels(draw_svg(chart.specs[0]))[1].endswith("; not whole")


def test_the_axis_is_the_window_even_where_nothing_came():
    """Silence at the end of a window is seen as silence."""
    (chart,) = traffic_charts([stretch([bucket(0)])])
    domain = chart.specs[0]["encoding"]["x"]["scale"]["domain"]
    assert domain == [at(0).timestamp() * 1000, at(60).timestamp() * 1000]


def test_several_stretches_share_a_scale():
    """Charts side by side can be compared by eye."""
    first, second = plan_episodes([capture("a"), capture("b", 3600)])
    charts = traffic_charts(
        [
            Stretch(episode=first, rows=[bucket(0, 10)]),
            Stretch(episode=second, rows=[bucket(3600, 1000)]),
        ]
    )
    tops = {texts(one.specs[0]).count('"domain": [0, 500.0]') for one in charts}
    assert tops == {1}
    assert [len(one.specs) for one in charts] == [1, 1]


def test_what_is_not_there_is_not_drawn():
    """No errors, no chart of errors; no sizes, no bandwidth; no rows, a plain word."""
    assert error_charts([stretch([bucket(0)])]) == []
    assert bandwidth_charts([stretch([bucket(0)])]) == []
    assert traffic_charts([stretch([])])[0].summary == "Nothing was recorded."


def test_bars_are_split_by_outcome():
    """Errors have their own colour, whose meaning the legend tells."""
    rows = [ranked("/a", 100, client_error_share=0.1), ranked("/b", 50)]
    chart = rank_chart(table_columns(RANKED), rows)
    assert chart is not None
    assert [swatch.tone for swatch in chart.legend] == ["plain", "warn"]
    assert "10 answered with 4xx" in texts(chart.specs)


def test_a_time_chart_tells_the_values_of_each_span():
    """A span is told once, however small its marks; no mark says what Vega makes up."""
    sampled = {"lower": 11, "upper": 29, "client_errors": 1, "bytes": 1000}
    one = stretch([bucket(0, **sampled), bucket(2, **sampled)])
    for draw, told in (
        (traffic_charts, "10 requests/s, 20 requests (11 to 29)"),
        (error_charts, "of 20 requests, 1 answered with 4xx and 0 answered with 5xx"),
        (bandwidth_charts, "500 B/s"),
    ):
        (chart,) = draw([one])
        assert labels(draw_svg(chart.specs[0])) == [
            f"2026-03-01 12:00:0{second}: {told}" for second in (0, 2)
        ]


def test_every_mark_of_a_rank_tells_what_is_counted():
    """A whisker tells the interval; bytes are called bytes, not requests."""
    rows = [ranked("/a", 100, lower=80, upper=120, client_error_share=0.1)]
    rows += [ranked("/b", 50)]
    chart = rank_chart(table_columns(RANKED), rows)
    assert labels(draw_svg(chart.specs[0])) == [
        "/a: 90 other requests",
        "/a: 10 answered with 4xx",
        "/b: 50 requests",
        "/a: 100 requests (80\N{EN DASH}120)",
    ]
    sizes = [
        {"value": text, "estimate": 5000, "lower": 1, "upper": 9000} for text in "ab"
    ]
    chart = rank_chart(table_columns(SENT), sizes)
    assert set(labels(draw_svg(chart.specs[0]))) == {
        f"{text}: 5 kB{interval}"
        for text in "ab"
        for interval in ("", " (1 B\N{EN DASH}9 kB)")
    }


def test_ranks_need_two_rows_and_an_estimate():
    """One bar says nothing that its table does not."""
    columns = table_columns(RANKED)
    assert rank_chart(columns, [ranked("/a", 1)]) is None
    assert rank_chart(columns[:1], [ranked("/a", 1)] * 2) is None
    many = rank_chart(columns, [ranked(f"/{n}", 100 - n) for n in range(30)])
    assert many is not None
    assert many.title == "Requests, the first 10 of 30"


def test_quantiles_stand_on_a_logarithmic_axis():
    """A measure of nothing but zeros can be drawn; unknown quantiles are left out."""
    rows = [
        {"measure": "edge_ttfb", "p50_ms": 0, "p90_ms": 20, "p99_ms": 900},
        {"measure": "new_one", "p50_ms": None},
    ]
    chart = quantile_chart(rows)
    assert chart is not None
    assert "First byte at the edge, p99: 900 ms" in chart.summary
    assert quantile_chart([{"measure": "origin", "p50_ms": None}]) is None


def test_drawings_are_plain_svg_and_always_the_same():
    """No script, no reference to anywhere, texts escaped, and one text for one spec."""
    hostile = "</svg><script>alert(1)</script>"
    rows = [ranked(hostile, 100), ranked('" onload="x', 50)]
    chart = rank_chart(table_columns(RANKED), rows)
    assert chart is not None
    svg = draw_svg(chart.specs[0])
    assert svg == draw_svg(chart.specs[0])
    elements = list(ET.fromstring(svg).iter())
    names = {
        element.tag.removeprefix("{http://www.w3.org/2000/svg}") for element in elements
    }
    assert names <= {"svg", "g", "path", "text", "line", "rect"}
    attributes = {name for element in elements for name in element.attrib}
    assert not [name for name in attributes if name.startswith("on") or "href" in name]
    assert hostile in {element.text for element in elements}
