"""Which summaries a capture gets, run together: for the command line and for flows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from instant_logs_plugin.analysis.database import Database
from instant_logs_plugin.analysis.query_files import QueryFile
from instant_logs_plugin.analysis.rendering import render_markdown
from instant_logs_plugin.analysis.tables.parts import Part, iter_parts, readable_rows
from instant_logs_plugin.errors import FieldsNotRecorded

__all__ = [
    "DEFAULT_SUMMARIES",
    "Summaries",
    "read_gap_note",
    "render_summaries",
    "run_summaries",
]

DEFAULT_SUMMARIES = ("overview", "status", "timeline", "top_paths")
"""What says the most about a capture of the default fields."""


@dataclass(frozen=True)
class Summaries:
    """Answers of several query files over the same captures.

    Attributes:
        rows: Rows by query name, in the order asked for.
        queries: What these names stand for.
        left_out: Why a query has no rows here, one sentence each.
        note: How much of the captures' windows was not recorded; empty when all was.
    """

    rows: dict[str, list[dict[str, Any]]]
    queries: Mapping[str, QueryFile]
    left_out: tuple[str, ...] = ()
    note: str = ""

    def parts(self, name: str) -> tuple[Part, ...]:
        """Return the parts of an answer as people read it; none if it says nothing."""
        return tuple(iter_parts(self.queries[name], self.rows.get(name, [])))


def run_summaries(
    database: Database,
    names: Sequence[str] = DEFAULT_SUMMARIES,
    params: Mapping[str, object] | None = None,
) -> Summaries:
    """Run query files; one whose fields were not recorded is left out, and told.

    Args:
        database: The captures in question.
        names: Which, in this order.
        params: Parameters that all of them have: ``since``, ``until``, ….

    Raises:
        UnknownQuery: No such query.
        InvalidOption: A parameter's value is not of its type or range.
        InvalidQuery: One of the queries does not have such a parameter.
    """
    rows: dict[str, list[dict[str, Any]]] = {}
    queries = {name: database.find_query(name) for name in names}
    left_out = []
    for name in names:
        try:
            rows[name] = database.run_query_file(name, params).to_pylist()
        except FieldsNotRecorded as exc:
            left_out.append(str(exc))
    return Summaries(rows, queries, tuple(left_out), note=read_gap_note(database))


def read_gap_note(database: Database) -> str:
    """Return how much of the captures' windows was not recorded, or ""."""
    (row,) = database.query("from gap_note(null, null)").to_pylist()
    return row["note"] or ""


def render_summaries(summaries: Summaries) -> str:
    """Return Markdown: gaps first, then one heading and table per summary."""
    parts = [f"**{summaries.note}**\n"] if summaries.note else []
    for name in summaries.rows:
        parts.append(f"## {name}\n\n{summaries.queries[name].question}\n")
        tables = [part.table() for part in summaries.parts(name)]
        parts += [render_markdown(readable_rows(table)) for table in tables]
        parts += [] if tables else [f"{summaries.queries[name].no_answer}\n"]
    parts += [f"*Left out: {reason}*\n" for reason in summaries.left_out]
    return "\n".join(parts)
