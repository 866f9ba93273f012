"""Sections of a report: which summaries, in which order, with which charts.

Pure. A summary that is not known here gets a title from its name, a table from its
header, bars of its estimate if it has one, and its place behind the known ones. Rows
with a ``dimension`` (or ``topic``) are told apart by it, each in a part of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from instant_logs_plugin.analysis.query_files import QueryFile
from instant_logs_plugin.analysis.report.columns import make_cell, table_columns
from instant_logs_plugin.analysis.report.material import Answer, Material
from instant_logs_plugin.analysis.report.model import (
    Block,
    Cell,
    Chart,
    Column,
    LeftOut,
    Section,
    Table,
)
from instant_logs_plugin.analysis.report.quantile_chart import MEASURES, quantile_chart
from instant_logs_plugin.analysis.report.rank_charts import rank_chart
from instant_logs_plugin.analysis.report.time_charts import (
    Stretch,
    bandwidth_charts,
    error_charts,
    traffic_charts,
)

__all__ = ["left_out_summaries", "make_sections"]

_TITLES = {
    "timeline": "Traffic over time",
    "status": "Statuses",
    "errors": "Errors",
    "top_paths": "Paths",
    "top_hosts": "Hosts",
    "latency": "Response times",
    "cache": "Cache",
    "bandwidth": "Bandwidth",
    "methods_protocols_tls": "Methods, protocols, TLS",
    "countries": "Countries",
    "colos": "Data centres",
    "asns": "Networks",
    "top_clients": "Client addresses",
    "devices_agents": "Devices and agents",
    "bots": "Bots",
    "security": "Security",
    "workers": "Workers",
    "data_quality": "Quality of the data",
}
"""Titles of the known summaries, in the order of the report."""

_ON_TOP, _OVER_TIME, _BANDWIDTH = "overview", "timeline", "bandwidth"
_DRAWN_OVER_TIME = (_OVER_TIME, _BANDWIDTH)
_MOST_ROWS = 120
"""A page is for reading; a query has all rows."""
_DIMENSIONS, _ITEMS = ("dimension", "topic"), ("value", "item")
_DIMENSION_WORDS = {
    "all": "All traffic",
    "colo": "Data centre",
    "js_detection": "JavaScript detection",
    "tls": "TLS",
}
_SECTION_LABELS = {
    ("errors", "estimate"): "Errors",
    ("errors", "error_share"): "Error rate",
    ("data_quality", "recorded"): "Count",
}
_WORDS = {"measure": MEASURES}
"""Words for the values of a column, where the query's own are short."""

Row = Mapping[str, Any]


def make_sections(material: Material) -> tuple[Section, ...]:
    """Return a section for every summary that has an answer, in order."""
    return tuple(
        _section(material, name)
        for name in _ordered(material)
        if not material.answers[name].missing
    )


def left_out_summaries(material: Material) -> tuple[LeftOut, ...]:
    """Return the summaries whose fields were not recorded, in order."""
    return tuple(
        LeftOut(name=name, title=_title(name), fields=material.answers[name].missing)
        for name in _ordered(material)
        if material.answers[name].missing
    )


def _ordered(material: Material) -> list[str]:
    known = [name for name in _TITLES if name in material.answers]
    return known + sorted(set(material.answers) - {*known, _ON_TOP})


def _title(name: str) -> str:
    return _TITLES.get(name) or _sentence(name)


def _sentence(name: str) -> str:
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def _section(material: Material, name: str) -> Section:
    answer = material.answers[name]
    return Section(
        name=name,
        title=_title(name),
        question=answer.query.question,
        caveats=tuple(_caveats(material, name)),
        charts=tuple(filter(None, _charts_over_time(material, name))),
        blocks=tuple(_blocks(name, answer)),
    )


def _caveats(material: Material, name: str) -> Iterator[str]:
    if caveats := material.answers[name].query.caveats:
        yield caveats
    drawn, left_out = len(material.episodes), material.episodes_left_out
    if left_out and name in _DRAWN_OVER_TIME:
        yield f"the last {drawn} of {drawn + left_out} stretches of time are shown"


def _charts_over_time(material: Material, name: str) -> Iterator[tuple[Chart, ...]]:
    stretches = [
        Stretch(episode=episode, rows=rows)
        for episode, rows in zip(material.episodes, material.timelines, strict=True)
    ]
    if name == _OVER_TIME:
        yield tuple(traffic_charts(stretches))
        yield tuple(error_charts(stretches))
    if name == _BANDWIDTH:
        yield tuple(bandwidth_charts(stretches))


def _blocks(name: str, answer: Answer) -> Iterator[Block]:
    dimension = _dimension(answer.query)
    parts: dict[str, list[Row]] = {}
    for row in answer.rows:
        parts.setdefault(str(row.get(dimension) or ""), []).append(row)
    for value, rows in parts.items():
        yield _block(name, answer.query, value, rows)


def _dimension(query: QueryFile) -> str:
    names = {column.name for column in query.columns}
    return next((name for name in _DIMENSIONS if name in names), "")


def _block(name: str, query: QueryFile, value: str, rows: Sequence[Row]) -> Block:
    dimension = _dimension(query)
    title = _DIMENSION_WORDS.get(value) or _sentence(value)
    columns = [
        _named(name, column, title)
        for column in table_columns(query.columns)
        if column.name != dimension
        and any(row[column.name] is not None for row in rows)
    ]
    return Block(
        title=title,
        chart=_chart(name, columns, rows),
        table=_table(columns, rows),
        is_folded=name == _OVER_TIME,
    )


def _named(name: str, column: Column, title: str) -> Column:
    """Return a column under the label that says the most in its place."""
    if column.name in _ITEMS and title:
        return replace(column, label=title)
    label = _SECTION_LABELS.get((name, column.name), column.label)
    return replace(column, label=label)


def _chart(name: str, columns: Sequence[Column], rows: Sequence[Row]) -> Chart | None:
    if name == _OVER_TIME:  # its charts have the section's whole width
        return None
    return quantile_chart(rows) if name == "latency" else rank_chart(columns, rows)


def _table(columns: Sequence[Column], rows: Sequence[Row]) -> Table:
    shown = rows[:_MOST_ROWS]
    return Table(
        columns=tuple(columns),
        rows=tuple(tuple(_cell(column, row) for column in columns) for row in shown),
        rows_left_out=len(rows) - len(shown),
    )


def _cell(column: Column, row: Row) -> Cell:
    words = _WORDS.get(column.name, {}).get(row[column.name])
    return Cell(text=words, order=words) if words else make_cell(column, row)
