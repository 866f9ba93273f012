"""Which summaries a capture gets, run together: for the command line and for flows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from instant_logs_plugin.analysis.database import Database
from instant_logs_plugin.analysis.rendering import render_markdown
from instant_logs_plugin.errors import FieldsNotRecorded

__all__ = ["DEFAULT_SUMMARIES", "Summaries", "render_summaries", "run_summaries"]

DEFAULT_SUMMARIES = ("overview", "status", "timeline", "top_paths")
"""What says the most about a capture of the default fields."""


@dataclass(frozen=True)
class Summaries:
    """Answers of several query files over the same captures.

    Attributes:
        rows: Rows by query name, in the order asked for.
        left_out: Why a query has no rows here, one sentence each.
    """

    rows: dict[str, list[dict[str, Any]]]
    left_out: tuple[str, ...] = ()


def run_summaries(
    database: Database, names: Sequence[str] = DEFAULT_SUMMARIES
) -> Summaries:
    """Run query files; one whose fields were not recorded is left out, and told.

    Raises:
        UnknownQuery: No such query.
    """
    rows: dict[str, list[dict[str, Any]]] = {}
    left_out = []
    for name in names:
        try:
            rows[name] = database.run_query_file(name).to_pylist()
        except FieldsNotRecorded as exc:
            left_out.append(str(exc))
    return Summaries(rows, tuple(left_out))


def render_summaries(summaries: Summaries) -> str:
    """Return Markdown: one heading and table per summary."""
    parts = [
        f"## {name}\n\n{render_markdown(rows) or 'nothing recorded'}"
        for name, rows in summaries.rows.items()
    ]
    parts += [f"*Left out: {reason}*\n" for reason in summaries.left_out]
    return "\n".join(parts)
