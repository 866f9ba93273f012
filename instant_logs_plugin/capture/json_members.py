"""Members of a JSON object edited in its text: what is not edited stays as it is.

Pure. Keys are compared as they read, not as they are spelled (``Client\u0049P``), and
a repeated key is edited each time. Nothing is parsed into numbers and written anew:
a reader behind sees the very bytes that the edge sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

__all__ = ["DROP", "Edit", "edit_members"]

Edit = Callable[[Any], Any]
"""Takes a member's value; returns what it becomes, or `DROP`."""

DROP = object()
"""What an edit returns for a member that goes."""

_BLANKS = re.compile(r"[ \t\r\n]*")
_decode = json.JSONDecoder(strict=False).raw_decode


class _Member(NamedTuple):
    """A member, and where it, its value and the text behind it begin."""

    key: str
    value: Any
    start: int
    value_start: int
    end: int


def edit_members(line: bytes, edits: Mapping[str, Edit]) -> bytes:
    """Return an object's text with some members edited.

    Args:
        line: The text of one JSON object, UTF-8 or nearly.
        edits: What to do with the values of these keys.

    Raises:
        ValueError: It is no JSON object.
    """
    text = line.decode("utf-8", "surrogateescape")
    try:
        members = list(_iter_members(text))
    except (IndexError, RecursionError) as exc:
        raise ValueError("no JSON object") from exc
    kept = [_edited(text, one, edits.get(one.key)) for one in members]
    edited = "{" + ",".join(part for part in kept if part is not None) + "}"
    return edited.encode("utf-8", "surrogateescape")


def _edited(text: str, member: _Member, edit: Edit | None) -> str | None:
    if edit is None:
        return text[member.start : member.end]
    value = edit(member.value)
    if value is DROP:
        return None
    if value is member.value:
        return text[member.start : member.end]
    return text[member.start : member.value_start] + json.dumps(value)


def _iter_members(text: str) -> Iterator[_Member]:
    at = _expect(text, 0, "{")
    while text[at] != "}":
        start = at
        if text[at] != '"':
            raise ValueError("a key is missing")
        key, at = _decode(text, at)
        value_start = _expect(text, at, ":")
        value, end = _decode(text, value_start)
        yield _Member(key, value, start, value_start, end)
        at = _skip(text, end)
        if text[at] != "}":
            at = _expect(text, at, ",")
            if text[at] == "}":
                raise ValueError("a comma before the end")
    if _skip(text, at + 1) != len(text):
        raise ValueError("more behind the object")


def _expect(text: str, at: int, what: str) -> int:
    """Return where the text goes on behind a character that must come now."""
    at = _skip(text, at)
    if text[at] != what:
        raise ValueError(f"{what} is missing")
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    match = _BLANKS.match(text, at)
    return match.end() if match else at
