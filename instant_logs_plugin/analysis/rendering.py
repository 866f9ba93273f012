"""Rows as text: JSON, CSV or Markdown.

Pure. What a request carries can hold terminal escapes and markup: control characters
are shown, not obeyed, and Markdown cells are escaped. JSON stays exact: what would be
obeyed stands there as JSON's own escape. CSV keeps tabs and line breaks in its cells;
a text that a spreadsheet would take for a formula stands behind an apostrophe.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from functools import partial
from typing import Any

from instant_logs_plugin.store.manifest import format_time

__all__ = ["Row", "printable", "render_csv", "render_json", "render_markdown"]

Row = Mapping[str, Any]

_CONTROLS = {
    code: f"\\x{code:02x}"
    for code in (*range(32), *range(127, 160))
    if chr(code) not in "\t\n"
}
_FORMULA_STARTS = (*"=+-@\t\n", *"\uff1d\uff0b\uff0d\uff20")
"""OWASP, "CSV Injection"; a carriage return is one too, and never comes through."""
_MARKDOWN = str.maketrans(
    {"\\": "\\\\", "|": "\\|", "<": "&lt;", ">": "&gt;", "`": "\\`", "[": "\\["}
)


def render_json(document: object) -> str:
    """Return a document of rows as JSON text, the final newline included."""
    lines = _dumps(document, indent=2).split("\n")
    return "\n".join(map(_escape_unprintable, lines)) + "\n"


def printable(value: object) -> str:
    """Return a cell's text with control characters shown, not obeyed."""
    text = "" if value is None else _text(value)
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode()
        for char in text
    )


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return str(_plain(value)).replace(".000000Z", "Z").replace("T", " ")
    known = _known(value)
    if isinstance(known, float):
        return f"{known:,.4g}" if abs(known) < 1000 else f"{known:,.0f}"  # noqa: PLR2004
    return known if isinstance(known, str) else _dumps(known)


def _known(value: object) -> object:
    """Return a value as one that JSON knows, containers as they are."""
    is_known = value is None or isinstance(value, (str, int, float, list, tuple, dict))
    return value if is_known else _plain(value)


def _plain(value: object) -> object:
    if isinstance(value, datetime) and value.tzinfo:
        return format_time(value)
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, Decimal):  # DuckDB's sum of integers is one
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    return str(value)


def _dumps(value: object, indent: int | None = None) -> str:
    dumps = partial(json.dumps, default=_plain, indent=indent, ensure_ascii=False)
    try:
        return dumps(value, allow_nan=False)
    except ValueError:
        return dumps(_finite(value))


def _finite(value: object) -> object:
    """Return a value without NaN and infinities, which JSON does not know."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _escape_unprintable(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(
        char if char.isprintable() else json.dumps(char)[1:-1] for char in line
    )


def render_csv(rows: Sequence[Row]) -> str:
    """Return rows as CSV with a header line; nothing for no rows."""
    file = io.StringIO()
    if rows:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([_csv_cell(name) for name in rows[0]])
        writer.writerows([_csv_cell(cell) for cell in row.values()] for row in rows)
    return file.getvalue()


def _csv_cell(value: object) -> object:
    known = _known(value)
    if known is None or isinstance(known, (int, float)):
        return known
    text = known if isinstance(known, str) else _dumps(known)
    text = text.translate(_CONTROLS)
    is_formula = len(text) > 1 and text.startswith(_FORMULA_STARTS)
    return f"'{text}" if is_formula else text


def render_markdown(rows: Sequence[Row]) -> str:
    """Return rows as a Markdown table; nothing for no rows."""
    if not rows:
        return ""
    lines = [[_markdown_cell(name) for name in rows[0]], ["---"] * len(rows[0])]
    lines += [[_markdown_cell(cell) for cell in row.values()] for row in rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _markdown_cell(value: object) -> str:
    return printable(value).translate(_MARKDOWN)
