"""Which rows are older than their session."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa

from instant_logs_plugin.capture.lateness import LATE_TOLERANCE_S, count_late
from instant_logs_plugin.store.manifest import SessionSpan

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
TIME = pa.timestamp("us", "UTC")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def table(*rows: tuple[float | None, float]) -> pa.Table:
    """Return rows that began and arrived so many seconds after the start."""
    events = [None if event is None else at(event) for event, _ in rows]
    return pa.table(
        {
            "EdgeStartTimestamp": pa.array(events, TIME),
            "received_at": pa.array([at(arrival) for _, arrival in rows], TIME),
        }
    )


def session(opened: float, fingerprint: str = "a") -> SessionSpan:
    return SessionSpan(opened_at=at(opened), fingerprint=fingerprint)


def test_the_tolerance_is_exclusive():
    """Exactly as old as is tolerated is not late."""
    edge = -LATE_TOLERANCE_S
    rows = table((edge, 1), (edge - 0.000001, 1), (-3600, 1), (0, 1), (5, 6), (None, 1))
    assert count_late(rows, [session(0)]) == 2


def test_each_row_is_measured_by_its_own_session():
    """What the first session could deliver is late in the second."""
    sessions = [session(0), session(100, "b")]
    rows = table((20, 50), (20, 99.9), (20, 100), (80, 100.1), (-40, 50), (-40, -1))
    assert count_late(rows, sessions) == 3


def test_a_session_joined_again_keeps_its_start():
    """Its second stream makes nothing late."""
    sessions = [session(0), session(100), session(200, "b")]
    assert count_late(table((20, 150), (20, 250)), sessions) == 1


def test_without_times_nothing_is_late():
    """No such field, no session, no row."""
    rows = table((-3600, 1))
    assert count_late(rows.drop_columns("EdgeStartTimestamp"), [session(0)]) == 0
    assert count_late(rows, []) == 0
    assert count_late(rows.slice(1), [session(0)]) == 0
