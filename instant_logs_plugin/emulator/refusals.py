"""What the service says of a filter that it does not take. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from instant_logs_plugin.edge.fields import FieldType, find_field
from instant_logs_plugin.edge.filter_json import parse_json
from instant_logs_plugin.edge.filters import Filter, parse_filter
from instant_logs_plugin.errors import ConfigurationError

__all__ = ["parse_predicate"]

_LISTS = {"in", "!in"}
_KINDS: dict[FieldType, tuple[str, type]] = {
    FieldType.STRING: ("string", str),
    FieldType.STRING_LIST: ("string", str),
    FieldType.INT: ("uint64", int),
    FieldType.INT_LIST: ("uint64", int),
    FieldType.BOOL: ("bool", bool),
}


def parse_predicate(text: object) -> tuple[Filter | None, str]:
    """Return a request's filter, and the service's words if it is refused.

    The service takes JSON only and normalises nothing but the older ``neq``.

    Args:
        text: The value of ``filter``; ``""`` means none.
    """
    if text == "":
        return None, ""
    if not isinstance(text, str):
        return None, "the filter is no text"
    refusal = next(_iter_undecodable(text), "")
    if refusal:
        return None, refusal
    try:
        return _parse_strictly(text), ""
    except ConfigurationError as exc:
        return None, str(exc)


def _parse_strictly(text: str) -> Filter | None:
    modern = _modern(text) if '"neq"' in text else text
    notes: list[str] = []
    parse_json(modern, notes)
    if notes:
        raise ConfigurationError(notes[0])
    return parse_filter(modern, allow_unknown=True)


def _modern(text: str) -> str:
    """Return the text with the newer spelling, or as it is where it is no JSON."""
    try:
        return json.dumps(json.loads(text, object_hook=_modernise))
    except (ValueError, RecursionError):
        return text


def _modernise(value: dict[str, Any]) -> dict[str, Any]:
    return value | {"operator": "!eq"} if value.get("operator") == "neq" else value


def _iter_undecodable(text: str) -> Iterator[str]:
    """Yield a sentence for each value that is not of its field's type."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return  # the strict parser says what is wrong with it
    for key, operator, value in _iter_conditions(document):
        kind = _KINDS.get(find_field(key).type)
        if kind is not None and not _is_decodable(value, operator, kind[1]):
            prefix = "[]" if operator in _LISTS else ""
            # As Go's %q prints the raw JSON.
            quoted = json.dumps(json.dumps(value, ensure_ascii=False))
            yield (
                f"failed to decode value {quoted}, supported kinds: {prefix}{kind[0]}"
            )


def _iter_conditions(value: Any) -> Iterator[tuple[str, str, Any]]:
    if isinstance(value, list):
        for one in value:
            yield from _iter_conditions(one)
    elif isinstance(value, dict) and isinstance(value.get("key"), str):
        yield value["key"], str(value.get("operator")).lower(), value.get("value")
    elif isinstance(value, dict):
        yield from _iter_conditions(list(value.values()))


def _is_decodable(value: Any, operator: str, kind: type) -> bool:
    if operator in _LISTS:
        return isinstance(value, list) and all(type(one) is kind for one in value)
    return type(value) is kind
