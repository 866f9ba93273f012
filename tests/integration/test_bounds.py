"""A capture ends where it was asked to: within a second, or one message."""

from __future__ import annotations

from datetime import datetime

import pytest

ZONE = "0123456789abcdef0123456789abcdef"


def seconds_between(start: str, end: str) -> float:
    started, ended = datetime.fromisoformat(start), datetime.fromisoformat(end)
    return (ended - started).total_seconds()


def test_duration(emulate, command_line):
    """The window is as long as asked, and ends with it."""
    line = command_line(emulate(rate=200.0))
    result = line.run("capture", ZONE, "--duration", "3s")
    assert result.exit_code == 0, result.stderr
    manifest = result.document
    assert (manifest["state"], manifest["end_reason"]) == ("complete", "duration")
    window = manifest["window"]
    assert seconds_between(window["start"], window["end"]) == pytest.approx(3, abs=1e-3)
    session = manifest["sessions"][0]
    assert 3 <= seconds_between(session["opened_at"], session["ended_at"]) < 4
    assert manifest["coverage"] == 1.0
    assert 400 < manifest["received"] <= 700


@pytest.mark.parametrize("per_message", [1, 50])
def test_records(per_message, emulate, command_line):
    """No line beyond the count is kept, even out of a message."""
    emulator = emulate(rate=2000.0, records_per_message=per_message)
    line = command_line(emulator)
    result = line.run("capture", ZONE, "--max-records", "333", "--duration", "30s")
    assert result.exit_code == 0, result.stderr
    manifest = result.document
    assert (manifest["received"], manifest["end_reason"]) == (333, "max_records")


def test_bytes(emulate, command_line):
    """The line that reaches the bytes is the last one."""
    emulator = emulate(rate=2000.0, keep_sent=True)
    line = command_line(emulator)
    result = line.run("capture", ZONE, "--max-bytes", "50kB", "--duration", "30s")
    assert result.exit_code == 0, result.stderr
    manifest = result.document
    assert manifest["end_reason"] == "max_bytes"
    longest = max(map(len, emulator.sessions[0].sent.lines))
    assert 50_000 <= manifest["bytes"] < 50_000 + longest


def test_warm_up_is_not_in_the_window(emulate, command_line):
    """The window starts after the warm-up, which is recorded all the same."""
    line = command_line(emulate(rate=200.0))
    result = line.run("capture", ZONE, "--duration", "1s", "--warm-up", "1s")
    manifest = result.document
    opened, start = manifest["sessions"][0]["opened_at"], manifest["window"]["start"]
    assert seconds_between(opened, start) == pytest.approx(1, abs=0.05)
