"""``instant-logs doctor``: what is wrong is said, with the mend and the right code."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.support.command_line import Result

ZONE = "0123456789abcdef0123456789abcdef"


def findings(result: Result) -> dict[str, dict[str, Any]]:
    """Return what was found, by check."""
    return {row["check"]: row for row in result.document}


def statuses(result: Result) -> dict[str, str]:
    return {check: row["status"] for check, row in findings(result).items()}


def test_a_zone_that_can_be_recorded(emulate, command_line):
    """Everything is fine, and nothing was created; JSON off a terminal."""
    emulator = emulate()
    result = command_line(emulator).run("doctor", ZONE)
    assert result.exit_code == 0, result.stderr
    assert statuses(result) == {
        "versions": "ok",
        "credentials": "ok",
        "permission": "ok",
        "clock": "ok",
        "session": "ok",
        "fields": "ok",
        "plan": "skipped",
        "store": "ok",
        "journal": "ok",
        "host lease": "ok",
        "prefect": "skipped",
    }
    assert emulator.sessions == ()


def test_a_table_for_people(emulate, command_line):
    """One line each."""
    result = command_line(emulate()).run("doctor", ZONE, "--format", "table")
    assert len(result.stdout.splitlines()) == 13
    assert "the zone is free" in result.stdout


def test_a_probe_proves_the_plan(emulate, command_line):
    """It leaves no session behind."""
    emulator = emulate()
    result = command_line(emulator).run("doctor", ZONE, "--probe")
    assert findings(result)["plan"]["status"] == "ok"
    (session,) = emulator.sessions
    assert session.end_reason == "closed"


def test_a_probe_leaves_a_taken_zone_alone(emulate, command_line):
    """Somebody's session is told, and lives on."""
    emulator = emulate(rate=200.0)
    line = command_line(emulator)
    recording = line.start("capture", ZONE, "--duration", "60s", "--quiet")
    try:
        wait_for_session(emulator)
        result = line.run("doctor", ZONE, "--probe")
    finally:
        recording.terminate()
        line.end(recording)
    assert result.exit_code == 0
    found = statuses(result)
    assert (found["session"], found["plan"]) == ("warning", "skipped")
    assert found["host lease"] == "warning"
    assert len(emulator.sessions) == 1


def wait_for_session(emulator: Any) -> None:
    deadline = time.monotonic() + 60
    while not (emulator.sessions and emulator.sessions[0].is_streaming):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("options", "token", "arguments", "check", "exit_code"),
    [
        ({"token": "right"}, "wrong", [], "permission", 3),
        ({"is_entitled": False}, "any", ["--probe"], "plan", 3),
        ({}, "a token\n", [], "credentials", 2),
    ],
)
def test_what_fails_ends_as_a_capture_would(
    options, token, arguments, check, exit_code, emulate, command_line
):
    """The exit code is the capture's, and the mend is beside the fault."""
    line = command_line(emulate(**options), token)
    result = line.run("doctor", ZONE, *arguments)
    assert result.exit_code == exit_code
    row = findings(result)[check]
    assert row["status"] == "failed"
    assert row["mend"]
    assert token not in result.stdout + result.stderr


def test_a_store_that_cannot_be_written_is_6(emulate, command_line, tmp_path):
    """So is a disk without room."""
    (tmp_path / "file").write_text("mine")
    line = command_line(emulate())
    result = line.run("doctor", ZONE, "--store", str(tmp_path / "file" / "store"))
    assert result.exit_code == 6
    assert findings(result)["store"]["status"] == "failed"


def test_unfinished_captures_are_told(emulate, command_line, tmp_path):
    """A killed capture's journal is found, and 'recover' named."""
    emulator = emulate(rate=200.0)
    line = command_line(emulator)
    recording = line.start("capture", ZONE, "--duration", "60s", "--quiet")
    wait_for_session(emulator)
    recording.kill()
    line.end(recording)
    result = line.run("doctor", ZONE)
    row = findings(result)["journal"]
    assert row["status"] == "warning"
    assert "instant-logs recover" in row["mend"]
    assert result.exit_code == 0


def test_a_prefect_server_that_does_not_answer(emulate, command_line):
    """It is asked only because a setting names it."""
    line = command_line(emulate())
    result = line.run("doctor", ZONE, PREFECT_API_URL="http://127.0.0.1:9/api")
    assert result.exit_code == 5
    assert findings(result)["prefect"]["status"] == "failed"


@pytest.mark.parametrize(
    "setting",
    [
        {"PREFECT_API_URL": "http://[::1"},
        {"PREFECT_API_URL": "nonsense"},
        {"PREFECT_API_URL": "http://me:s3cret@127.0.0.1:99999/api"},
        {"PREFECT_API_URL": "http://127.0.0.1:9/api", "PREFECT_API_KEY": "s3crét"},
    ],
)
def test_a_prefect_server_that_cannot_be_asked(setting, emulate, command_line):
    """It is one line among the others, and shows no secret."""
    result = command_line(emulate()).run("doctor", ZONE, **setting)
    assert result.exit_code == 5, result.stderr
    assert findings(result)["prefect"]["status"] == "failed"
    assert "s3cr" not in result.stdout + result.stderr


def test_a_wrong_zone_is_2(emulate, command_line):
    """Nothing is looked at."""
    result = command_line(emulate()).run("doctor", "../x")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "zone" in result.stderr
