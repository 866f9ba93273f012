"""Results on stdout: a table for people, JSON, CSV or Markdown for the rest."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum

from instant_logs_plugin.analysis.rendering import (
    Row,
    printable,
    render_csv,
    render_json,
    render_markdown,
)

__all__ = ["OutputFormat", "choose_format", "print_rows", "printable", "render_json"]


class OutputFormat(StrEnum):
    """How results are printed; JSON keeps its shape between versions."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"


def choose_format(output: OutputFormat | None) -> OutputFormat:
    """Return the format asked for; without one, a table on a terminal and JSON else."""
    default = OutputFormat.TABLE if sys.stdout.isatty() else OutputFormat.JSON
    return output or default


def print_rows(rows: Sequence[Row], output: OutputFormat | None) -> None:
    """Print rows on stdout in the format asked for."""
    match choose_format(output):
        case OutputFormat.TABLE:
            _print_table(rows)
        case OutputFormat.JSON:
            sys.stdout.write(render_json(rows))
        case OutputFormat.CSV:
            sys.stdout.write(render_csv(rows))
        case OutputFormat.MARKDOWN:
            sys.stdout.write(render_markdown(rows))


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
