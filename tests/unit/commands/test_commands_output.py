"""What stands on stdout, on a terminal and in a pipe."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from instant_logs_plugin.commands.output import OutputFormat, choose_format, print_rows
from tests.unit.commands.terminal_stream import Terminal

NARROW = [{"name": "a", "n": 1}, {"name": "bb", "n": 10}]
WIDE = {f"column_{number}": number for number in range(7)}


def printed(
    capsys: pytest.CaptureFixture[str],
    rows: list[dict[str, Any]],
    output: OutputFormat | None,
) -> list[str]:
    """Return the lines on stdout, without what pads them; stderr stays empty."""
    print_rows(rows, output)
    out, err = capsys.readouterr()
    assert err == ""
    return [line.rstrip() for line in out.splitlines()]


def test_a_table_has_a_header_and_aligned_numbers(capsys) -> None:
    """Text stands left, numbers right."""
    lines = printed(capsys, NARROW, OutputFormat.TABLE)
    assert [lines[0], *lines[2:]] == ["name   n", "a      1", "bb    10"]


def test_one_wide_row_stands_upright(capsys) -> None:
    """A name and a value per line, no header."""
    lines = printed(capsys, [WIDE], OutputFormat.TABLE)
    assert lines == [f"column_{number}  {number}" for number in range(7)]


@pytest.mark.parametrize("rows", [[WIDE, WIDE], [dict(list(WIDE.items())[:6])]])
def test_other_rows_lie(rows: list[dict[str, Any]], capsys) -> None:
    """Two rows, or one of few columns, are a table with a header."""
    lines = printed(capsys, rows, OutputFormat.TABLE)
    assert lines[0].split() == list(rows[0])
    assert len(lines) == len(rows) + 2


def test_a_table_in_a_pipe_is_not_folded(capsys) -> None:
    """A long value stays on its line: grep finds the row."""
    lines = printed(capsys, [{"path": "/x" * 1000, "n": 1}], OutputFormat.TABLE)
    assert lines[2] == f"{'/x' * 1000}  1"


@pytest.mark.parametrize("output", list(OutputFormat))
def test_nothing_is_obeyed(output: OutputFormat, capsys) -> None:
    """Neither escapes nor Rich's markup, in a value or in a column's name."""
    text = "\x1b[31m[bold]x[/bold]"
    for row in ({text: text}, {text: text} | WIDE):
        print_rows([row], output)
        out = capsys.readouterr().out
        assert "\x1b" not in out
        assert out.count("bold]x") == 2
        assert "x1b" in out or "u001b" in out


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (OutputFormat.TABLE, ""),
        (OutputFormat.JSON, "[]\n"),
        (OutputFormat.CSV, ""),
        (OutputFormat.MARKDOWN, ""),
        (None, "[]\n"),
    ],
)
def test_no_rows(output: OutputFormat | None, expected: str, capsys) -> None:
    """Nothing found is no table, and an empty list for programs."""
    print_rows([], output)
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize(
    ("output", "first"),
    [
        (OutputFormat.JSON, "["),
        (OutputFormat.CSV, "name,n"),
        (OutputFormat.MARKDOWN, "| name | n |"),
        (None, "["),
    ],
)
def test_formats(output: OutputFormat | None, first: str, capsys) -> None:
    """Each format is its own; a pipe gets JSON unless told otherwise."""
    assert printed(capsys, NARROW, output)[0] == first


def test_a_terminal_gets_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default for people is a table; what is asked for wins."""
    monkeypatch.setattr("sys.stdout", Terminal())
    assert choose_format(None) is OutputFormat.TABLE
    assert choose_format(OutputFormat.JSON) is OutputFormat.JSON


def test_a_terminal_is_not_overrun(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal a long value is folded to its width, and nothing is cut off."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "xterm")
    print_rows([{"path": "/x" * 50, "n": 1}], None)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue())
    assert max(map(len, shown.splitlines())) == 40
    assert shown.replace("\n", "").count("x") == 50


def test_an_id_is_not_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is there to be copied; other columns give way."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    capture_id = "20261127T022849913Z-e3caeaff"
    others = {f"heading{number}": "a word" for number in range(5)}
    print_rows([{"capture_id": capture_id, **others}] * 2, None)
    assert terminal.getvalue().count(capture_id) == 2


def test_json_is_json(capsys) -> None:
    """What is printed is parsed back."""
    print_rows(NARROW, OutputFormat.JSON)
    assert json.loads(capsys.readouterr().out) == NARROW
