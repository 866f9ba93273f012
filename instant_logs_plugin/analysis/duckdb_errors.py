"""Every error of DuckDB becomes ours: the one place that maps them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches

import duckdb

from instant_logs_plugin.errors import InvalidQuery

__all__ = ["first_lines", "mapped_errors"]

_NOT_SYNTAX = re.compile(r'syntax error at or near "(\w+)"')
_KEYWORDS = (
    "between",
    "describe",
    "distinct",
    "explain",
    "from",
    "group",
    "having",
    "join",
    "limit",
    "order",
    "qualify",
    "select",
    "summarize",
    "union",
    "values",
    "where",
    "window",
    "with",
)
_MESSAGE_LINES = 11


@contextmanager
def mapped_errors() -> Iterator[None]:
    """Turn every error of DuckDB into ours: the one place that does.

    Raises:
        KeyboardInterrupt: DuckDB was interrupted, which it calls a runtime error.
    """
    try:
        yield
    except RuntimeError as exc:
        if "interrupted" not in str(exc).lower():
            raise
        raise KeyboardInterrupt from exc
    except duckdb.Error as exc:
        message = first_lines(str(exc), limit=_MESSAGE_LINES)
        raise InvalidQuery(message + _close_match(message)) from exc


def _close_match(message: str) -> str:
    """Return a line that names the keyword probably meant; DuckDB does so for names."""
    word = _NOT_SYNTAX.search(message)
    if word is None or (written := word[1].lower()) in _KEYWORDS:
        return ""
    close = get_close_matches(written, _KEYWORDS, n=1)
    return f'\nDid you mean "{close[0]}"?' if close else ""


def first_lines(message: str, *, limit: int) -> str:
    """Return the first lines of a message of DuckDB, without blanks at their ends."""
    lines = [line.rstrip() for line in message.strip().splitlines()]
    return "\n".join(lines[:limit])
