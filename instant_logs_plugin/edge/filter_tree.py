"""A filter as a tree of values, in one canonical form.

Pure. Groups hold at least two items, but for a filter of a single condition, which is
an ``and`` of one: so each filter has one tree, and formats are inverse to parsers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from instant_logs_plugin.errors import InvalidFilter

__all__ = [
    "NEGATIONS",
    "Condition",
    "Filter",
    "Group",
    "Item",
    "Operator",
    "Scalar",
    "Value",
    "iter_conditions",
    "make_filter",
    "map_conditions",
    "negate",
    "parse_number",
]

_NUMBER_LIMIT = 64
"""Characters; no unsigned 64-bit number has half as many."""

Scalar = str | int | float | bool
Value = Scalar | tuple[Scalar, ...]


class Operator(StrEnum):
    """The service's operators, in its newer spelling."""

    EQ = "eq"
    NOT_EQ = "!eq"
    LT = "lt"
    LEQ = "leq"
    GT = "gt"
    GEQ = "geq"
    IN = "in"
    NOT_IN = "!in"
    CONTAINS = "contains"
    NOT_CONTAINS = "!contains"
    STARTS_WITH = "startsWith"
    NOT_STARTS_WITH = "!startsWith"
    ENDS_WITH = "endsWith"
    NOT_ENDS_WITH = "!endsWith"


_PAIRS = (
    (Operator.EQ, Operator.NOT_EQ),
    (Operator.LT, Operator.GEQ),
    (Operator.GT, Operator.LEQ),
    (Operator.IN, Operator.NOT_IN),
    (Operator.CONTAINS, Operator.NOT_CONTAINS),
    (Operator.STARTS_WITH, Operator.NOT_STARTS_WITH),
    (Operator.ENDS_WITH, Operator.NOT_ENDS_WITH),
)
NEGATIONS = {one: other for pair in _PAIRS for one, other in (pair, pair[::-1])}
"""The operator that is true where another is false."""


@dataclass(frozen=True)
class Condition:
    """One comparison of a field.

    Attributes:
        key: The field.
        operator: How.
        value: With what; a tuple for ``in`` and ``!in``.
        where: Where it was written, for messages; no part of its identity.
    """

    key: str
    operator: Operator
    value: Value
    where: str = ""

    def __eq__(self, other: object) -> bool:
        # True == 1 in Python, not in a filter.
        return isinstance(other, Condition) and self._facts() == other._facts()

    def __hash__(self) -> int:
        return hash(self._facts())

    def _facts(self) -> tuple[str, Operator, str]:
        return self.key, self.operator, repr(self.value)


@dataclass(frozen=True)
class Group:
    """Items of which all (``and``) or any (``or``) hold.

    Attributes:
        kind: ``"and"`` or ``"or"``.
        items: Conditions and groups, in the order written.
    """

    kind: str
    items: tuple[Item, ...]


Item = Condition | Group
Filter = Group


def make_filter(item: Item) -> Filter:
    """Return the canonical filter of an item."""
    lone = _collapse(item)
    return lone if isinstance(lone, Group) else Group("and", (lone,))


def parse_number(text: str) -> int | float:
    """Return the value of a JSON number.

    Raises:
        InvalidFilter: It is longer or larger than any that the service can hold.
    """
    if len(text) > _NUMBER_LIMIT:
        raise InvalidFilter(f"a number of {len(text)} characters")
    is_whole = text.removeprefix("-").isdecimal()
    number = int(text) if is_whole else float(text)
    if not math.isfinite(number):
        raise InvalidFilter(f"{text} is too large a number")
    return number


def negate(item: Item) -> Item:
    """Return what is true where the item is false, by De Morgan's laws."""
    if isinstance(item, Condition):
        return Condition(item.key, NEGATIONS[item.operator], item.value, item.where)
    kind = "or" if item.kind == "and" else "and"
    return Group(kind, tuple(negate(one) for one in item.items))


def iter_conditions(item: Item) -> Iterator[Condition]:
    """Yield every condition, in the order written."""
    if isinstance(item, Condition):
        yield item
    else:
        for one in item.items:
            yield from iter_conditions(one)


def map_conditions(item: Item, change: Callable[[Condition], Condition]) -> Item:
    """Return the same tree with every condition changed."""
    if isinstance(item, Condition):
        return change(item)
    return Group(item.kind, tuple(map_conditions(one, change) for one in item.items))


def _collapse(item: Item) -> Item:
    if isinstance(item, Condition):
        return item
    items = tuple(_collapse(one) for one in item.items)
    return items[0] if len(items) == 1 else Group(item.kind, items)
