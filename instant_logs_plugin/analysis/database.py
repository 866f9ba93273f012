"""Answers from a store: DuckDB views over what its manifests name.

Views: ``requests``, ``captures``, ``gaps``, ``rejects``; every query file of ``sql/``
is a table macro too (``from top_paths(limit…)``). A database is a snapshot: it knows
the captures that were in the store when it was opened. All times are UTC.

The manifests are read and checked in Python, once, by the code that writes them, so
that one rule says what a manifest is and a damaged one cannot hide the others; DuckDB
then reads the documents and the Parquet files that they name, and nothing else.
"""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa

from instant_logs_plugin.analysis.duckdb_errors import first_lines, mapped_errors
from instant_logs_plugin.analysis.interruptible import run_interruptible
from instant_logs_plugin.analysis.query_files import (
    QueryFile,
    macro_sql,
    parse_query_file,
)
from instant_logs_plugin.analysis.read_only import check_read_only
from instant_logs_plugin.analysis.store_listing import StoreListing, list_store
from instant_logs_plugin.analysis.view_sql import (
    as_glob,
    library_queries,
    scan_sql,
    view_statements,
)
from instant_logs_plugin.errors import FieldsNotRecorded, UnknownQuery

__all__ = ["Database", "init_sql", "open_database"]

logger = logging.getLogger(__name__)

_WORD = re.compile(r"\w+")
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    # Without this, a name in SQL can mean a Python variable of some caller.
    "python_enable_replacements": "false",
}


class Database:
    """An open, hardened DuckDB over a snapshot of a store; see ``open_database``.

    Attributes:
        connection: The DuckDB connection, closed with the database. It is confined
            to the store's directory; only ``query`` also refuses to write there.
        problems: What was left out and why, one sentence each.
        queries: The bundled query files by name.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        listing: StoreListing,
        *,
        views: str,
        spill: tempfile.TemporaryDirectory[str],
    ) -> None:
        self.connection = connection
        self.problems = listing.problems
        self.queries = library_queries()
        self._views = views
        self._undefined = set(self.queries)
        self._fields = listing.fields
        self._has_captures = bool(listing.manifests)
        self._spill = spill

    def query(self, sql: str, params: Mapping[str, object] | None = None) -> pa.Table:
        """Return the answer of one reading statement.

        Args:
            sql: One statement; ``$name`` stands for a parameter.
            params: Values by name, bound, never pasted into the text.

        Raises:
            InvalidQuery: DuckDB refuses it, or it would do more than read.
        """
        with mapped_errors():
            self._define(sql)
            check_read_only(self.connection, sql)
            return self._answer(sql, dict(params or {}))

    def _answer(self, sql: str, params: dict[str, object]) -> pa.Table:
        """Run a statement in a thread, so that Ctrl-C reaches this one at any time.

        Raises:
            KeyboardInterrupt: Ctrl-C; the statement has been ended.
        """

        def answer() -> pa.Table:
            table: pa.Table = self.connection.sql(sql, params=params).to_arrow_table()
            return table

        return run_interruptible(answer, self.connection.interrupt)

    def find_query(self, name: str | Path) -> QueryFile:
        """Return a bundled query by its name, or the one of a file by its path.

        Raises:
            UnknownQuery: No such query or file.
            InvalidQuery: The file's header is wrong.
        """
        if isinstance(name, str) and not name.endswith(".sql"):
            if name not in self.queries:
                raise UnknownQuery(name, tuple(self.queries))
            return self.queries[name]
        path = Path(name)
        try:
            return parse_query_file(path.read_text("utf-8"), name=path.stem)
        except (OSError, UnicodeDecodeError) as exc:
            raise UnknownQuery(str(name), tuple(self.queries)) from exc

    def run_query_file(
        self, name: str | Path, params: Mapping[str, object] | None = None
    ) -> pa.Table:
        """Return the answer of a bundled query or of a file.

        Args:
            name: A bundled query's name (``"top_paths"``), or a path: a ``Path``, or
                text that ends in ``.sql``.
            params: Values by name, as values or as text; the header has defaults.

        Raises:
            UnknownQuery: No such query or file.
            InvalidOption: A value is not of its parameter's type or range.
            InvalidQuery: The header or the statement is wrong.
            FieldsNotRecorded: No capture asked for the fields that it needs; not
                raised when there is no capture at all.
        """
        query = self.find_query(name)
        bound = query.bind(params or {})
        self._check_fields(query, bound)
        return self.query(query.sql, bound)

    def columns(self, view: str) -> dict[str, str]:
        """Return a view's columns and their DuckDB types, in order.

        Raises:
            InvalidQuery: No such view.
        """
        name = '"' + view.replace('"', '""') + '"'
        with mapped_errors():
            rows = self.connection.execute(f"describe {name}").fetchall()
        return {str(row[0]): str(row[1]) for row in rows}

    @property
    def script(self) -> str:
        """SQL that makes the same views, macros and queries in any DuckDB shell."""
        macros = [macro_sql(query) for query in self.queries.values()]
        return self._views + "\n" + ";\n\n".join(macros) + ";\n"

    def close(self) -> None:
        """Close the connection and remove what was spilled; may be called again."""
        self.connection.close()
        self._spill.cleanup()

    def _define(self, sql: str) -> None:
        """Make the macros of the queries that a text names: to bind all takes longer.

        One that is named but not meant does no harm.
        """
        for name in self._undefined.intersection(_WORD.findall(sql)):
            self.connection.execute(macro_sql(self.queries[name]))
            self._undefined.remove(name)

    def _check_fields(self, query: QueryFile, bound: Mapping[str, object]) -> None:
        missing = tuple(
            needed
            for needed in query.fields_needed(bound)
            if not self._fields.intersection(needed.split("|"))
        )
        if missing and self._has_captures:
            raise FieldsNotRecorded(query.name, missing)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def open_database(
    store: str,
    *,
    captures: Sequence[str] | None = None,
    memory_limit: str | None = None,
) -> Database:
    """Open a store for questions; a context manager that closes the connection.

    Args:
        store: The store's directory; one that does not exist yet holds nothing.
        captures: Ids that every view is restricted to; None for all.
        memory_limit: For example ``"2GB"``; None for DuckDB's own, 80 % of memory.

    Returns:
        The database. What was left out (a damaged manifest, a missing or unreadable
        segment) is in ``problems`` and logged as ``instant_logs.store_problem_found``.

    Raises:
        InvalidOption: ``store`` is a URI.
        CaptureNotFound: An id in ``captures`` that the store does not hold.
        InvalidQuery: DuckDB refuses ``memory_limit`` or a view.
    """
    listing = list_store(store, captures)
    spill = tempfile.TemporaryDirectory(prefix="instant-logs-duckdb-")
    connection = duckdb.connect(config=_CONFIG)
    try:
        with mapped_errors():
            _limit(connection, spill.name, memory_limit)
            listing, columns = _readable(connection, listing)
            views = _joined(view_statements(listing, columns))
            connection.execute(views)
            _harden(connection, listing.root)
    except BaseException:
        connection.close()
        spill.cleanup()
        raise
    for problem in listing.problems:
        facts = {"store": str(listing.root), "problem": problem}
        logger.warning("instant_logs.store_problem_found", extra=facts)
    return Database(connection, listing, views=views, spill=spill)


def init_sql(store: str, *, captures: Sequence[str] | None = None) -> str:
    """Return SQL that makes the same views, macros and queries in a DuckDB shell.

    The text stands alone and may be run again; it knows the captures that are in the
    store now. Paths are absolute. Raises as ``open_database`` does.
    """
    with open_database(store, captures=captures) as database:
        return database.script


def _limit(
    connection: duckdb.DuckDBPyConnection, spill: str, memory_limit: str | None
) -> None:
    connection.execute("set timezone = 'UTC'")
    # It would be drawn on stdout, between the results.
    connection.execute("set enable_progress_bar = false")
    connection.execute("set temp_directory = $path", {"path": spill})
    if memory_limit is not None:
        connection.execute("set memory_limit = $limit", {"limit": memory_limit})


def _readable(
    connection: duckdb.DuckDBPyConnection, listing: StoreListing
) -> tuple[StoreListing, list[str]]:
    """Return the listing without segments that DuckDB cannot open, and the columns."""
    try:
        return listing, _scanned_columns(connection, listing.segments)
    except duckdb.Error:
        segments, problems = [], list(listing.problems)
    for segment in listing.segments:
        try:
            _scanned_columns(connection, (segment,))
        except duckdb.Error as exc:
            reason = first_lines(str(exc), limit=1)
            problems.append(f"left out: {segment} cannot be read: {reason}")
        else:
            segments.append(segment)
    rest = replace(listing, segments=tuple(segments), problems=tuple(problems))
    return rest, _scanned_columns(connection, rest.segments)


def _scanned_columns(
    connection: duckdb.DuckDBPyConnection, segments: Sequence[Path]
) -> list[str]:
    if not segments:
        return []
    rows = connection.execute(f"describe {scan_sql(segments)}").fetchall()
    return [str(row[0]) for row in rows]


def _joined(statements: Iterable[str]) -> str:
    return ";\n\n".join(["set timezone = 'UTC'", *statements]) + ";\n"


def _harden(connection: duckdb.DuckDBPyConnection, root: Path) -> None:
    """Confine the connection to the store; the order is DuckDB's."""
    roots = [str(root), as_glob(root)]  # it checks the pattern and the files it finds
    connection.execute("set allowed_directories = $roots", {"roots": roots})
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
