"""Records that are older than their session: counted, and kept.

A fresh session can first deliver what was meant for an older one (seen in a sibling
service). Told by columns alone, so whoever has the Parquet files and the manifest
finds the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from instant_logs_plugin.store.manifest import SessionSpan

__all__ = ["LATE_TOLERANCE_S", "count_late"]

LATE_TOLERANCE_S = 30.0
"""Records come 3 to 5 s behind the event, and a request takes its time."""

_EVENT, _ARRIVAL = "EdgeStartTimestamp", "received_at"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
_NEVER = pa.scalar(2**63 - 1)


def count_late(table: pa.Table, sessions: Sequence[SessionSpan]) -> int:
    """Return how many rows began before their session did, beyond the tolerance.

    A row's session is the one whose stream was open when it arrived; one that was
    joined again started with its first stream. Rows without a time are not late.

    Args:
        table: Rows with ``received_at`` and, if it was asked for,
            ``EdgeStartTimestamp``, both timestamps in microseconds.
        sessions: Of the capture, in order.
    """
    if _EVENT not in table.column_names or not sessions or not table.num_rows:
        return 0
    first: dict[str | None, int] = {}
    opened, limits = [], []
    for one in sessions:
        at_us = (one.opened_at - _EPOCH) // _US
        opened.append(at_us)
        start_us = first.setdefault(one.fingerprint, at_us)
        limits.append(start_us - int(LATE_TOLERANCE_S * 1e6))
    events = np.asarray(pc.fill_null(table[_EVENT].cast(pa.int64()), _NEVER))
    if len(limits) == 1:
        return int(np.count_nonzero(events < limits[0]))
    arrivals = table[_ARRIVAL].cast(pa.int64()).to_numpy()
    places = np.searchsorted(np.array(opened), arrivals, side="right") - 1
    return int(np.count_nonzero(events < np.array(limits)[places.clip(min=0)]))
