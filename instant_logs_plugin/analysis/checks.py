"""Checks: queries whose rows are problems, some of which must not be."""

from __future__ import annotations

from dataclasses import dataclass

from instant_logs_plugin.analysis.database import Database
from instant_logs_plugin.errors import FieldsNotRecorded

__all__ = ["Finding", "run_checks"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One row of a check; ``level`` is ``fail`` or ``warn``."""

    check: str
    level: str
    capture_id: str
    problem: str


def run_checks(database: Database) -> list[Finding]:
    """Run every check with its defaults; failures come first, then by name.

    A check of fields that no capture recorded finds nothing.
    """
    checks = [query for query in database.queries.values() if query.level]
    checks.sort(key=lambda query: (query.level, query.name))
    return [
        Finding(check=check.name, level=check.level, **row)
        for check in checks
        for row in _rows(database, check.name)
    ]


def _rows(database: Database, name: str) -> list[dict[str, str]]:
    try:
        return database.run_query_file(name).to_pylist()
    except FieldsNotRecorded:
        return []
