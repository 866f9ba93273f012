"""Values as people read them."""

from __future__ import annotations

import time
from datetime import date

import pytest

from instant_logs_plugin.analysis.tables import formats
from instant_logs_plugin.analysis.tables.columns import make_cell
from instant_logs_plugin.analysis.tables.model import Column, Kind
from tests.unit.report.materials import at


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (Kind.COUNT, 0, "0"),
        (Kind.COUNT, 1234567, "1,234,567"),
        (Kind.NUMBER, 0.1234, "0.123"),
        (Kind.NUMBER, 99.96, "100"),
        (Kind.NUMBER, 1234.5, "1,234"),
        (Kind.RATE, 2.5, "2.5"),
        (Kind.SHARE, 0, "0%"),
        (Kind.SHARE, 1, "100%"),
        (Kind.SHARE, 0.0001, "<0.1%"),
        (Kind.SHARE, 0.9999, ">99.9%"),
        (Kind.SHARE, 0.123, "12.3%"),
        (Kind.BYTES, 999, "999 B"),
        (Kind.BYTES, 999_600, "1 MB"),
        (Kind.BYTES, 1234, "1.23 kB"),
        (Kind.BYTES, 5e18, "5,000 PB"),
        (Kind.MS, 0.25, "0.25 ms"),
        (Kind.US, 1500, "1.5 ms"),
        (Kind.SECONDS, 0, "0 s"),
        (Kind.SECONDS, 0.088, "88 ms"),
        (Kind.SECONDS, 59.96, "1 m 00 s"),
        (Kind.SECONDS, 65, "1 m 05 s"),
        (Kind.SECONDS, 3599.6, "1 h 00 m"),
        (Kind.SECONDS, 7380, "2 h 03 m"),
        (Kind.ID, 13335, "13335"),
        (Kind.FLAG, True, "yes"),
        (Kind.TEXT, "a\x1b[31m\u202e", "a\\x1b[31m\\u202e"),
        (Kind.TEXTS, ["a", "\n"], "a, \\n"),
        (Kind.TIME, at(1.9), "2026-03-01 12:00:01"),
    ],
)
def test_format_value(kind, value, text):
    """Each kind of value is written in its own way."""
    assert formats.format_value(kind, value) == text


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (Kind.COUNT, float("nan"), "nan"),
        (Kind.COUNT, float("inf"), "inf"),
        (Kind.COUNT, "many", "many"),
        (Kind.SECONDS, float("inf"), "inf"),
        (Kind.SHARE, [1], "[1]"),
        (Kind.BYTES, {"a": 1}, '{"a": 1}'),
        (Kind.ID, "\x1b[31m", "\\x1b[31m"),
        (Kind.TIME, "yesterday", "yesterday"),
        (Kind.TIME, date(2026, 3, 1), "2026-03-01"),
        (Kind.TEXTS, 7, "7"),
    ],
)
def test_a_value_that_is_not_what_the_header_says_is_shown(kind, value, text):
    """A query's file may promise what its statement does not give."""
    assert formats.format_value(kind, value) == text
    column = Column(name="x", label="x", about="", kind=kind)
    assert make_cell(column, {"x": value}).text == text


def test_a_time_without_a_zone_is_utc(monkeypatch):
    """Whatever this machine's zone is."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        naive = at(1).replace(tzinfo=None)
        assert formats.format_value(Kind.TIME, naive) == "2026-03-01 12:00:01"
        column = Column(name="x", label="x", about="", kind=Kind.TIME)
        assert make_cell(column, {"x": naive}) == make_cell(column, {"x": at(1)})
    finally:
        monkeypatch.undo()
        time.tzset()


def test_long_texts_are_cut_and_say_so():
    """A text of any length takes a bounded place."""
    assert formats.format_text("x" * 120) == "x" * 120
    assert formats.format_text("x" * 1420).endswith("… (1,300 more characters)")


def test_periods_name_the_date_once():
    """A span within a day has its date once; another has both."""
    assert formats.format_period(at(0), at(60)) == (
        "2026-03-01 12:00:00 to 12:01:00 UTC (1 m 00 s)"
    )
    assert "to 2026-03-02 12:00:00 UTC" in formats.format_period(at(0), at(86400))


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        ("10 ms", "12 ms", "10–12 ms"),  # noqa: RUF001 - a range's dash
        ("999 B", "1.2 kB", "999 B–1.2 kB"),  # noqa: RUF001
        ("1%", "2%", "1%–2%"),  # noqa: RUF001
    ],
)
def test_ranges_share_their_unit(low, high, text):
    """A unit that both ends have stands once."""
    assert formats.format_range(low, high) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "no gaps"), (1, "1 gap"), (1200, "1,200 gaps")]
)
def test_plural(count, text):
    """A count and its noun agree."""
    assert formats.plural(count, "gap") == text
