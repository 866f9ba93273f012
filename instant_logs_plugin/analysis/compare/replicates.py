"""A metric that is any query of one number: its answer, and how sure it is.

The query is asked of all records, and again without each span of time (jackknife):
how much the answers differ is how much the answer can be trusted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from instant_logs_plugin.analysis.compare.samples import Replicates
from instant_logs_plugin.analysis.database import Database
from instant_logs_plugin.analysis.query_files import QueryFile
from instant_logs_plugin.errors import InvalidQuery

__all__ = ["ask_replicates"]

_MOST_GROUPS = 40


def ask_replicates(database: Database, query: QueryFile) -> Replicates | None:
    """Return the answers of a query with all records, and without each span of time.

    Args:
        database: Has the view ``clustered``.
        query: Gives one row; its column ``value``, or its only one, is a number.

    Returns:
        None when the query gives null, for all records or for nearly all.

    Raises:
        InvalidQuery: DuckDB refuses it, or it gives something else.
    """
    value = _ask_without(database, query, [])
    rows = database.query(
        "select cluster, count(*) as records from clustered group by cluster order by 1"
    ).to_pylist()
    clusters = [row["cluster"] for row in rows]
    groups = [clusters[first::_MOST_GROUPS] for first in range(_MOST_GROUPS)]
    without = [_ask_without(database, query, group) for group in groups if group]
    known = [one for one in without if one is not None]
    if value is None or len(known) < len(without):
        return None
    return Replicates(
        value=value,
        without=np.array(known),
        records=sum(row["records"] for row in rows),
    )


def _ask_without(
    database: Database, query: QueryFile, clusters: Sequence[str]
) -> float | None:
    """Ask with the records of some spans of time hidden."""
    names = ", ".join("'" + name.replace("'", "''") + "'" for name in ("", *clusters))
    # A temporary view comes before the one of the store.
    database.connection.execute(
        "create or replace temp view requests as select * exclude (cluster) "
        f"from clustered where cluster not in ({names})"
    )
    try:
        return _one_number(query.name, database.query(query.sql, query.bind({})))
    finally:
        database.connection.execute("drop view temp.requests")


def _one_number(name: str, answer: pa.Table) -> float | None:
    if answer.num_rows != 1:
        raise InvalidQuery(f"{name}: {answer.num_rows} rows where one is expected")
    row = answer.to_pylist()[0]
    if "value" not in row and len(row) != 1:
        raise InvalidQuery(f"{name}: none of its {len(row)} columns is named value")
    value = row.get("value", next(iter(row.values())))
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError) as exc:
        raise InvalidQuery(f"{name}: {value!r} is no number") from exc
    return number if np.isfinite(number) else None
