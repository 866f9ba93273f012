"""Answers become tables: parts, labels, and rows of texts."""

from __future__ import annotations

import pytest

from instant_logs_plugin.analysis.query_files import parse_query_file
from instant_logs_plugin.analysis.tables.parts import iter_parts, readable_rows
from instant_logs_plugin.analysis.view_sql import library_queries
from tests.unit.report.materials import at, query

RANKED = query(
    "ranked",
    """
    dimension varchar: path or colo
    value varchar: its value
    estimate bigint: requests that the records stand for
    lower bigint: lower bound of the estimate
    upper bigint: upper bound of the estimate
    p95_ms bigint: 95 in 100 took no longer
    first_at timestamptz: when it was seen first
    """,
)


def row(**values):
    """Return a row with these values; the rest is null."""
    return {column.name: None for column in RANKED.columns} | values


def texts(query, rows):
    """Return the title and the readable rows of each part."""
    return [
        (part.title, readable_rows(part.table())) for part in iter_parts(query, rows)
    ]


def test_each_dimension_is_a_part():
    """In the order of its first row, its values under its own name."""
    rows = [
        row(dimension="path", value="/a", estimate=3),
        row(dimension="colo", value="FRA", estimate=2),
        row(dimension="path", value="/b", estimate=1),
    ]
    assert texts(RANKED, rows) == [
        (
            "Path",
            [{"Path": "/a", "Requests": "3"}, {"Path": "/b", "Requests": "1"}],
        ),
        ("Data centre", [{"Data centre": "FRA", "Requests": "2"}]),
    ]


def test_values_have_units_intervals_and_a_time_zone():
    """What a table for people says of a value, it says without its neighbours."""
    only = row(estimate=1200, lower=1100, upper=1300, p95_ms=7, first_at=at(1))
    assert texts(RANKED, [only]) == [
        (
            "",
            [
                {
                    "Requests": "1,200 (1,100–1,300)",  # noqa: RUF001 - a range's dash
                    "p95": "7 ms",
                    "First (UTC)": "2026-03-01 12:00:01",
                }
            ],
        )
    ]


def test_columns_without_a_value_are_left_out():
    """Neither null nor an empty text needs a column; a zero is a value."""
    rows = [row(value="", estimate=0), row(value="", estimate=0)]
    assert texts(RANKED, rows) == [("", [{"Requests": "0"}, {"Requests": "0"}])]


def test_a_wide_row_is_read_down():
    """A label and a value per line, and nothing of it lost."""
    names = [f"n{number}" for number in range(12)]
    wide = query("wide", "\n".join(f"{name} bigint: {name}" for name in names))
    ((_, rows),) = texts(wide, [dict.fromkeys(names, 1)])
    assert rows == [{"Figure": name.upper(), "Value": "1"} for name in names]


def test_columns_that_no_header_tells_of_are_shown_as_they_are():
    """A file without a header, or with an outdated one, loses nothing."""
    plain = parse_query_file("select 1", name="plain")
    assert texts(plain, [{"a": 1.5, "estimate": [1]}]) == [
        ("", [{"a": "1.5", "estimate": "[1]"}])
    ]
    ((_, rows),) = texts(RANKED, [row(estimate=1) | {"new": 7}])
    assert rows[0]["new"] == "7"
    ((_, rows),) = texts(plain, [{"\x1b[31m": "\x1b[31m"}])
    assert rows == [{"\\x1b[31m": "\\x1b[31m"}]


def test_columns_with_one_label_have_their_names():
    """A query's file may have two that are called the same: none is lost."""
    columns = "client_errors bigint: 4xx\nclient_error_share double: 0 to 1"
    both = query("both", columns)
    ((_, rows),) = texts(both, [{"client_errors": 1, "client_error_share": 0.5}])
    assert rows == [{"client_errors": "1", "client_error_share": "50.0%"}]


def test_a_title_is_shown_not_obeyed():
    """A dimension can hold what a request carried."""
    ((title, _),) = texts(RANKED, [row(dimension="\x1b[31m", estimate=1)])
    assert "\x1b" not in title


def test_rows_without_a_value_are_no_part():
    """Whoever prints them says that nothing was recorded."""
    assert texts(RANKED, [row()]) == []


def test_no_rows_are_no_parts():
    """Whoever prints them says so in his own words."""
    assert texts(RANKED, []) == []


@pytest.mark.parametrize("name", library_queries())
def test_no_column_hides_another(name):
    """Every bundled query's columns have labels of their own, in every part."""
    known = library_queries()[name]
    kinds = {"varchar": "a", "boolean": True}
    full = {one.name: kinds.get(one.type, 1) for one in known.columns}
    full |= {one.name: at(1) for one in known.columns if "time" in one.type}
    full |= {one.name: ["a"] for one in known.columns if one.type.endswith("[]")}
    (part,) = iter_parts(known, [full])
    labels = [column.label for column in part.columns]
    assert len(set(labels)) == len(labels)
