"""Headers of query files decide what a table shows."""

from __future__ import annotations

import pytest

from instant_logs_plugin.analysis.tables.columns import (
    bounds,
    make_cell,
    make_column,
    table_columns,
)
from instant_logs_plugin.analysis.tables.model import Kind
from instant_logs_plugin.analysis.view_sql import library_queries
from tests.unit.report.materials import query

WEIGHED = query(
    "weighed",
    """
    asn bigint: number of the network
    sample_size bigint: records that it stands on
    estimate bigint: requests that the records stand for
    lower bigint: lower bound of the estimate
    upper bigint: upper bound of the estimate
    server_error_share double: part of them, 0 to 1
    server_error_lower double: lower bound of it
    server_error_upper double: upper bound of it
    p95_ms bigint: 95 in 100 took no longer
    p95_lower_ms bigint: lower bound of it
    p95_upper_ms bigint: upper bound of it
    share double: part of all, 0 to 1
    """,
).columns
ROW = {
    "asn": 13335,
    "sample_size": 12,
    "estimate": 1200,
    "lower": 1100,
    "upper": 1300,
    "server_error_share": 0.1,
    "server_error_lower": 0.05,
    "server_error_upper": 0.2,
    "p95_ms": 10,
    "p95_lower_ms": 10,
    "p95_upper_ms": 10,
    "share": 0.5,
}


def column(name):
    return next(one for one in table_columns(WEIGHED) if one.name == name)


def test_reading_order():
    """What names a row stands first, its records last, bounds are no columns."""
    assert [one.name for one in table_columns(WEIGHED)] == [
        "asn",
        "estimate",
        "share",
        "server_error_share",
        "p95_ms",
        "sample_size",
    ]


def test_numbers_that_name_a_row_are_no_amounts():
    """A network's number gets no thousands separator, and stands at the left."""
    assert column("asn").kind is Kind.ID
    assert not column("asn").kind.is_measure
    assert make_cell(column("asn"), ROW).text == "13335"


@pytest.mark.parametrize(
    ("name", "text", "interval"),
    [
        ("estimate", "1,200", "1,100–1,300"),  # noqa: RUF001 - a range's dash
        ("server_error_share", "10.0%", "5.0%–20.0%"),  # noqa: RUF001
        ("p95_ms", "10 ms", ""),
        ("share", "50.0%", ""),
    ],
)
def test_cells_carry_their_interval(name, text, interval):
    """A value has its bounds with it, and none where they are the value itself."""
    cell = make_cell(column(name), ROW)
    assert (cell.text, cell.interval) == (text, interval)


def test_the_unknown_is_empty():
    """Null is no text, and sorts last; a null bound is no interval."""
    assert make_cell(column("estimate"), {}).order is None
    assert bounds("estimate", ROW | {"upper": None}) is None
    assert bounds("nothing", ROW) is None


def test_an_estimate_is_called_by_what_it_counts():
    """The first word of its meaning is its label."""
    (matches,) = query("m", "estimate bigint: matches they stand for").columns
    (sizes,) = query("b", "estimate bigint: bytes sent to clients").columns
    assert make_column(matches).label == "Matches"
    assert make_column(sizes).kind is Kind.BYTES


@pytest.mark.parametrize("name", library_queries())
def test_every_bundled_header_makes_a_table(name):
    """No two columns of a bundled query have one label but for its estimate's."""
    columns = table_columns(library_queries()[name].columns)
    labels = [one.label for one in columns if one.name != "estimate"]
    assert len(set(labels)) == len(labels)
