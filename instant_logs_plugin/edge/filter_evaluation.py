"""What a filter lets through: its evaluation on a record, as the emulator needs it."""

from __future__ import annotations

import operator as operator_module
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from instant_logs_plugin.edge.filter_tree import (
    NEGATIONS,
    Filter,
    Group,
    Item,
    Operator,
    Value,
)

__all__ = ["filter_matches"]


def filter_matches(filter_: Filter | None, record: Mapping[str, object]) -> bool:
    """Tell whether a record passes; a value that is not there equals nothing."""
    return filter_ is None or _matches(filter_, record)


def _matches(item: Item, record: Mapping[str, object]) -> bool:
    if isinstance(item, Group):
        results = (_matches(one, record) for one in item.items)
        return all(results) if item.kind == "and" else any(results)
    if item.operator.startswith("!"):
        positive = replace(item, operator=NEGATIONS[item.operator])
        return not _matches(positive, record)
    return _compare(item.operator, record.get(item.key), item.value)


def _compare(operator: Operator, found: object, value: Value) -> bool:
    if operator is Operator.IN:
        return isinstance(value, tuple) and any(_equal(found, one) for one in value)
    if operator is Operator.CONTAINS and isinstance(found, list):
        return any(_equal(one, value) for one in found)
    compare = _TEXT_TESTS.get(operator)
    if compare is not None:
        is_text = isinstance(found, str) and isinstance(value, str)
        return is_text and compare(found, value)
    return _compare_order(operator, found, value)


def _compare_order(operator: Operator, found: Any, value: Any) -> bool:
    if operator is Operator.EQ:
        return _equal(found, value)
    is_comparable = _kind(found) is _kind(value) is not None
    return is_comparable and bool(_ORDER_TESTS[operator](found, value))


def _kind(value: object) -> type | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float
    return str if isinstance(value, str) else None


def _equal(found: object, value: object) -> bool:
    return isinstance(found, bool) is isinstance(value, bool) and found == value


_TEXT_TESTS: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.CONTAINS: operator_module.contains,
    Operator.STARTS_WITH: str.startswith,
    Operator.ENDS_WITH: str.endswith,
}
_ORDER_TESTS: dict[Operator, Callable[[Any, Any], Any]] = {
    Operator.LT: operator_module.lt,
    Operator.LEQ: operator_module.le,
    Operator.GT: operator_module.gt,
    Operator.GEQ: operator_module.ge,
}
