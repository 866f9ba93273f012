"""From a query's header to what its columns hold and how they are written.

Pure. The header decides: a column's type, its name's suffix (``_ms``, ``bytes``,
``_s``) and words of its description (``0 to 1``). A new query gets a fair table
without a line of code. An estimate's bounds (``lower``, ``upper``) are shown with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from numbers import Real
from typing import Any

from instant_logs_plugin.analysis.query_files import Column as HeaderColumn
from instant_logs_plugin.analysis.tables.formats import (
    as_utc,
    format_range,
    format_value,
)
from instant_logs_plugin.analysis.tables.model import Cell, Column, Kind

__all__ = ["bounds", "make_cell", "make_column", "table_columns"]

_SUPPORT = ("recorded", "sample_size")
"""Columns that say on how many records a row stands, in order of preference."""

_KINDS = {
    "boolean": Kind.FLAG,
    "timestamptz": Kind.TIME,
    "timestamp": Kind.TIME,
    "varchar": Kind.TEXT,
}
_SUFFIXES = {
    "_per_s": Kind.RATE,
    "_ms": Kind.MS,
    "_us": Kind.US,
    "_s": Kind.SECONDS,
    "bytes": Kind.BYTES,
    "bytes_per_request": Kind.BYTES,
}
_UNIT = re.compile(r"_(ms|us|s)$")
_LABELS = {
    "asn": "AS number",
    "bytes": "Sent",
    "cache_hit_share": "From cache",
    "client_error_share": "4xx",
    "client_errors": "4xx",
    "client_ip": "Client address",
    "colo": "Data centre",
    "error_share": "Errors",
    "first_at": "First",
    "gap_count": "Gaps",
    "gap_s": "No stream",
    "hit_share": "Hits",
    "last_at": "Last",
    "max_cpu_us": "Longest CPU",
    "max_ms": "Longest",
    "max_wall_us": "Longest",
    "mean_cpu_us": "Mean CPU",
    "mean_ttfb_ms": "Mean first byte",
    "mean_wall_us": "Mean",
    "origin_errors": "By origin",
    "recorded": "Records",
    "request_bytes": "Received",
    "requests_per_s": "Requests/s",
    "rule_id": "Rule",
    "sample_size": "Records",
    "saved_bytes": "Saved",
    "server_error_share": "5xx",
    "server_errors": "5xx",
    "status_class": "Class",
}


def table_columns(header: Sequence[HeaderColumn]) -> tuple[Column, ...]:
    """Return the columns of a table in reading order.

    What names a row comes first, then its estimate and share, then the rest, and last
    on how many records it stands. Bounds are not columns of their own.
    """
    names = {column.name for column in header}
    hidden = {bound for name in names for bound in _bound_names(name, names)}
    if set(_SUPPORT) <= names:
        hidden.add(_SUPPORT[1])
    ids = _ids([column.name for column in header])
    is_ranked = "estimate" in names
    shown = [
        make_column(column, is_id=column.name in ids)
        for column in header
        if column.name not in hidden
    ]
    if is_ranked:
        shown.sort(key=lambda column: _rank(column.name, ids))
    return tuple(shown)


def make_column(header: HeaderColumn, *, is_id: bool = False) -> Column:
    """Return a header's column; ``is_id``: a number names the row, as a status does."""
    kind = _kind(header)
    if is_id and kind is Kind.COUNT:
        kind = Kind.ID
    return Column(name=header.name, label=_label(header), about=header.about, kind=kind)


def make_cell(column: Column, row: Mapping[str, Any]) -> Cell:
    """Return a row's value, with its confidence interval when it has one."""
    value = row.get(column.name)
    if value is None:
        return Cell(text="")
    text = format_value(column.kind, value)
    return Cell(
        text=text, interval=_interval(column, row, text), order=_order(column, value)
    )


def bounds(name: str, row: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """Return the bounds of a column's value, or None where there are none."""
    found = [row.get(bound) for bound in _bound_names(name, row)]
    return None if not found or None in found else (found[0], found[1])


def _kind(header: HeaderColumn) -> Kind:
    if header.type.endswith("[]"):
        return Kind.TEXTS
    if header.type in _KINDS:
        return _KINDS[header.type]
    if "0 to 1" in header.about or header.name.endswith("share"):
        return Kind.SHARE
    if header.name == "estimate" and header.about.startswith("bytes"):
        return Kind.BYTES
    for suffix, kind in _SUFFIXES.items():
        if header.name.endswith(suffix):
            return kind
    return Kind.COUNT if header.type in {"bigint", "integer"} else Kind.NUMBER


def _label(header: HeaderColumn) -> str:
    if header.name in _LABELS:
        return _LABELS[header.name]
    if header.name == "estimate":  # called by what it is an estimate of
        words = header.about.replace(",", " ").split()[0]
    else:
        words = _UNIT.sub("", header.name).replace("_", " ")
    return words if _is_quantile(words) else words[:1].upper() + words[1:]


def _is_quantile(words: str) -> bool:
    return words[:1] == "p" and words[1:].isdigit()


def _ids(names: Sequence[str]) -> set[str]:
    """Return the columns that name a row: those before its estimate."""
    before = names[: names.index("estimate")] if "estimate" in names else []
    return set(before) - set(_SUPPORT)


def _rank(name: str, ids: set[str]) -> int:
    if name in ids:
        return 0
    if name in {"estimate", "share"}:
        return 1
    return 3 if name in _SUPPORT else 2


def _bound_names(name: str, known: Mapping[str, Any] | set[str]) -> tuple[str, ...]:
    """Return the names of a column's bounds, if both are known."""
    base, unit = name, ""
    if name.endswith("_ms"):
        base, unit = name.removesuffix("_ms"), "_ms"
    stems = [f"{base}_", f"{base.removesuffix('_share')}_"]
    for stem in [""] if name == "estimate" else stems:
        pair = (f"{stem}lower{unit}", f"{stem}upper{unit}")
        if set(pair) <= set(known):
            return pair
    return ()


def _interval(column: Column, row: Mapping[str, Any], text: str) -> str:
    limits = bounds(column.name, row)
    if limits is None:
        return ""
    low, high = (format_value(column.kind, limit) for limit in limits)
    return "" if low == high == text else format_range(low, high)


def _order(column: Column, value: Any) -> str | float | None:
    if isinstance(value, datetime):
        return as_utc(value).timestamp()
    if column.kind.is_measure or column.kind is Kind.ID:
        return float(value) if isinstance(value, Real | Decimal) else None
    return format_value(column.kind, value)
