"""Progress on stderr: a line that people can read, and never a word on stdout."""

from __future__ import annotations

import pytest

from instant_logs_plugin.capture.recorder import Progress
from instant_logs_plugin.commands.progress import (
    _Rate,
    describe_progress,
    open_progress,
)
from tests.unit.commands.terminal_stream import Terminal


def progress(records: int = 0, elapsed_s: float = 0.0) -> Progress:
    return Progress(
        elapsed_s=elapsed_s,
        remaining_s=65.0,
        records=records,
        bytes=records * 1000,
        rejected=2,
        coverage=0.98765,
    )


def test_a_line_says_how_it_stands() -> None:
    """Records, size, rate, rejects, coverage and what is left, with units."""
    assert describe_progress(progress(12_345), rate=1234.5) == (
        "12,345 records (12.3 MB), 1,234/s, 2 rejects, coverage 98.8%, 1 m 05 s left"
    )


def test_the_rate_is_of_the_time_between_two_looks() -> None:
    """Not an average since the start; no time between two looks is no rate."""
    rate = _Rate()
    assert rate.update(progress(100, 1.0)) == 100
    assert rate.update(progress(400, 3.0)) == 150
    assert rate.update(progress(900, 3.0)) == 0
    assert rate.update(progress(900, 4.0)) == 0


def test_the_warm_up_has_no_negative_rate() -> None:
    """Time before the window's start is negative; what came is still counted."""
    rate = _Rate()
    assert rate.update(progress(10, -5.0)) == 0
    assert rate.update(progress(30, -3.0)) == 10


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    """There is nothing to call, and nothing is printed."""
    with open_progress(is_quiet=True) as show:
        assert show is None
    assert capsys.readouterr() == ("", "")


def test_a_pipe_gets_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    """A short capture leaves a log as it was."""
    with open_progress(is_quiet=False) as show:
        assert show is not None
        for number in range(100):
            show(progress(number, number / 100))
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_a_live_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line is on stderr, and stdout stays free for the result."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with open_progress(is_quiet=False) as show:
        assert show is not None
        show(progress(12_345, 1.0))
    assert "12,345 records" in terminal.getvalue()
    assert capsys.readouterr().out == ""
