"""Rows as text: exact for programs, harmless on a terminal and in Markdown."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instant_logs_plugin.analysis.rendering import (
    printable,
    render_csv,
    render_json,
    render_markdown,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
# ESC and CSI, bell, backspace, CR, DEL, NUL, right-to-left override, line separator.
HOSTILE = "\x1b[31m \x9b31m \a \b \r \x7f \0 \u202e \u2028"


@pytest.mark.parametrize(
    ("value", "shown", "document", "cell"),
    [
        (None, "", None, '""'),
        ("", "", "", '""'),
        ("a b", "a b", "a b", "a b"),
        ("ä 🙂", "ä 🙂", "ä 🙂", "ä 🙂"),
        (True, "true", True, "True"),
        (0, "0", 0, "0"),
        (1234567, "1234567", 1234567, "1234567"),
        (0.123456, "0.1235", 0.123456, "0.123456"),
        (1234.5, "1,234", 1234.5, "1234.5"),
        (float("nan"), "nan", None, "nan"),
        (float("-inf"), "-inf", None, "-inf"),
        (Decimal(7), "7", 7, "7"),
        (Decimal(2**70), str(2**70), 2**70, str(2**70)),
        (Decimal("0.25"), "0.25", 0.25, "0.25"),
        (NOON, "2026-03-01 12:00:00Z", "2026-03-01T12:00:00.000000Z", None),
        (
            NOON.astimezone(timezone(timedelta(hours=9))),
            "2026-03-01 12:00:00Z",
            "2026-03-01T12:00:00.000000Z",
            None,
        ),
        (
            NOON.replace(microsecond=250_000),
            "2026-03-01 12:00:00.250000Z",
            "2026-03-01T12:00:00.250000Z",
            None,
        ),
        # Without a zone it stays without one: this machine's is not meant.
        (NOON.replace(tzinfo=None), "2026-03-01 12:00:00", "2026-03-01T12:00:00", None),
        (date(2026, 3, 1), "2026-03-01", "2026-03-01", "2026-03-01"),
        (time(12, 30), "12:30:00", "12:30:00", "12:30:00"),
        (timedelta(days=1), "1 day, 0:00:00", "1 day, 0:00:00", '"1 day, 0:00:00"'),
        (b"a\xff", "a\\xff", "a\\xff", "a\\xff"),
        (["a", None], '["a", null]', ["a", None], '"[""a"", null]"'),
        ({"a": Decimal(1)}, '{"a": 1}', {"a": 1}, '"{""a"": 1}"'),
        ([float("nan")], "[null]", [None], "[null]"),
        ([NOON.date()], '["2026-03-01"]', ["2026-03-01"], '"[""2026-03-01""]"'),
    ],
)
def test_values(value: Any, shown: str, document: Any, *, cell: str | None) -> None:
    """Each type for people, as JSON and as CSV; times are UTC, NaN is no JSON."""
    assert printable(value) == shown
    assert json.loads(render_json([{"x": value}])) == [{"x": document}]
    assert render_csv([{"x": value}]) == f"x\n{document if cell is None else cell}\n"


def test_control_characters_are_shown() -> None:
    """Nothing that a terminal obeys comes through, and what it was can be read."""
    shown = printable(HOSTILE)
    assert shown.isprintable()
    assert shown == (
        r"\x1b[31m \x9b31m \x07 \x08 \r \x7f \x00 \u202e \u2028".replace(r"\a", r"\x07")
    )
    for name in (HOSTILE, "x"):
        for text in (
            render_json([{name: HOSTILE}]),
            render_markdown([{name: HOSTILE}]),
        ):
            assert all(line.isprintable() for line in text.split("\n"))
        assert "\x1b" not in render_csv([{name: HOSTILE}])
        assert "\x9b" not in render_csv([{name: HOSTILE}])


@pytest.mark.parametrize(
    "value", [HOSTILE, "\U000e0001", "\ud800", "\\x1b", '"', "\t\n"]
)
def test_json_is_exact(value: str) -> None:
    """Escapes of JSON's own: the value comes back as it was, in UTF-8."""
    text = render_json([{value: value}])
    assert text.isascii()
    assert json.loads(text) == [{value: value}]


def test_csv_keeps_its_cells_apart() -> None:
    """Commas, quotes, tabs and line breaks stay inside their cell."""
    row = {"a,b": 'say "x"', "c": "one\ntwo\tthree", "d": ",", "e": None}
    assert list(csv.DictReader(io.StringIO(render_csv([row])))) == [row | {"e": ""}]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+1", "'+1"),
        ("-1+1", "'-1+1"),
        ("\t=1", "'\t=1"),
        ("\r=1", "\\x0d=1"),
        ("\n=1", "'\n=1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("-", "-"),
        ("/a=b", "/a=b"),
        (-1, "-1"),
        (-1.5, "-1.5"),
    ],
)
def test_no_cell_is_a_formula(value: Any, cell: str) -> None:
    """A request's text computes nothing in whoever's spreadsheet; numbers stay."""
    assert list(csv.reader(io.StringIO(render_csv([{"x": value}])))) == [["x"], [cell]]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("a|b", r"a\|b"),
        ("a\\|b", r"a\\\|b"),
        ("<img src=x>", "&lt;img src=x&gt;"),
        ("`code`", r"\`code\`"),
        ("![x](https://example.com/)", r"!\[x](https://example.com/)"),
        ("one\ntwo", r"one\\ntwo"),
    ],
)
def test_markdown_is_escaped(value: str, cell: str) -> None:
    """A request's text makes no column, no markup, no link and no image."""
    header, _, row = render_markdown([{value: value}]).splitlines()
    assert header == row == f"| {cell} |"


def test_no_rows() -> None:
    """Nothing is an empty list, and no table."""
    assert render_json([]) == "[]\n"
    assert render_csv([]) == render_markdown([]) == ""


def test_documents_are_stable() -> None:
    """The bytes that a script may rely on: order of columns, indent, last newline."""
    rows = [{"b": 1, "a": "ä"}, {"b": None, "a": ""}]
    assert render_json(rows) == (
        '[\n  {\n    "b": 1,\n    "a": "ä"\n  },\n'
        '  {\n    "b": null,\n    "a": ""\n  }\n]\n'
    )
    assert render_csv(rows) == "b,a\n1,ä\n,\n"
    assert render_markdown(rows) == "| b | a |\n| --- | --- |\n| 1 | ä |\n|  |  |\n"


cells = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)


@given(
    st.lists(st.fixed_dictionaries({"x": cells, "y|": cells}), min_size=1, max_size=3)
)
def test_any_rows_are_rendered(rows: list[dict[str, Any]]) -> None:
    """JSON is JSON, CSV has its rows, a Markdown row is one line of two cells."""

    def refuse(word: str) -> None:
        pytest.fail(f"{word} is no JSON")

    assert len(json.loads(render_json(rows), parse_constant=refuse)) == len(rows)
    assert len(list(csv.DictReader(io.StringIO(render_csv(rows))))) == len(rows)
    assert render_markdown(rows).count("\n") == len(rows) + 2
