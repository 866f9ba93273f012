"""Sections of a report: which summaries, in which order, with which charts.

Pure. A summary that is not known here gets a title from its name, a table from its
header, bars of its estimate if it has one, and its place behind the known ones.
"""

from __future__ import annotations

from collections.abc import Iterator

from instant_logs_plugin.analysis.report.material import Answer, Material
from instant_logs_plugin.analysis.report.model import Block, Chart, LeftOut, Section
from instant_logs_plugin.analysis.report.quantile_chart import quantile_chart
from instant_logs_plugin.analysis.report.rank_charts import rank_chart
from instant_logs_plugin.analysis.report.time_charts import (
    Stretch,
    bandwidth_charts,
    error_charts,
    traffic_charts,
)
from instant_logs_plugin.analysis.tables.parts import Part, iter_parts
from instant_logs_plugin.analysis.tables.words import TITLES, title_of

__all__ = ["left_out_summaries", "make_sections"]

_ON_TOP, _OVER_TIME, _BANDWIDTH = "overview", "timeline", "bandwidth"
_DRAWN_OVER_TIME = (_OVER_TIME, _BANDWIDTH)
_MOST_ROWS = 120
"""A page is for reading; a query has all rows."""


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
        LeftOut(name=name, title=title_of(name), fields=material.answers[name].missing)
        for name in _ordered(material)
        if material.answers[name].missing
    )


def _ordered(material: Material) -> list[str]:
    others = set(material.answers) - {_ON_TOP}
    known = [name for name in TITLES if name in others]
    return known + sorted(others - set(known))


def _section(material: Material, name: str) -> Section:
    answer = material.answers[name]
    return Section(
        name=name,
        title=title_of(name),
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
    for part in iter_parts(answer.query, answer.rows):
        yield Block(
            title=part.title,
            chart=_chart(name, part),
            table=part.table(_MOST_ROWS),
            is_folded=name == _OVER_TIME,
        )


def _chart(name: str, part: Part) -> Chart | None:
    if name == _OVER_TIME:  # its charts have the section's whole width
        return None
    if name == "latency":
        return quantile_chart(part.rows)
    return rank_chart(part.columns, part.rows)
