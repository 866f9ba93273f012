"""What is asked to be kept from the disk reaches none, killed or not; nobody reads on.

The emulator's traffic has documented, random client addresses and user agents; each
value that was sent is searched for in every file below the test's directory.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import time
from pathlib import Path

import pytest

from instant_logs_plugin.emulator import Emulator, parse_fault

ZONE = "0123456789abcdef0123456789abcdef"
FIELDS = "RayID,EdgeStartTimestamp,ClientIP,ClientRequestURI,ClientRequestUserAgent"
KEY = "a-secret-of-the-tests-0123456789"
DEADLINE_S = 30.0
LESS = [
    *("--fields", FIELDS, "--anonymize-ip", "hmac", "--redact-query"),
    *("--drop-field", "ClientRequestUserAgent"),
]


def files_below(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


def sent_values(emulator: Emulator, field: str) -> set[str]:
    lines = [line for sent in emulator.sent() for line in sent.lines]
    values = {json.loads(line)[field] for line in lines if field in json.loads(line)}
    return {value for value in values if value}


def assert_nowhere(values: set[str], directory: Path) -> None:
    """Search every file, journal and temporary files included."""
    files = files_below(directory)
    assert files
    for path in files:
        data = path.read_bytes()
        assert not [value for value in values if value.encode() in data], path


def test_raw_values_reach_no_file(emulate, command_line, tmp_path):
    """Addresses, queries and dropped fields; malformed and cut lines included."""
    faults = (parse_fault("malformed:every=9"), parse_fault("split"))
    emulator = emulate(rate=800.0, keep_sent=True, faults=faults)
    line = command_line(emulator)
    result = line.run(
        *("capture", ZONE, "--duration", "2s", *LESS), INSTANT_LOGS_HMAC_KEY=KEY
    )
    assert result.exit_code == 0, result.stderr
    request = result.document["request"]
    assert "ClientRequestUserAgent" not in request["fields"]
    assert request["drop_fields"] == ["ClientRequestUserAgent"]
    assert (request["anonymize_ip"], request["redact_query"]) == ("hmac", True)
    addresses = sent_values(emulator, "ClientIP")
    assert len(addresses) > 10
    assert_nowhere(addresses, tmp_path)
    queries = {
        "?" + uri.partition("?")[2]
        for uri in sent_values(emulator, "ClientRequestURI")
        if "?" in uri
    }
    assert_nowhere(queries | {KEY}, tmp_path)
    counted = line.run("query", "select count(distinct ClientIP) as n from requests")
    recorded = counted.document[0]["n"]
    assert 10 < recorded <= len(addresses)


def test_raw_values_reach_no_journal(emulate, command_line, tmp_path):
    """Killed in the middle, the journal holds lines, and not one raw address."""
    emulator = emulate(rate=800.0, keep_sent=True)
    line = command_line(emulator)
    running = line.start(
        *("capture", ZONE, "--duration", "60s", *LESS), INSTANT_LOGS_HMAC_KEY=KEY
    )
    journal = line.directory / "captures" / ".journal"
    try:
        deadline = time.monotonic() + DEADLINE_S
        while sum(p.stat().st_size for p in journal.rglob("*.ndjson")) < 20_000:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        running.send_signal(signal.SIGKILL)
        running.communicate()
    addresses = sent_values(emulator, "ClientIP")
    assert len(addresses) > 10
    assert_nowhere(addresses, tmp_path)


def test_what_comes_unasked_is_dropped_too(emulate, command_line, tmp_path):
    """A field that is not to be kept is removed even if the service sends it."""
    replay = tmp_path.parent / f"{tmp_path.name}.ndjson"
    secret = "a-user-agent-that-nobody-may-keep"
    row = {"RayID": "1", "RequestHeaders": {"user-agent": secret}}
    replay.write_text(json.dumps(row))
    line = command_line(emulate(replay=replay, rate=0.0))
    fields = ["--fields", "RayID,RequestHeaders", "--drop-field", "RequestHeaders"]
    result = line.run("capture", ZONE, "--duration", "1s", *fields)
    assert result.exit_code == 0, result.stderr
    assert result.document["written"] == 1
    assert_nowhere({secret}, tmp_path)


@pytest.mark.parametrize("drop", ["ClientRequestUseragent", "nonsense"])
def test_a_misspelled_field_is_refused(drop, emulate, command_line):
    """It would be kept: nobody may believe that it is not."""
    emulator = emulate()
    result = command_line(emulator).run("capture", ZONE, "--drop-field", drop)
    assert result.exit_code == 2
    assert drop in result.stderr
    assert not emulator.sessions


@pytest.fixture
def generous_umask():
    """Let files be as open as they are made."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_files_are_their_owners_alone(emulate, command_line, generous_umask):
    """0600 and 0700 over a whole store, and over a journal that a kill left."""
    line = command_line(emulate(rate=500.0, faults=(parse_fault("malformed:every=9"),)))
    assert line.run("capture", ZONE, "--duration", "1s").exit_code == 0
    running = line.start("capture", ZONE, "--duration", "60s")
    journal = line.directory / "captures" / ".journal"
    try:
        deadline = time.monotonic() + DEADLINE_S
        while not list(journal.rglob("*.ndjson")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        running.send_signal(signal.SIGKILL)
        running.communicate()
    store = line.directory / "captures"
    modes = {
        path: stat.S_IMODE(path.lstat().st_mode) for path in [store, *store.rglob("*")]
    }
    kinds = {path.suffix for path in modes if path.is_file()}
    assert {".parquet", ".json", ".ndjson", ".index"} <= kinds
    wrong = {
        str(path): oct(mode)
        for path, mode in modes.items()
        if mode != (0o700 if path.is_dir() else 0o600)
    }
    assert wrong == {}
