"""The command line in pipes: readers that leave, streams that are closed, encodings."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.command_line import PROGRAM

ZONE = "0123456789abcdef0123456789abcdef"
LONG = ["fields", "--format"]
DEADLINE_S = 60


def shell(script: str, directory, **environment: str) -> subprocess.CompletedProcess:
    """Run a line of bash with the program's directory first on PATH."""
    path = f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", script],
        cwd=directory,
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        timeout=DEADLINE_S,
        check=False,
    )


@pytest.mark.parametrize("output", ["table", "json", "csv", "markdown"])
def test_a_reader_may_leave(output, tmp_path):
    """What was asked for was done, and says so, even with ``pipefail``."""
    done = shell(f"instant-logs fields --format {output} | head -c 1", tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(done.stdout) == 1


def test_a_reader_that_leaves_changes_no_exit_code(emulate, command_line):
    """A capture whose reader is gone ends as it would have ended."""
    line = command_line(emulate())
    environment = {**line.environment}
    capture = f"instant-logs capture {ZONE} --duration 1s --quiet"
    done = shell(f"{capture} | true", line.directory, **environment)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
    done = shell(f"{capture} 2> >(true)", line.directory, **environment)
    assert done.returncode == 0
    bad = shell("instant-logs fields nonsense | true", line.directory, **environment)
    assert bad.returncode == 2


def test_closed_streams_are_nobodys(emulate, command_line):
    """No file of a capture gets the number of a stream that is closed."""
    line = command_line(emulate())
    capture = f"instant-logs capture {ZONE} --duration 1s"
    done = shell(f"{capture} <&- >&- 2>&-", line.directory, **line.environment)
    assert done.returncode == 0
    (row,) = line.run("captures", "verify").document
    assert row["verified"]


@pytest.mark.parametrize(
    "encoding", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}, {}]
)
def test_pipes_are_utf_8(encoding, tmp_path):
    """Whatever the locale: JSON is."""
    script = """instant-logs filter 'ClientRequestHost == "é"'"""
    done = shell(script, tmp_path, **encoding)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
    document = json.loads(done.stdout.decode("utf-8"))
    assert document["where"]["and"][0]["value"] == "é"


@pytest.mark.parametrize("store", ["", "else where"])
def test_what_to_do_next_can_be_pasted(store, emulate, command_line):
    """A store that is not the usual one is named, fit for a shell."""
    line = command_line(emulate())
    place = ["--store", str(line.directory / store)] if store else []
    recorded = line.run("capture", ZONE, "--duration", "1s", "--quiet", *place)
    *_, told = recorded.stderr.splitlines()
    done = shell(told.removeprefix("next: "), line.directory, **line.environment)
    assert done.returncode == 0, done.stderr


def test_what_a_question_leaves_out_is_said(emulate, command_line):
    """A count over a store with a missing file is not the count of all of it."""
    line = command_line(emulate())
    recorded = line.run("capture", ZONE, "--duration", "1s", "--quiet")
    (segment,) = recorded.document["segments"]
    (line.directory / "captures" / segment["path"]).unlink()
    told = line.run("query", "select count(*) as recorded from requests")
    assert told.exit_code == 0
    assert segment["path"] in told.stderr
    assert told.stderr.startswith("warning: left out: ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
def test_a_full_disk_under_the_output(emulate, command_line):
    """A result that cannot be written is an error; a log that cannot ends nothing."""
    line = command_line(emulate())
    for verb in ("fields", "filter 'BotScore > 1'"):
        done = shell(f"instant-logs {verb} > /dev/full", line.directory)
        assert done.returncode == 6
        assert b"Traceback" not in done.stderr
        assert b"error: cannot write the output: No space left" in done.stderr
    capture = f"instant-logs capture {ZONE} --duration 1s 2> /dev/full > out.json"
    done = shell(capture, line.directory, **line.environment)
    assert done.returncode == 0
