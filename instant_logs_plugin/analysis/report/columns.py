"""From a query's header to what its columns hold and how they are written.

Pure. The header decides: a column's type, its name's suffix (``_ms``, ``_bytes``,
``_s``) and the words ``0 to 1`` in its description. A new query gets a fair table
without a line of code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from instant_logs_plugin.analysis.query_files import Column as HeaderColumn
from instant_logs_plugin.analysis.rendering import printable
from instant_logs_plugin.analysis.report.formats import (
    format_bytes,
    format_count,
    format_number,
    format_seconds,
    format_share,
    format_time,
)
from instant_logs_plugin.analysis.report.model import Cell, Column, Kind

__all__ = ["column_kind", "make_cell", "make_column", "shown_columns"]

_TEXT_LIMIT = 200
_SUFFIXES = {
    "_ms": Kind.MS,
    "_s": Kind.SECONDS,
    "bytes": Kind.BYTES,
    "_bytes_saved": Kind.BYTES,
}
_LABELS = {
    "asn": "AS number",
    "bytes": "Sent",
    "client_error_share": "4xx",
    "client_errors": "4xx",
    "client_ip": "Client address",
    "colo": "Data centre",
    "gap_s": "No stream",
    "max_ms": "Longest",
    "mean_ms": "Mean",
    "p50_ms": "p50",
    "p90_ms": "p90",
    "p95_ms": "p95",
    "p99_ms": "p99",
    "recorded": "Records",
    "requests_per_s": "Requests/s",
    "sample_size": "Records",
    "server_error_share": "5xx",
    "server_errors": "5xx",
    "tls": "TLS",
}
_BOUNDS = ("lower", "upper")


def column_kind(column: HeaderColumn) -> Kind:
    """Return what a column of a header holds."""
    if column.type.endswith("[]"):
        return Kind.TEXTS
    if column.type == "boolean":
        return Kind.FLAG
    if column.type.startswith("timestamp"):
        return Kind.TIME
    if column.type == "varchar":
        return Kind.TEXT
    return _number_kind(column)


def _number_kind(column: HeaderColumn) -> Kind:
    if "0 to 1" in column.about or column.name.endswith(("share", "ratio")):
        return Kind.SHARE
    if column.name.endswith("_per_s"):
        return Kind.RATE
    for suffix, kind in _SUFFIXES.items():
        if column.name.endswith(suffix):
            return kind
    return Kind.COUNT if column.type in {"bigint", "integer"} else Kind.NUMBER


def shown_columns(columns: Sequence[HeaderColumn]) -> tuple[Column, ...]:
    """Return the columns of a table: bounds of an estimate stand in its own cell.

    The number of records behind a row stands last, and once.
    """
    names = {column.name for column in columns}
    hidden = {
        name
        for base in names
        for bound in _bound_names(base)
        if set(_bound_names(base)) <= names
        for name in (bound,)
    }
    if {"recorded", "sample_size"} <= names:
        hidden.add("sample_size")
    shown = [make_column(column) for column in columns if column.name not in hidden]
    return tuple(sorted(shown, key=_is_support))


def make_column(column: HeaderColumn) -> Column:
    """Return a header's column as a table shows it."""
    return Column(
        name=column.name,
        label=_LABELS.get(column.name) or _sentence_case(_words(column)),
        about=column.about,
        kind=column_kind(column),
    )


def make_cell(column: Column, row: Mapping[str, Any]) -> Cell:
    """Return a row's value, with its confidence interval when it has one."""
    value = row.get(column.name)
    if value is None:
        return Cell(text="")
    text = format_value(column.kind, value)
    return Cell(
        text=text, interval=_interval(column, row, text), order=_order(column, value)
    )


def format_value(kind: Kind, value: Any) -> str:
    """Return a value for people, by what it holds; never with control characters."""
    if kind is Kind.TEXTS:
        return ", ".join(printable(one) for one in value)
    if kind is Kind.TEXT or isinstance(value, str):
        return _shortened(printable(value))
    return _FORMATS[kind](value)


def _words(column: HeaderColumn) -> str:
    """Return a label: an estimate is called by what it is an estimate of."""
    if column.name == "estimate":
        return column.about.partition(" ")[0]
    return column.name.removesuffix("_ms").replace("_", " ")


def _sentence_case(words: str) -> str:
    return words[:1].upper() + words[1:]


def _is_support(column: Column) -> bool:
    return column.name in {"recorded", "sample_size"}


def _bound_names(base: str) -> tuple[str, ...]:
    prefix = "" if base == "estimate" else f"{base}_"
    return tuple(f"{prefix}{bound}" for bound in _BOUNDS)


def _interval(column: Column, row: Mapping[str, Any], text: str) -> str:
    low, high = (row.get(name) for name in _bound_names(column.name))
    if low is None or high is None:
        return ""
    texts = [format_value(column.kind, bound) for bound in (low, high)]
    return "" if texts == [text, text] else "–".join(texts)  # noqa: RUF001 - a range


def _order(column: Column, value: Any) -> str | float:
    if column.kind.is_numeric:
        return float(value)
    if isinstance(value, datetime):
        return value.timestamp()
    return format_value(column.kind, value)


def _shortened(text: str) -> str:
    if len(text) <= _TEXT_LIMIT:
        return text
    rest = len(text) - _TEXT_LIMIT
    return f"{text[:_TEXT_LIMIT]}… ({rest:,} more characters)"


def _flag(value: object) -> str:
    return "yes" if value else "no"


def _ms(value: float) -> str:
    return f"{format_number(value)} ms"


def _moment(value: datetime) -> str:
    return format_time(value.astimezone(UTC))


_FORMATS: dict[Kind, Callable[[Any], str]] = {
    Kind.FLAG: _flag,
    Kind.COUNT: format_count,
    Kind.NUMBER: format_number,
    Kind.SHARE: format_share,
    Kind.BYTES: format_bytes,
    Kind.MS: _ms,
    Kind.SECONDS: format_seconds,
    Kind.RATE: format_number,
    Kind.TIME: _moment,
}
