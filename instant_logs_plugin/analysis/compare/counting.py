"""Counts of records by span of time, asked of DuckDB: what the tests are made of.

DuckDB counts; what comes back is small however many records there are. A side's
records fall into about twenty spans of time (clusters) by when the request started,
or arrived where that was not recorded. Requests by second are counted by arrival:
windows and gaps are defined on it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from instant_logs_plugin.analysis.compare.metrics import Metric
from instant_logs_plugin.analysis.compare.samples import Clusters, Values
from instant_logs_plugin.analysis.compare.side import window_s
from instant_logs_plugin.analysis.database import Database
from instant_logs_plugin.store.manifest import Manifest

__all__ = [
    "count_all",
    "count_arrivals",
    "count_sums",
    "count_values",
    "make_clusters",
    "take_records",
]

_CLUSTERS = 20
_MOMENT_S = "epoch(coalesce(edge_start, received_at, to_timestamp(0)))"
# The times of a few strays must not stretch the spans of all the others.
_STRAYS = 0.005
_COUNTS = (
    "count(*) as records, sum(weight)::double as weight, "
    "sum(weight::double * weight) as weight_squared"
)


def take_records(database: Database, where: str = "") -> int:
    """Make the view ``compared``: the records of ``requests`` that count.

    Args:
        database: Of one side.
        where: SQL condition on a record; "" takes them all.

    Returns:
        How many records there are, taken or not.

    Raises:
        InvalidQuery: The condition is none, or would do more than read.
    """
    condition = f"({where or 'true'}\n)"  # its last line may be a comment
    # Asked as a query first, which is checked; the text of a view is not.
    counted = database.query(
        f"select count(*) as records, count(*) filter (where {condition}) as taken, "
        "current_database() as catalog from requests"
    ).to_pylist()[0]
    # The full name: a temporary view may take the short one.
    source = f"{counted['catalog']}.main.requests"
    database.connection.execute(
        f"create temp view compared as select * from {source} where {condition}"
    )
    return int(counted["records"])


def make_clusters(database: Database) -> None:
    """Make the view ``clustered``: ``compared`` and the span of time of each record."""
    spans = database.query(
        f"""
        select coalesce(
            quantile_cont(at_s, {1 - _STRAYS}) - quantile_cont(at_s, {_STRAYS}), 0
        ) as span_s
        from (select capture_id, {_MOMENT_S} as at_s from compared)
        group by capture_id
        """
    )
    # Times in records are whole seconds: a shorter span would split none.
    width_s = max(1, math.ceil(_floats(spans, "span_s").sum() / _CLUSTERS))
    database.connection.execute(
        f"""
        create temp view clustered as
        select *, capture_id || ' ' || ({_MOMENT_S} // {width_s})::bigint as cluster
        from compared
        """
    )


def count_all(database: Database) -> Clusters:
    """Return the records of all clusters; ``amount`` is their weight."""
    rows = database.query(f"select cluster, {_COUNTS} from clustered group by cluster")
    return Clusters(
        weight=_floats(rows, "weight"),
        weight_squared=_floats(rows, "weight_squared"),
        amount=_floats(rows, "weight"),
        records=int(_floats(rows, "records").sum()),
    )


def count_sums(database: Database, metrics: Sequence[Metric]) -> dict[str, Clusters]:
    """Return the sums that weighted shares and means are made of, by metric."""
    if not metrics:
        return {}
    columns = ",\n".join(_sum_columns(one) for one in metrics)
    rows = database.query(
        f"select {columns} from clustered group by cluster order by cluster"
    )
    return {one.name: _sums(rows, one.name) for one in metrics}


def count_values(database: Database, metric: Metric) -> Values:
    """Return the weight of each distinct value."""
    rows = database.query(
        f"""
        select cluster, ({metric.value})::double as value, {_COUNTS}
        from clustered where {metric.among} group by all order by all
        """
    )
    names = rows["cluster"].to_numpy()
    return Values(
        cluster=np.unique(names, return_inverse=True)[1],
        value=_floats(rows, "value"),
        weight=_floats(rows, "weight"),
        weight_squared=_floats(rows, "weight_squared"),
        records=int(_floats(rows, "records").sum()),
    )


def count_arrivals(database: Database, captures: Sequence[Manifest]) -> Clusters:
    """Return requests by equal parts of the windows; ``weight`` is recorded seconds."""
    total_s = sum(map(window_s, captures))
    known = [one for one in captures if window_s(one)]
    parts = [
        _arrivals(database, one, math.ceil(_CLUSTERS * window_s(one) / total_s))
        for one in known
    ]
    seconds = np.concatenate([np.empty(0), *(seconds for seconds, _ in parts)])
    requests = np.concatenate([np.empty(0), *(requests for _, requests in parts)])
    # A part without a stream is no evidence of silence.
    is_known = seconds > 0
    rows = database.query("select count(received_at) as records from compared")
    return Clusters(
        weight=seconds[is_known],
        weight_squared=np.square(seconds[is_known]),
        amount=requests[is_known],
        records=rows["records"][0].as_py(),
    )


def _arrivals(
    database: Database, capture: Manifest, count: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return recorded seconds and requests of a window's parts."""
    start_s = capture.window.start.timestamp() if capture.window.start else 0.0
    edges = start_s + np.linspace(0, window_s(capture), count + 1)
    rows = database.query(
        """
        select
            greatest(least(
                floor((epoch(received_at) - $start_s) / $part_s), $last
            ), 0)::bigint as part,
            sum(weight)::double as requests
        from compared
        where capture_id = $capture_id and received_at is not null
        group by part
        """,
        {
            "capture_id": capture.capture_id,
            "start_s": start_s,
            "part_s": float(edges[1] - edges[0]),
            "last": count - 1,
        },
    )
    requests = np.zeros(count)
    requests[rows["part"].to_numpy()] = _floats(rows, "requests")
    return np.diff(edges) - _missed_s(capture, edges), requests


def _missed_s(
    capture: Manifest, edges: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the seconds of each part that lie in gaps."""
    missed = np.zeros(len(edges) - 1)
    for gap in capture.gaps:
        ends = gap.started_at.timestamp(), gap.ended_at.timestamp()
        missed += np.diff(np.clip(edges, *ends))
    return missed.clip(max=np.diff(edges))


def _sum_columns(metric: Metric) -> str:
    """Return the columns of a metric, whose names start with its own."""
    name, among = metric.name, f"filter (where {metric.among})"
    value = f"({metric.value})::double"
    return f"""
        count(*) {among} as {name}_records,
        coalesce(sum(weight) {among}, 0)::double as {name}_weight,
        coalesce(sum(weight::double * weight) {among}, 0) as {name}_weight_squared,
        coalesce(sum(weight::double * {value}) {among}, 0) as {name}_amount"""


def _sums(rows: pa.Table, name: str) -> Clusters:
    """Return a metric's sums, of the spans that hold a record of it."""
    weight = _floats(rows, f"{name}_weight")
    is_filled = weight > 0
    return Clusters(
        weight=weight[is_filled],
        weight_squared=_floats(rows, f"{name}_weight_squared")[is_filled],
        amount=_floats(rows, f"{name}_amount")[is_filled],
        records=int(_floats(rows, f"{name}_records").sum()),
    )


def _floats(rows: pa.Table, name: str) -> npt.NDArray[np.float64]:
    return rows[name].to_numpy().astype(np.float64)
