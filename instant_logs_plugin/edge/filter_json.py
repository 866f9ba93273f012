"""The service's JSON form of a filter: ``{"where": {"and": [...]}}``.

Pure. Faults of documented examples are told and repaired: brackets left open, ``where``
repeated in a group, ``In`` and ``neq``, a comma list for ``in``.
"""

from __future__ import annotations

import json
from typing import Any

from instant_logs_plugin.edge.filter_tree import (
    Condition,
    Filter,
    Group,
    Item,
    Operator,
    Scalar,
    Value,
    make_filter,
    parse_number,
)
from instant_logs_plugin.errors import InvalidFilter

__all__ = ["close_brackets", "format_json", "parse_json"]

_MAX_DEPTH = 10
_SPELLINGS = {operator.value: operator for operator in Operator}
_OLD_SPELLINGS = {
    "in": Operator.IN,
    "!in": Operator.NOT_IN,
    "neq": Operator.NOT_EQ,
    "ne": Operator.NOT_EQ,
}
_LISTS = {Operator.IN, Operator.NOT_IN}


def format_json(filter_: Filter) -> str:
    """Return the canonical text: no blanks, keys as documented, non-ASCII as it is."""
    document = {"where": _plain(filter_)}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def parse_json(text: str, notes: list[str]) -> Filter:
    """Return the filter in a JSON text; what was normalised is added to ``notes``.

    Raises:
        InvalidFilter: The text is no such document.
    """
    document = _load(text)
    if isinstance(document, str):
        notes.append("the filter was JSON within a JSON string: the inner one counts")
        document = _load(document)
    if not isinstance(document, dict) or list(document) != ["where"]:
        raise InvalidFilter('not {"where": …}', "the top")
    return make_filter(_parse_group(document["where"], "where", notes))


def close_brackets(text: str) -> str | None:
    """Return the text with the brackets closed that it leaves open, or None."""
    closers: list[str] = []
    is_string = is_escaped = False
    for char in text:
        if is_string:
            is_string = is_escaped or char != '"'
            is_escaped = char == "\\" and not is_escaped
        elif char == '"':
            is_string = True
        elif char in "[{":
            closers.append("]" if char == "[" else "}")
        elif char in "]}" and (not closers or closers.pop() != char):
            return None
    return text + "".join(reversed(closers)) if closers and not is_string else None


def _load(text: str) -> Any:
    try:
        return json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_float=parse_number,
            parse_int=parse_number,
        )
    except json.JSONDecodeError as exc:
        raise InvalidFilter(f"not JSON: {exc.msg}", f"column {exc.pos + 1}") from exc
    except RecursionError as exc:
        raise InvalidFilter(f"nested deeper than {_MAX_DEPTH} groups") from exc


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        repeated = next(key for key, _ in pairs if [k for k, _ in pairs].count(key) > 1)
        raise InvalidFilter(f"key {repeated!r} comes twice in one object")
    return found


def _refuse_constant(name: str) -> None:
    raise InvalidFilter(f"{name} is no JSON number")


def _parse_item(value: Any, where: str, notes: list[str]) -> Item:
    if isinstance(value, dict) and list(value) == ["where"]:
        notes.append(f"{where} repeats 'where': only the whole filter has one")
        return _parse_group(value["where"], where, notes)
    if isinstance(value, dict) and "key" in value:
        return _parse_condition(value, where, notes)
    return _parse_group(value, where, notes)


def _parse_group(value: Any, where: str, notes: list[str]) -> Group:
    if isinstance(value, dict) and "key" in value:
        notes.append(f"{where} was a condition alone: it stands in an 'and' now")
        return Group("and", (_parse_condition(value, where, notes),))
    if (
        not isinstance(value, dict)
        or len(value) != 1
        or not value.keys() <= {"and", "or"}
    ):
        expected = '{"and": […]}, {"or": […]} or {"key", "operator", "value"}'
        raise InvalidFilter(f"not {expected}", where)
    if where.count("[") >= _MAX_DEPTH:
        raise InvalidFilter(f"nested deeper than {_MAX_DEPTH} groups", where)
    ((kind, items),) = value.items()
    if not isinstance(items, list) or not items:
        raise InvalidFilter("no list of at least one item", f"{where}.{kind}")
    return Group(
        kind,
        tuple(
            _parse_item(item, f"{where}.{kind}[{index}]", notes)
            for index, item in enumerate(items)
        ),
    )


def _parse_condition(value: dict[str, Any], where: str, notes: list[str]) -> Condition:
    if set(value) != {"key", "operator", "value"}:
        raise InvalidFilter("not exactly 'key', 'operator' and 'value'", where)
    key, spelled = value["key"], value["operator"]
    if not isinstance(key, str) or not isinstance(spelled, str):
        raise InvalidFilter("'key' and 'operator' are not both text", where)
    operator = _parse_operator(spelled, where, notes)
    found = _parse_value(value["value"], operator, f"{where}.value", notes)
    return Condition(key, operator, found, where)


def _parse_operator(spelled: str, where: str, notes: list[str]) -> Operator:
    if spelled in _SPELLINGS:
        return _SPELLINGS[spelled]
    operator = _OLD_SPELLINGS.get(spelled.lower())
    if operator is None:
        known = ", ".join(_SPELLINGS)
        reason = f"operator {spelled!r} is none of {known}"
        raise InvalidFilter(reason, f"{where}.operator")
    notes.append(f"{where}: operator {spelled!r} is written {operator.value!r}")
    return operator


def _parse_value(value: Any, operator: Operator, where: str, notes: list[str]) -> Value:
    if operator not in _LISTS:
        return _parse_scalar(value, where)
    if isinstance(value, str):
        notes.append(f"{where}: {operator.value!r} takes a list, not text with commas")
        value = [part.strip() for part in value.split(",")]
    if not isinstance(value, list) or not value:
        raise InvalidFilter("no list of at least one value", where)
    return tuple(_parse_scalar(one, f"{where}[{n}]") for n, one in enumerate(value))


def _parse_scalar(value: Any, where: str) -> Scalar:
    if isinstance(value, (str, int, float, bool)):
        return value
    raise InvalidFilter("neither text, number, true nor false", where)


def _plain(item: Item) -> dict[str, Any]:
    if isinstance(item, Group):
        return {item.kind: [_plain(one) for one in item.items]}
    value = list(item.value) if isinstance(item.value, tuple) else item.value
    return {"key": item.key, "operator": item.operator.value, "value": value}
