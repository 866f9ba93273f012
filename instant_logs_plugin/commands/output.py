"""Results on stdout: a table for people, JSON, CSV or Markdown for the rest."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from instant_logs_plugin.analysis.rendering import (
    Row,
    printable,
    render_csv,
    render_json,
    render_markdown,
)
from instant_logs_plugin.errors import InvalidOption

if TYPE_CHECKING:
    from instant_logs_plugin.analysis.tables.model import Table

__all__ = [
    "OutputFormat",
    "choose_format",
    "print_rows",
    "print_table",
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
            _print_plainly(rows)
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


def print_table(table: Table) -> None:
    """Print a table for people, and an empty line; one wide row stands upright."""
    texts = [[cell.with_interval for cell in row] for row in table.rows]
    labels = [column.heading for column in table.columns]
    if table.is_upright:
        _lay_out(None, zip(labels, *texts, strict=True))
    else:
        header = [
            _Heading(
                column.heading,
                is_number=column.kind.is_measure,
                is_one_word=column.name == "capture_id",
            )
            for column in table.columns
        ]
        _lay_out(header, texts)
    sys.stdout.write("\n")


def _print_plainly(rows: Sequence[Row]) -> None:
    """Print rows under the names of their columns; one wide row stands upright."""
    if not rows:
        return
    names = [printable(name) for name in rows[0]]
    texts = [[printable(value) for value in row.values()] for row in rows]
    if len(rows) == 1 and len(names) > _MOST_COLUMNS_OF_ONE_ROW:
        _lay_out(None, zip(names, *texts, strict=True))
    else:
        header = [
            _Heading(
                printable(name),
                is_number=_is_number(value),
                is_one_word=name == "capture_id",
            )
            for name, value in rows[0].items()
        ]
        _lay_out(header, texts)


class _Heading(NamedTuple):
    """What stands over a column; one word is not folded where others can be."""

    text: str
    is_number: bool
    is_one_word: bool


def _lay_out(header: list[_Heading] | None, rows: Iterable[Iterable[str]]) -> None:
    """Print texts in columns under a header; without one, names and values."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    table = RichTable(
        box=SIMPLE_HEAD if header else None,
        show_header=header is not None,
        header_style="bold",
        show_edge=False,
        pad_edge=False,
        collapse_padding=header is not None,
    )
    for one in header or []:
        justify: Literal["left", "right"] = "right" if one.is_number else "left"
        table.add_column(
            Text(one.text), justify=justify, overflow="fold", no_wrap=one.is_one_word
        )
    for row in rows:
        table.add_row(*map(Text, row))
    # A pipe has no width to fit; a table in it is never folded.
    Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE).print(table)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
