"""A comparison of two captures as a report shows it.

The verdict and its reasons are those of ``instant-logs compare``; nothing is judged
here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from instant_logs_plugin.analysis.compare import Comparison, compare_captures
from instant_logs_plugin.analysis.compare.markdown import metric_table, path_tables
from instant_logs_plugin.analysis.compare.side import Side
from instant_logs_plugin.analysis.report.model import Block, Compared
from instant_logs_plugin.analysis.tables.formats import format_text, plural
from instant_logs_plugin.analysis.tables.model import Cell, Column, Kind, Table

__all__ = ["compare_two"]

_CRITICAL = "a metric with * fails the comparison alone"
_WORDS = {"metric", "path", "outcome"}
"""Columns that do not hold figures."""
_TONES = {"worse": "bad", "better": "good"}


def compare_two(store_uri: str, baseline: str, candidate: str) -> Compared:
    """Compare two captures by the default settings.

    Raises:
        InvalidQuery: A metric's query is refused.
    """
    comparison = compare_captures(store_uri, [baseline], [candidate])
    return Compared(
        verdict=comparison.verdict.value,
        baseline=_side(comparison.baseline),
        candidate=_side(comparison.candidate),
        reasons=tuple(map(format_text, comparison.reasons)),
        notes=(*map(format_text, comparison.notes), _CRITICAL),
        blocks=tuple(_blocks(comparison)),
    )


def _blocks(comparison: Comparison) -> list[Block]:
    metrics = metric_table(comparison.metrics, comparison.settings.confidence)
    tables = {"Metrics": metrics, **path_tables(comparison.paths)}
    return [Block(title=title, table=_table(rows)) for title, rows in tables.items()]


def _side(side: Side) -> str:
    ids = ", ".join(one.capture_id for one in side.captures)
    return f"{ids}, {plural(side.records, 'record')}"


def _table(rows: Sequence[Mapping[str, str]]) -> Table:
    columns = [
        Column(name=name, label=_label(name), about="", kind=_kind(name))
        for name in rows[0]
    ]
    return Table(
        columns=tuple(columns),
        rows=tuple(
            tuple(_cell(name, text) for name, text in row.items()) for row in rows
        ),
    )


def _cell(name: str, text: str) -> Cell:
    tone = _TONES.get(text, "") if name == "outcome" else ""
    return Cell(text=format_text(text), order=text, tone=tone)


def _kind(name: str) -> Kind:
    return Kind.TEXT if name in _WORDS else Kind.NUMBER


def _label(name: str) -> str:
    return name if name == "p" else name[:1].upper() + name[1:]
