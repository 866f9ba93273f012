"""Every exit code that design §7 promises for these verbs, and how errors look."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import time

import pytest

from instant_logs_plugin.emulator import parse_fault
from tests.support.command_line import PROGRAM, CommandLine, Result

ZONE = "0123456789abcdef0123456789abcdef"
INTERRUPTED = 130
# Nothing listens on the discard port: whoever contacts it gets exit code 5.
NOWHERE = {
    "CLOUDFLARE_API_TOKEN": "any",
    "CLOUDFLARE_BASE_URL": "http://127.0.0.1:9/client/v4",
}


def error_of(result: Result) -> str:
    """Return the error line of a run, having checked how it looks."""
    assert "Traceback" not in result.stderr
    errors = [one for one in result.stderr.splitlines() if one.startswith("error: ")]
    assert len(errors) == 1, result.stderr
    assert "hint: " in result.stderr
    return errors[0]


def interrupt(line: CommandLine, process: subprocess.Popen[str]) -> Result:
    """End a run as Ctrl-C does."""
    process.send_signal(signal.SIGINT)
    return line.end(process)


@pytest.fixture
def nowhere(tmp_path) -> CommandLine:
    directory = tmp_path / "work"
    directory.mkdir()
    return CommandLine(directory, NOWHERE | {"XDG_STATE_HOME": str(tmp_path)})


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["capture", ZONE, "--fields", "EdgeResponseStats"], "EdgeResponseStats"),
        (["capture", ZONE, "--fields", ""], "fields"),
        (["capture", ZONE, "--fields", "extra", "--allow-unknown-fields"], "extra"),
        (["capture", ZONE, "--filter", "EdgeResponseStatus >= "], "filter"),
        (["capture", ZONE, "--filter", '{"where": 1}'], "filter"),
        (["capture", ZONE, "--filter", 'EdgeResponseStatus == "x"'], "filter"),
        (["capture", ZONE, "--duration", "soon"], "duration"),
        (["capture", ZONE, "--duration", "0s"], "duration"),
        (["capture", ZONE, "--max-records", "0"], "max_records"),
        (["capture", ZONE, "--read-deadline", "0s"], "read_deadline"),
        (["capture", ZONE, "--max-reconnects", "-1"], "max_reconnects"),
        (["capture", ZONE, "--renew-after", "0s"], "renew_after"),
        (["capture", ZONE, "--max-bytes", "many"], "max-bytes"),
        (["capture", ZONE, "--sample", "0"], "sample"),
        (["capture", ZONE, "--label", "release"], "label"),
        (["capture", ZONE, "--on-busy", "shout"], "on-busy"),
        (["capture", ZONE, "--anonymize-ip", "hmac"], "HMAC"),
        (["capture", ZONE, "--min-coverage", "2"], "min_coverage"),
        (["capture", ZONE, "--duration", "99999999999d"], "duration"),
        (["capture", "../../etc"], "zone"),
        (["sessions", ".."], "zone"),
        (["sessions", ""], "zone"),
        (["filter", 'all == "x"'], "all"),
        (["filter", "ClientIP >"], "filter"),
        (["fields", "nonsense"], "nonsense"),
        (["captures", "show", "nothing"], "nothing"),
        (["summary"], "latest"),
        (["query"], "query"),
        (["query", "select * from nowhere"], "nowhere"),
        (["query", "select '\udcff'"], "UTF-8"),
        (["query", "select $a", "--param", "a=\udcff"], "UTF-8"),
        (["demo", "--duration", "0"], "duration"),
        (["demo", "--directory", "/dev/null"], "/dev/null"),
        (["query", "copy (select 1) to 'x.csv'"], "COPY"),
        (["query", "--name", "nothing"], "nothing"),
        (["emulate", "--scenario", "calm"], "scenario"),
        (["emulate", "--fault", "explode"], "explode"),
    ],
)
def test_wrong_input_is_2(arguments, names, nowhere):
    """Nothing is contacted, nothing is written, and the error names the culprit."""
    result = nowhere.run(*arguments)
    assert result.exit_code == 2, result.stderr
    assert names.lower() in error_of(result).lower()
    assert result.stdout == ""
    assert not list(nowhere.directory.iterdir())


@pytest.mark.parametrize("verb", [["captures", "list"], ["capture", ZONE]])
def test_a_working_directory_that_is_gone_is_6(verb, nowhere):
    """Every relative place is relative to it."""
    leaving = 'mkdir gone && cd gone && rmdir ../gone && exec "$@"'
    process = subprocess.run(
        ["/bin/sh", "-c", leaving, "sh", PROGRAM, *verb],
        cwd=nowhere.directory,
        env={**os.environ, **nowhere.environment},
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    result = Result(process.returncode, process.stdout, process.stderr)
    assert result.exit_code == 6
    assert "working directory" in error_of(result)


@pytest.mark.parametrize("arguments", [["capture"], ["--nonsense"], ["record"]])
def test_wrong_usage_is_2(arguments, nowhere):
    """The command line's own errors have the same code and no traceback."""
    result = nowhere.run(*arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr


def test_no_credentials_is_3(nowhere):
    """Missing credentials name the variables that would hold them."""
    result = nowhere.run("capture", ZONE, CLOUDFLARE_API_TOKEN="")
    assert result.exit_code == 3
    assert "CLOUDFLARE_API_TOKEN" in result.stderr
    error_of(result)


def test_wrong_token_is_3(emulate, command_line):
    """A refused token ends the capture at once, with nothing left behind."""
    line = command_line(emulate(token="right"), "wrong")
    result = line.run("capture", ZONE, "--duration", "5s")
    assert result.exit_code == 3
    assert "wrong" not in error_of(result)
    assert not list(line.directory.rglob("*.json"))
    assert not list(line.directory.rglob("*.ndjson"))


def test_unentitled_plan_is_3(emulate, command_line):
    """A plan without Instant Logs is said as the service says it."""
    result = command_line(emulate(is_entitled=False)).run("capture", ZONE)
    assert result.exit_code == 3
    error_of(result)


@pytest.mark.parametrize(
    "policy", [["--on-busy", "fail"], ["--on-busy", "wait", "--busy-timeout", "1s"]]
)
def test_taken_zone_is_4(policy, emulate, command_line):
    """A stranger's session is neither ended nor stolen."""
    emulator = emulate(rate=500.0)
    line = command_line(emulator)
    other = other_host(line)
    holder = other.start("capture", ZONE, "--duration", "60s")
    wait_for_session(line)
    try:
        result = line.run("capture", ZONE, "--duration", "2s", *policy)
    finally:
        held = interrupt(other, holder)
    assert result.exit_code == 4, result.stderr
    assert ZONE in error_of(result)
    assert held.exit_code == INTERRUPTED, held.stderr
    assert held.document["gaps"] == []
    assert len(emulator.sessions) == 1


def test_taken_lease_is_4(emulate, command_line):
    """A second capture on this host is refused before the service is asked."""
    line = command_line(emulate(rate=100.0))
    holder = line.start("capture", ZONE, "--duration", "60s")
    wait_for_session(line)
    result = line.run("capture", ZONE, "--on-busy", "fail")
    assert result.exit_code == 4
    assert str(holder.pid) in error_of(result)
    assert "takeover" not in result.stderr
    assert interrupt(line, holder).exit_code == INTERRUPTED


def test_a_takeover_that_is_refused_is_4(emulate, command_line):
    """Where the service keeps the first session, nobody is told to try it again."""
    line = command_line(emulate(on_second="refuse"))
    other = other_host(line)
    holder = other.start("capture", ZONE, "--duration", "60s")
    wait_for_session(line)
    result = line.run("capture", ZONE, "--on-busy", "takeover")
    assert result.exit_code == 4, result.stderr
    assert "takeover" not in result.stderr
    error_of(result)
    assert interrupt(other, holder).document["gaps"] == []


def test_takeover_ends_the_other_session(emulate, command_line):
    """Asked for, the zone is taken; the other one waits and never fights."""
    emulator = emulate(rate=500.0)
    line = command_line(emulator)
    other = other_host(line)
    holder = other.start("capture", ZONE, "--duration", "60s")
    wait_for_session(line)
    result = line.run("capture", ZONE, "--duration", "1s", "--on-busy", "takeover")
    held = interrupt(other, holder)
    assert result.exit_code == 0, result.stderr
    assert result.document["coverage"] == 1.0
    assert held.exit_code == INTERRUPTED
    assert "session_superseded" in {gap["reason"] for gap in held.document["gaps"]}


def test_unreachable_is_5(nowhere):
    """A service that is not there is tried for a while, then named."""
    result = nowhere.run("capture", ZONE, "--open-timeout", "1s")
    assert result.exit_code == 5
    assert "127.0.0.1" in error_of(result)
    assert not list(nowhere.directory.rglob("*.json"))


def test_too_little_coverage_is_5_and_committed(emulate, command_line):
    """What was received before the stream was lost for good is in the store."""
    fault = parse_fault("drop:after=300,session=1")
    emulator = emulate(rate=500.0, faults=(fault,))
    line = command_line(emulator)
    running = line.start("capture", ZONE, "--duration", "4s", "--min-coverage", "1.0")
    result = line.end(running)
    assert result.exit_code == 5, result.stderr
    assert "coverage" in error_of(result)
    manifest = result.document
    assert manifest["state"] == "partial"
    assert manifest["gaps"][0]["reason"] == "stream_lost"
    assert manifest["received"] == manifest["written"] >= 300
    assert line.run("captures", "verify").exit_code == 0


def test_full_disk_is_6(emulate, command_line):
    """A store that takes no more ends the capture; the journal keeps what it has."""
    line = command_line(emulate(rate=2000.0))
    limited = CommandLineWithFileLimit(line.directory, line.environment)
    result = limited.run("capture", ZONE, "--duration", "20s")
    assert result.exit_code == 6, result.stderr
    error_of(result)
    journal = line.directory / "captures" / ".journal"
    kept = b"".join(path.read_bytes() for path in journal.rglob("*.ndjson"))
    assert json.loads(kept.partition(b"\n")[0])
    assert str(journal) in result.stderr


def test_store_that_is_a_file_is_6(emulate, command_line):
    """A store that cannot be made is told before a session is created."""
    emulator = emulate()
    line = command_line(emulator)
    (line.directory / "file").touch()
    result = line.run("capture", ZONE, "--store", "file/captures")
    assert result.exit_code == 6, result.stderr
    error_of(result)
    assert not emulator.sessions


def test_damage_is_6(emulate, command_line):
    """``verify`` finds a changed byte and says which capture and file."""
    line = command_line(emulate(rate=500.0))
    capture_id = line.run("capture", ZONE, "--duration", "1s").document["capture_id"]
    (segment,) = line.directory.rglob("*.parquet")
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)
    result = line.run("captures", "verify")
    assert result.exit_code == 6
    assert capture_id in error_of(result)
    assert result.document[0]["verified"] is False


@pytest.mark.parametrize(
    ("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_signals_commit(number, exit_code, emulate, command_line):
    """An interrupted capture is committed and says so."""
    line = command_line(emulate(rate=500.0))
    running = line.start("capture", ZONE, "--duration", "60s")
    wait_for_session(line)
    time.sleep(1)
    running.send_signal(number)
    result = line.end(running)
    assert result.exit_code == exit_code, result.stderr
    manifest = result.document
    assert manifest["state"] == "interrupted"
    assert manifest["received"] == manifest["written"] > 0
    assert line.run("captures", "verify").exit_code == 0
    assert not line.run("sessions", ZONE).document


def test_signal_while_waiting_leaves_nothing(emulate, command_line):
    """Interrupted before a stream was open, there is nothing to commit."""
    line = command_line(emulate(rate=100.0))
    holder = line.start("capture", ZONE, "--duration", "60s")
    wait_for_session(line)
    waiting = line.start("capture", ZONE, "--duration", "60s")
    said = waiting.stderr.readline()
    assert f"process {holder.pid} here since" in said
    assert "waiting for it, 600 s at most" in said
    waiting.send_signal(signal.SIGTERM)
    result = line.end(waiting)
    assert result.exit_code == 143
    assert "Traceback" not in result.stderr
    assert interrupt(line, holder).exit_code == INTERRUPTED


def wait_for_session(line: CommandLine) -> None:
    """Return once the zone has a session."""
    for _ in range(50):
        if line.run("sessions", ZONE).document:
            return
    pytest.fail("no session was created")


def other_host(line: CommandLine) -> CommandLine:
    """Return somebody else: other leases, another store."""
    directory = line.directory.with_name("other")
    directory.mkdir()
    state = {"XDG_STATE_HOME": str(directory)}
    return CommandLine(directory, {**line.environment, **state})


class CommandLineWithFileLimit(CommandLine):
    """A command line whose files cannot grow beyond 64 KiB: the disk is full."""

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start under the limit, which only the new process has."""
        self_limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (65536, self_limits[1]))
        try:
            return super().start(*arguments, **environment)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, self_limits)
