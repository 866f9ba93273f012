"""Rows as text: JSON, CSV or Markdown.

Pure. What a request carries can hold terminal escapes and markup: control characters
are shown, not obeyed, and Markdown cells are escaped.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from instant_logs_plugin.store.manifest import format_time

__all__ = ["Row", "printable", "render_csv", "render_json", "render_markdown"]

Row = Mapping[str, Any]


def render_json(document: object) -> str:
    """Return a document of rows as JSON text, the final newline included."""
    return json.dumps(document, default=_plain, indent=2, ensure_ascii=False) + "\n"


def printable(value: object) -> str:
    """Return a cell's text with control characters shown, not obeyed."""
    text = "" if value is None else _text(value)
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode()
        for char in text
    )


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"  # noqa: PLR2004
    if isinstance(value, datetime):
        return format_time(value).replace(".000000Z", "Z").replace("T", " ")
    if isinstance(value, str):
        return value
    return json.dumps(value, default=_plain, ensure_ascii=False)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def render_csv(rows: Sequence[Row]) -> str:
    """Return rows as CSV with a header line; nothing for no rows."""
    file = io.StringIO()
    if rows:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(rows[0])
        writer.writerows([_csv_cell(cell) for cell in row.values()] for row in rows)
    return file.getvalue()


def _csv_cell(value: object) -> object:
    if isinstance(value, (str, int, float)) or value is None:
        return value
    return (
        _plain(value) if isinstance(value, date) else json.dumps(value, default=_plain)
    )


def render_markdown(rows: Sequence[Row]) -> str:
    """Return rows as a Markdown table; nothing for no rows."""
    if not rows:
        return ""
    lines = [list(rows[0]), ["---"] * len(rows[0])]
    lines += [[_markdown_cell(cell) for cell in row.values()] for row in rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _markdown_cell(value: object) -> str:
    escapes = str.maketrans({"|": "\\|", "<": "&lt;", ">": "&gt;", "`": "\\`"})
    return printable(value).translate(escapes)
