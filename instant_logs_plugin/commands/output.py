"""Results on stdout: a table for people, JSON, CSV or Markdown for the rest."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from instant_logs_plugin.store.manifest import format_time

__all__ = ["OutputFormat", "print_rows", "printable", "render_json", "render_rows"]

Row = Mapping[str, Any]


class OutputFormat(StrEnum):
    """How results are printed; JSON keeps its shape between versions."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"


def print_rows(rows: Sequence[Row], output: OutputFormat | None) -> None:
    """Print rows on stdout; without a format, a table on a terminal and JSON else."""
    default = OutputFormat.TABLE if sys.stdout.isatty() else OutputFormat.JSON
    if (output or default) is OutputFormat.TABLE:
        _print_table(rows)
    else:
        sys.stdout.write(render_rows(rows, output or default))


def render_rows(rows: Sequence[Row], output: OutputFormat) -> str:
    """Return rows as text, the final newline included."""
    if output is OutputFormat.JSON:
        return render_json(rows)
    if output is OutputFormat.CSV:
        return _csv(rows)
    return _markdown(rows)


def render_json(document: object) -> str:
    """Return a document of rows as JSON text, the final newline included."""
    return json.dumps(document, default=_plain, indent=2, ensure_ascii=False) + "\n"


def printable(value: object) -> str:
    """Return a cell's text with control characters shown, not obeyed.

    What a request carries can hold terminal escapes; they stay text here.
    """
    text = "" if value is None else _text(value)
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode()
        for char in text
    )


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"  # noqa: PLR2004
    if isinstance(value, datetime):
        return format_time(value).replace(".000000Z", "Z")
    if isinstance(value, str):
        return value
    return json.dumps(value, default=_plain, ensure_ascii=False)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _csv(rows: Sequence[Row]) -> str:
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


def _markdown(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    lines = [list(rows[0]), ["---"] * len(rows[0])]
    lines += [[_markdown_cell(cell) for cell in row.values()] for row in rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _markdown_cell(value: object) -> str:
    escapes = str.maketrans({"|": "\\|", "<": "&lt;", ">": "&gt;", "`": "\\`"})
    return printable(value).translate(escapes)


def _print_table(rows: Sequence[Row]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(header_style="bold", show_edge=False, pad_edge=False)
    if not rows:
        return
    for name, value in rows[0].items():
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        table.add_column(Text(name), justify="right" if is_number else "left")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row.values()))
    Console(soft_wrap=False).print(table)
