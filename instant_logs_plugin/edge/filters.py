"""The filter language both ways, checked before anything is sent.

Pure. Facts: Cloudflare, *Logpush*, "Filters" (operators by type, about 30 operators and
1,000 bytes); IBM's two faulty examples are told and repaired.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from instant_logs_plugin.edge.fields import FieldType, check_field, find_field
from instant_logs_plugin.edge.filter_evaluation import filter_matches
from instant_logs_plugin.edge.filter_expression import format_expression as _format
from instant_logs_plugin.edge.filter_expression import parse_expression
from instant_logs_plugin.edge.filter_json import close_brackets, format_json, parse_json
from instant_logs_plugin.edge.filter_tree import (
    Condition,
    Filter,
    Operator,
    Scalar,
    Value,
    iter_conditions,
    make_filter,
    map_conditions,
)
from instant_logs_plugin.errors import InvalidFilter

__all__ = [
    "ExplainedFilter",
    "Filter",
    "explain_filter",
    "filter_matches",
    "format_expression",
    "format_filter",
    "parse_filter",
]

MAX_OPERATORS = 30
MAX_BYTES = 1000
_MAX_INT = 2**64 - 1

_MAX_MISSING = 40
_DIGITS = re.compile("[0-9]{1,20}").fullmatch

_EQUALITY = {Operator.EQ, Operator.NOT_EQ}
_ORDER = {Operator.LT, Operator.LEQ, Operator.GT, Operator.GEQ}
_LISTS = {Operator.IN, Operator.NOT_IN}
_CONTAINS = {Operator.CONTAINS, Operator.NOT_CONTAINS}
_ALLOWED: dict[FieldType, set[Operator]] = {
    FieldType.STRING: set(Operator) - _ORDER,
    FieldType.INT: _EQUALITY | _ORDER | _LISTS,
    FieldType.BOOL: _EQUALITY,
    FieldType.STRING_LIST: _CONTAINS,
    FieldType.INT_LIST: _CONTAINS,
    FieldType.OBJECT: set(),
    # The service does not say what these two take: what orders numbers is let through.
    FieldType.FLOAT: _EQUALITY | _ORDER,
    FieldType.TIMESTAMP: _EQUALITY | _ORDER,
    FieldType.UNKNOWN: set(Operator),
}
_VALUE_TYPES: dict[FieldType, tuple[type, ...]] = {
    FieldType.STRING: (str,),
    FieldType.INT: (int,),
    FieldType.BOOL: (bool,),
    FieldType.STRING_LIST: (str,),
    FieldType.INT_LIST: (int,),
    FieldType.FLOAT: (int, float),
    FieldType.TIMESTAMP: (int, str),
    FieldType.UNKNOWN: (str, int, float, bool),
}
_LOWER_CASE_VALUES = {"ClientCountry"}


@dataclass(frozen=True)
class ExplainedFilter:
    """A filter, and what was normalised on the way to it.

    Attributes:
        filter: The filter; None when the text was blank.
        notes: One sentence each.
    """

    filter: Filter | None
    notes: tuple[str, ...] = ()


def parse_filter(text: str, *, allow_unknown: bool = False) -> Filter | None:
    """Return the filter in a text: the service's JSON, or a short expression.

    Args:
        text: Blank means no filter (None).
        allow_unknown: Let fields through that the catalogue does not hold.

    Raises:
        InvalidFilter: The service would refuse or misread it.
        UnknownField: It names a field that the catalogue does not hold.
        RetiredField: It names one that the service no longer sends.
    """
    return explain_filter(text, allow_unknown=allow_unknown).filter


def explain_filter(text: str, *, allow_unknown: bool = False) -> ExplainedFilter:
    """Return the filter in a text with notes on what was normalised.

    Raises:
        ConfigurationError: As `parse_filter`.
    """
    if not text.strip():
        return ExplainedFilter(None)
    notes: list[str] = []
    filter_ = _normalise(_parse(text.strip(), notes), notes)
    _check(filter_, allow_unknown=allow_unknown)
    return ExplainedFilter(filter_, tuple(notes))


def format_filter(filter_: Filter | None) -> str:
    """Return the service's JSON, canonical and compact; ``""`` for no filter."""
    return "" if filter_ is None else format_json(filter_)


def format_expression(filter_: Filter | None) -> str:
    """Return the short expression; ``""`` for no filter."""
    return "" if filter_ is None else _format(filter_)


def _parse(text: str, notes: list[str]) -> Filter:
    if text[0] not in '{"':
        return parse_expression(text)
    try:
        return parse_json(text, notes)
    except InvalidFilter as exc:
        closed = close_brackets(text)
        if closed is None:
            raise
        missing = closed[len(text) :]
        shown = (
            missing if len(missing) <= _MAX_MISSING else f"{missing[:_MAX_MISSING]}…"
        )
        reason = f"the JSON ends too early: {shown!r} is missing at its end"
        repaired = _repaired(closed)
        raise InvalidFilter(reason, exc.where, repaired) from exc


def _repaired(text: str) -> str | None:
    try:
        return format_filter(parse_filter(text, allow_unknown=True))
    except InvalidFilter:
        return None


def _normalise(filter_: Filter, notes: list[str]) -> Filter:
    """Give values the form that the service takes, where the meaning is plain."""

    def change(condition: Condition) -> Condition:
        value = condition.value
        if condition.key in _LOWER_CASE_VALUES:
            value = _lower(value)
            if value != condition.value:
                notes.append(f"{condition.key}: the service's values are lower case")
        is_list = condition.operator in _LISTS
        if is_list and find_field(condition.key).type is FieldType.INT:
            value = _as_ints(value)
        return replace(condition, value=value)

    return make_filter(map_conditions(filter_, change))


def _lower(value: Value) -> Value:
    if isinstance(value, tuple):
        return tuple(one.lower() if isinstance(one, str) else one for one in value)
    return value.lower() if isinstance(value, str) else value


def _as_ints(value: Value) -> Value:
    """Return numbers for digits; IBM's own example has ``"200,201"``."""
    if not isinstance(value, tuple):
        return int(value) if isinstance(value, str) and _DIGITS(value) else value
    items = (_as_ints(one) for one in value)
    return tuple(item for item in items if not isinstance(item, tuple))


def _check(filter_: Filter, *, allow_unknown: bool) -> None:
    conditions = list(iter_conditions(filter_))
    for condition in conditions:
        _check_key(condition, allow_unknown=allow_unknown)
        _check_operator(condition)
        _check_value(condition, filter_)
    if len(conditions) > MAX_OPERATORS:
        found = f"{len(conditions)} operators; the service takes {MAX_OPERATORS}"
        raise InvalidFilter(found)
    size = len(format_json(filter_).encode())
    if size > MAX_BYTES:
        raise InvalidFilter(f"{size} bytes as JSON; the service takes {MAX_BYTES}")


def _check_key(condition: Condition, *, allow_unknown: bool) -> None:
    key = condition.key
    if key == "sampleInterval":
        raise InvalidFilter(
            f"{key} is no field: it cannot be filtered", condition.where
        )
    if allow_unknown and not key.isidentifier():
        raise InvalidFilter(f"{key[:40]!r} is no field's name", condition.where)
    check_field(key, allow_unknown=allow_unknown)


def _check_operator(condition: Condition) -> None:
    kind = find_field(condition.key).type
    if condition.operator in _ALLOWED[kind]:
        return
    allowed = ", ".join(one for one in Operator if one in _ALLOWED[kind])
    rule = f"takes {allowed}" if allowed else "cannot be filtered"
    reason = f"{condition.key} ({kind.value}) {rule}, not {condition.operator.value!r}"
    raise InvalidFilter(reason, condition.where)


def _check_value(condition: Condition, filter_: Filter) -> None:
    kind = find_field(condition.key).type
    values = (
        condition.value if isinstance(condition.value, tuple) else (condition.value,)
    )
    for value in values:
        if not _fits(value, kind):
            reason = f"{_shown(value)} is no {_kind_words(kind)}, as {condition.key} is"
            raise InvalidFilter(reason, condition.where, _with_ints(filter_))


def _fits(value: Scalar, kind: FieldType) -> bool:
    types = _VALUE_TYPES[kind]
    if isinstance(value, bool):
        return bool in types
    if isinstance(value, str):
        return str in types and _is_unicode(value)
    is_in_range = not isinstance(value, int) or 0 <= value <= _MAX_INT
    return isinstance(value, types) and is_in_range


def _is_unicode(text: str) -> bool:
    """Tell whether a text can be sent: half a surrogate pair cannot."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _shown(value: Scalar) -> str:
    """Return a value as a filter spells it; the beginning of a long one."""
    if isinstance(value, str):
        return repr(value[:40])
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _kind_words(kind: FieldType) -> str:
    return "int from 0 to 2^64-1" if kind is FieldType.INT else kind.value


def _with_ints(filter_: Filter) -> str | None:
    """Return the filter with numbers for digits in integer fields, if that mends it."""

    def change(condition: Condition) -> Condition:
        is_int = find_field(condition.key).type is FieldType.INT
        value = _as_ints(condition.value) if is_int else condition.value
        return replace(condition, value=value)

    repaired = make_filter(map_conditions(filter_, change))
    return None if repaired == filter_ else format_json(repaired)
