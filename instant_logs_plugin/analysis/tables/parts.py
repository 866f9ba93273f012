"""Answers as tables: columns under labels, values with their units and intervals.

Pure. Rows with a ``dimension`` (or ``topic``) are told apart by it, each in a part of
its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from instant_logs_plugin.analysis.query_files import QueryFile
from instant_logs_plugin.analysis.rendering import Row, printable
from instant_logs_plugin.analysis.tables.columns import make_cell, table_columns
from instant_logs_plugin.analysis.tables.model import Cell, Column, Kind, Table
from instant_logs_plugin.analysis.tables.words import (
    DIMENSIONS,
    MEASURES,
    sentence,
)

__all__ = ["Part", "iter_parts", "readable_rows"]

_DIMENSIONS, _ITEMS = ("dimension", "topic"), ("value", "item")
_LABELS = {
    ("errors", "estimate"): "Errors",
    ("errors", "error_share"): "Error rate",
    ("data_quality", "recorded"): "Count",
}
"""Labels of columns that say the most in one query only."""
_WORDS = {"measure": MEASURES}
"""Words for the values of a column, where the query's own are short."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Rows of an answer that are of one kind.

    Attributes:
        title: Which kind, in words; empty where an answer has only one.
        columns: Those that have a value in one of the rows.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    def table(self, most_rows: int | None = None) -> Table:
        """Return the table of all rows, or of the first ones."""
        shown = self.rows[:most_rows]
        return Table(
            columns=self.columns,
            rows=tuple(
                tuple(_cell(column, row) for column in self.columns) for row in shown
            ),
            rows_left_out=len(self.rows) - len(shown),
        )


def iter_parts(query: QueryFile, rows: Sequence[Row]) -> Iterator[Part]:
    """Yield the parts of a query's answer in the order of their first rows.

    Columns that the query's header does not tell of are shown as they are.
    """
    known = _columns(query, rows)
    names = {column.name for column in known}
    dimension = next((name for name in _DIMENSIONS if name in names), "")
    parts: dict[str, list[Row]] = {}
    for row in rows:
        parts.setdefault(str(row.get(dimension) or ""), []).append(row)
    for value, own in parts.items():
        title = DIMENSIONS.get(value) or sentence(printable(value))
        columns = [
            _named(query.name, column, title)
            for column in known
            if column.name != dimension and _has_value(column, own)
        ]
        if columns:
            yield Part(title=title, columns=tuple(columns), rows=tuple(own))


def readable_rows(table: Table) -> list[dict[str, str]]:
    """Return a table's rows as texts by label; an upright one's as label and value.

    Columns whose labels are the same have their names.
    """
    columns = table.columns
    if table.is_upright:
        (row,) = table.rows
        return [
            {"Figure": column.heading, "Value": cell.with_interval}
            for column, cell in zip(columns, row, strict=True)
        ]
    uses = Counter(column.heading for column in columns)
    labels = [
        column.heading if uses[column.heading] == 1 else column.name
        for column in columns
    ]
    return [
        {label: cell.with_interval for label, cell in zip(labels, row, strict=True)}
        for row in table.rows
    ]


def _columns(query: QueryFile, rows: Sequence[Row]) -> Sequence[Column]:
    """Return the columns of the query's header, or plain ones if it has others."""
    names = list(rows[0]) if rows else []
    if {column.name for column in query.columns}.issuperset(names):
        return table_columns(query.columns)
    return [
        Column(name=name, label=printable(name), about="", kind=Kind.TEXT)
        for name in names
    ]


def _has_value(column: Column, rows: Sequence[Row]) -> bool:
    return any(row.get(column.name) not in (None, "") for row in rows)


def _named(query: str, column: Column, title: str) -> Column:
    """Return a column under the label that says the most in its place."""
    if column.name in _ITEMS and title:
        return replace(column, label=title)
    return replace(column, label=_LABELS.get((query, column.name), column.label))


def _cell(column: Column, row: Row) -> Cell:
    words = _WORDS.get(column.name, {}).get(str(row.get(column.name)))
    return Cell(text=words, order=words) if words else make_cell(column, row)
