"""Which SQL may be asked: one statement, and one that only reads.

DuckDB's ``allowed_directories`` allows writing there as well as reading, so ``copy``
and its like are refused here, by what DuckDB's own parser says a statement is.
"""

from __future__ import annotations

import re

import duckdb

from instant_logs_plugin.errors import InvalidQuery

__all__ = ["check_read_only"]

_LEADING = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)
_EXPLAIN = re.compile(r"explain\b(?:\s*\([^)]*\))?(?:\s+analyze\b)?", re.IGNORECASE)
# A pivot is two statements to the parser, and so is a copy of one.
_PIVOTING = re.compile(r"(?:pivot|unpivot|from|select|with|\()", re.IGNORECASE)


def check_read_only(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Check that ``sql`` is one statement that only reads.

    Raises:
        InvalidQuery: No statement, several, or one that writes or sets something.
        duckdb.Error: It does not parse.
    """
    try:
        sql.encode()
    except UnicodeEncodeError as exc:
        raise InvalidQuery("the SQL is not UTF-8") from exc
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise InvalidQuery(f"{len(statements)} statements where one is expected")
    kind = statements[0].type
    rest = sql[_prefix_length(sql) :]
    if kind == duckdb.StatementType.SELECT:
        return
    if kind == duckdb.StatementType.MULTI and _PIVOTING.match(rest):
        return
    if kind == duckdb.StatementType.EXPLAIN and (head := _EXPLAIN.match(rest)):
        check_read_only(connection, rest[head.end() :])
        return
    raise InvalidQuery(f"only queries are allowed, not {kind.name.lower()}")


def _prefix_length(sql: str) -> int:
    match = _LEADING.match(sql)
    return match.end() if match else 0
