"""Results on stdout: a table for people, JSON, CSV or Markdown for the rest."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Literal

from instant_logs_plugin.analysis.rendering import (
    Row,
    printable,
    render_csv,
    render_json,
    render_markdown,
)
from instant_logs_plugin.errors import InvalidOption

__all__ = [
    "OutputFormat",
    "choose_format",
    "print_rows",
    "printable",
    "render_json",
    "write_result",
]

_MOST_COLUMNS_OF_ONE_ROW = 6
_WIDTH_OF_A_PIPE = 10_000


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


def write_result(path: Path, text: str, *, option: str = "--output") -> None:
    """Write a result to a file: all of it, or nothing and what was there before.

    Raises:
        InvalidOption: The file system refuses; ``option`` is what named the file.
    """
    try:
        if path.exists() and not path.is_file():  # a device or a pipe is written to
            path.write_text(text, "utf-8")
            return
        temporary = path.with_name(f".{path.name}.tmp")
        try:
            temporary.write_text(text, "utf-8")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise InvalidOption(option, str(path), f"writable: {reason}") from exc


def _print_table(rows: Sequence[Row]) -> None:
    """Print a table; one wide row stands upright, a name and a value per line."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        return
    is_upright = len(rows) == 1 and len(rows[0]) > _MOST_COLUMNS_OF_ONE_ROW
    table = Table(
        box=None if is_upright else SIMPLE_HEAD,
        show_header=not is_upright,
        header_style="bold",
        show_edge=False,
        pad_edge=False,
    )
    if is_upright:
        cells = [[printable(name), printable(value)] for name, value in rows[0].items()]
    else:
        for name, value in rows[0].items():
            justify: Literal["left", "right"] = "right" if _is_number(value) else "left"
            table.add_column(Text(printable(name)), justify=justify, overflow="fold")
        cells = [[printable(value) for value in row.values()] for row in rows]
    for texts in cells:
        table.add_row(*map(Text, texts))
    # A pipe has no width to fit; a table in it is never folded.
    Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE).print(table)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
