"""Sections of a report: which summaries, in which order, with which charts.

Pure. A summary that is not known here gets a title from its name, a table from its
header, and its place behind the known ones.
"""

from __future__ import annotations

from collections.abc import Iterable

from instant_logs_plugin.analysis.report.charts import error_chart, traffic_chart
from instant_logs_plugin.analysis.report.columns import make_cell, shown_columns
from instant_logs_plugin.analysis.report.formats import format_time
from instant_logs_plugin.analysis.report.material import Answer, Material
from instant_logs_plugin.analysis.report.model import Chart, LeftOut, Section, Table

__all__ = ["left_out_sections", "make_sections"]

_TITLES = {
    "timeline": "Traffic over time",
    "status": "Answers by status",
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

_ON_TOP = "overview"


def make_sections(material: Material) -> tuple[Section, ...]:
    """Return a section for every summary that has an answer, in order."""
    answered = (name for name in _ordered(material) if not _missing(material, name))
    return tuple(_section(material, name) for name in answered)


def left_out_sections(material: Material) -> tuple[LeftOut, ...]:
    """Return the summaries whose fields were not recorded."""
    return tuple(
        LeftOut(title=_title(name), fields=_missing(material, name))
        for name in _ordered(material)
        if _missing(material, name)
    )


def _ordered(material: Material) -> list[str]:
    known = [name for name in _TITLES if name in material.answers]
    return known + sorted(set(material.answers) - {*known, _ON_TOP})


def _title(name: str) -> str:
    words = name.replace("_", " ")
    return _TITLES.get(name) or words[:1].upper() + words[1:]


def _missing(material: Material, name: str) -> tuple[str, ...]:
    return material.answers[name].missing


def _section(material: Material, name: str) -> Section:
    answer = material.answers[name]
    return Section(
        name=name,
        title=_title(name),
        question=answer.query.question,
        caveats=answer.query.caveats,
        charts=tuple(_charts(material, name)),
        table=_table(answer),
    )


def _table(answer: Answer) -> Table | None:
    if not answer.rows:
        return None
    columns = shown_columns(answer.query.columns)
    rows = tuple(
        tuple(make_cell(column, row) for column in columns) for row in answer.rows
    )
    known = [
        index for index in range(len(columns)) if any(row[index].text for row in rows)
    ]
    return Table(
        columns=tuple(columns[index] for index in known),
        rows=tuple(tuple(row[index] for index in known) for row in rows),
    )


def _charts(material: Material, name: str) -> Iterable[Chart]:
    if name != "timeline":
        return
    many = len(material.episodes) > 1
    for episode, rows in zip(material.episodes, material.timelines, strict=True):
        suffix = f", {format_time(episode.start)}" if many else ""
        yield traffic_chart(rows, episode, name=suffix)
        if chart := error_chart(rows, episode, name=suffix):
            yield chart
