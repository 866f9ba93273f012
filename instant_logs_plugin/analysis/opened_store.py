"""A store that can be asked: what ``open_store`` of the package returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from instant_logs_plugin.analysis.database import init_sql, open_database
from instant_logs_plugin.store import filesystem

__all__ = ["OpenedStore", "open_store"]


class OpenedStore(filesystem.Store):
    """A store of captures; every question sees it as it is at that moment.

    It holds nothing open. For many questions over one snapshot, and for the bundled
    queries, use ``open_database``.
    """

    def query(
        self,
        sql: str,
        params: Mapping[str, object] | None = None,
        *,
        captures: Sequence[str] | None = None,
        memory_limit: str | None = None,
    ) -> pa.Table:
        """Return the answer of one reading statement over the store's views.

        Args:
            sql: One statement over ``requests``, ``captures``, ``gaps``, ``rejects``;
                ``$name`` stands for a parameter, ``from top_paths()`` is a summary.
            params: Values by name, bound, never pasted into the text.
            captures: Ids that every view is restricted to; None for all.
            memory_limit: For example ``"2GB"``; None for 80 % of memory.

        Raises:
            CaptureNotFound: An id that the store does not hold.
            InvalidQuery: DuckDB refuses it, or it would do more than read.
        """
        with open_database(
            str(self.root), captures=captures, memory_limit=memory_limit
        ) as database:
            return database.query(sql, params)

    def duckdb(
        self, *, captures: Sequence[str] | None = None
    ) -> duckdb.DuckDBPyConnection:
        """Return a DuckDB connection with the store's views, macros and queries.

        It is the caller's own, to close and to do anything with: unlike ``query`` it
        may read and write any file. It knows the captures that are in the store now.

        Raises:
            CaptureNotFound: An id that the store does not hold.
        """
        script = init_sql(str(self.root), captures=captures)
        connection = duckdb.connect()
        connection.execute(script)
        return connection


def open_store(uri: str) -> OpenedStore:
    """Return the store at a path or a ``file://`` URI; it need not exist yet.

    Raises:
        InvalidOption: The URI's scheme is not supported, or it is no directory's.
    """
    return OpenedStore(filesystem.open_store(uri).root)
