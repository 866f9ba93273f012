"""Hostile and strange input over real sockets: a clear end or a reject, never more."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from instant_logs_plugin.capture.options import CaptureOptions
from instant_logs_plugin.capture.record import (
    CaptureOutcome,
    CaptureSetup,
    record_capture,
)
from instant_logs_plugin.capture.window import Bounds
from instant_logs_plugin.edge.session import session_fingerprint
from instant_logs_plugin.errors import StreamRefused
from instant_logs_plugin.lease.file_lock import hold_on_host
from instant_logs_plugin.settings import open_client
from instant_logs_plugin.store.filesystem import open_store
from instant_logs_plugin.store.manifest import Manifest
from tests.support.command_line import CommandLine, Result
from tests.support.stub_service import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    TEXT,
    Send,
    Stub,
    frame,
    stub,
)

ZONE = "0123456789abcdef0123456789abcdef"
GOOD = b'{"RayID":"good","EdgeResponseStatus":200,"sampleInterval":1}'
COMPRESSED, RESERVED_OPCODE = 0x40, 0x3
MIB = 2**20


def sends(*parts: bytes) -> Send:
    """Return what sends a good record, these bytes, and waits for the client."""

    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(frame(GOOD))
        for part in parts:
            writer.write(part)
            await writer.drain()
        await asyncio.sleep(30)

    return send


async def record(
    behaviour: Stub, directory: Path, **options: Any
) -> tuple[CaptureOutcome, list[tuple[str, str]]]:
    asked = CaptureOptions(
        zone_id=ZONE,
        fields=("RayID", "EdgeResponseStatus"),
        bounds=Bounds(duration_s=options.pop("duration_s", 1.0)),
        min_coverage=0.0,
        **{"open_timeout_s": 1.0, "max_reconnects": 0} | options,
    )
    with stub(behaviour):
        client = open_client(behaviour.environment)
        async with asyncio.timeout(60), client:
            setup = CaptureSetup(
                api=client,
                store=open_store(str(directory / "captures")),
                journal_root=directory / "journal",
                hold=hold_on_host(directory / "leases"),
            )
            outcome = await record_capture(asked, setup)
    return outcome, behaviour.requests


def assert_whole(manifest: Manifest, directory: Path) -> None:
    """Check that every line is accounted for and no stray file is left."""
    total = manifest.written + manifest.rejected + manifest.duplicates
    assert manifest.received == total
    assert manifest.written >= 1, "the good record is missing"
    files = [path for path in directory.rglob("*") if path.is_file()]
    assert not [path for path in files if path.suffix in {".tmp", ".index"}]
    allowed = {"captures", "leases", "journal"}
    assert {path.relative_to(directory).parts[0] for path in files} <= allowed


STRANGE_LINES: dict[str, tuple[bytes, int]] = {
    "nested 10,000 deep": (b'{"RayID":' + b"[" * 10_000 + b"]" * 10_000 + b"}", 1),
    "objects 10,000 deep": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 1),
    "never closed": (b'{"a":' * 10_000, 1),
    "a key twice": (b'{"RayID":"a","RayID":"b","EdgeResponseStatus":1}', 1),
    "a NUL in a text": (b'{"RayID":"\\u0000","EdgeResponseStatus":200}', 1),
    "a raw NUL": (b'{"RayID":"\x00","EdgeResponseStatus":200}', 1),
    "NULs": (b"\x00" * 1000, 1),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD, 1),
    "no UTF-8": (b'{"RayID":"\xff\xfe"}', 1),
    "a lone surrogate": (b'{"RayID":"\\ud800"}', 1),
    "UTF-16": (GOOD.decode().encode("utf-16"), 1),
    "escape codes": (b'{"RayID":"\x1b[2J\x1b]0;owned\x07"}', 1),
    "huge numbers": (b'{"EdgeResponseStatus":1e999,"RayID":' + b"9" * 5000 + b"}", 1),
    "blank lines": (b"\n\n\r\n \n", 2),
    "an HTML page": (b"<html><body>502 Bad Gateway</body></html>", 1),
    "carriage returns": (GOOD + b"\r\n" + GOOD + b"\r\n", 2),
    "many keys": (
        b"{" + b",".join(b'"k%d":%d' % (n, n) for n in range(5000)) + b"}",
        1,
    ),
    "a path as a key": (b'{"../../etc/passwd":"x","RayID":"../../../x"}', 1),
}


@pytest.mark.parametrize("name", STRANGE_LINES)
async def test_a_strange_line_is_a_record_or_a_reject(name, tmp_path):
    """The stream goes on, the line is accounted for, good ones are untouched."""
    line, count = STRANGE_LINES[name]
    behaviour = Stub(send=sends(frame(line, BINARY), frame(GOOD)))
    outcome, _ = await record(behaviour, tmp_path)
    manifest = outcome.manifest
    assert outcome.error is None
    assert manifest.state.value == "complete"
    assert manifest.received == count + 2
    assert manifest.written >= 2
    assert_whole(manifest, tmp_path)


FRAMES: dict[str, bytes] = {
    "binary": frame(GOOD, BINARY),
    "a long length for a short payload": frame(GOOD, length_bytes=8),
    "a middle length for a short payload": frame(GOOD, length_bytes=2),
    "fragments, empty ones among them": frame(GOOD[:9], is_last=False)
    + frame(b"", CONTINUATION, is_last=False)
    + frame(b"ping", PING)
    + frame(GOOD[9:], CONTINUATION),
    "text that is no UTF-8": frame(b'{"RayID":"\xff"}'),
    "no payload": frame(b"") * 1000,
    "pings": frame(b"x" * 125, PING) * 2000,
}


@pytest.mark.parametrize("name", FRAMES)
async def test_a_strange_frame_is_taken(name, tmp_path):
    """What a protocol allows is no reason to end."""
    outcome, _ = await record(
        Stub(send=sends(FRAMES[name], frame(GOOD))), tmp_path, duration_s=1.0
    )
    assert outcome.error is None
    assert outcome.manifest.written >= 2
    assert_whole(outcome.manifest, tmp_path)


BROKEN_FRAMES: dict[str, bytes] = {
    "compressed though nobody asked": frame(b"\x00" * 100, TEXT, reserved=COMPRESSED),
    "an unknown opcode": frame(b"x", RESERVED_OPCODE),
    "more than 2**62 bytes": bytes((0x81, 127)) + (2**62).to_bytes(8, "big"),
    "a length with the highest bit": bytes((0x81, 127)) + b"\xff" * 8,
    "a message beyond every bound": bytes((0x81, 127))
    + (65 * MIB).to_bytes(8, "big")
    + b"x" * MIB,
    "masked": bytes((0x81, 0x80 | 2)) + b"maskhi",
    "a ping that is too long": bytes((0x89, 126, 0, 200)) + b"x" * 200,
    "a continuation of nothing": frame(b"x", CONTINUATION),
    "a message in a message": frame(b"x", is_last=False) + frame(b"y"),
    "a close of one byte": frame(b"\x03", CLOSE),
    "a close with no such code": frame((999).to_bytes(2, "big"), CLOSE),
    "a close with code 1005": frame((1005).to_bytes(2, "big"), CLOSE),
    "a close that is no UTF-8": frame((1000).to_bytes(2, "big") + b"\xff", CLOSE),
    "a close that says much": frame((1008).to_bytes(2, "big") + b"y" * 123, CLOSE),
    "an HTTP reply": b"HTTP/1.1 502 Bad Gateway\r\n\r\n" + b"x" * 200,
}


@pytest.mark.parametrize("name", BROKEN_FRAMES)
async def test_a_broken_frame_ends_the_stream(name, tmp_path):
    """As lost, with what came before committed, and without a traceback."""
    outcome, requests = await record(Stub(send=sends(BROKEN_FRAMES[name])), tmp_path)
    manifest = outcome.manifest
    assert [gap.reason for gap in manifest.gaps] == ["stream_lost"], manifest
    assert (manifest.state.value, manifest.end_reason) == ("failed", "stream_failed")
    assert manifest.error is not None
    assert "budget of 0 reconnects" in manifest.error
    assert manifest.written == 1
    assert_whole(manifest, tmp_path)
    assert [path for _, path in requests].count("/session") == 1


@pytest.mark.parametrize(
    ("handshake", "extensions"),
    [
        (b"HTTP/1.1 301 Moved\r\nLocation: wss://evil.example/other\r\n", ""),
        (b"HTTP/1.1 307 Moved\r\nLocation: /other\r\n", ""),
        (b"HTTP/1.1 200 OK\r\n", ""),
        (b"HTTP/1.1 401 Unauthorized\r\n", ""),
        (b"garbage\r\n", ""),
        (b"HTTP/1.1 101 Switching Protocols\r\n", ""),
        (b"HTTP/1.1 403 No\r\n" + b"X-Y: %s\r\n" % (b"z" * 9000), ""),
        (None, "permessage-deflate"),
        (None, "x-bomb"),
    ],
    ids=str,
)
async def test_a_strange_handshake_is_refused(handshake, extensions, tmp_path):
    """No redirect is followed, no compression taken; no capture stays behind."""
    behaviour = Stub(send=sends(), handshake=handshake, extensions=extensions)
    with pytest.raises(StreamRefused) as caught:
        await record(behaviour, tmp_path, open_timeout_s=0.0)
    paths = [path for _, path in behaviour.requests]
    assert "/other" not in paths
    assert "session" not in str(caught.value.reason)
    # That the session was ours, and no more.
    files = [path for path in (tmp_path / "journal").rglob("*") if path.is_file()]
    kept = session_fingerprint("session")
    assert [path.name for path in files] == [f"{kept}.json"]
    assert "ws://" not in files[0].read_text()
    assert not list((tmp_path / "captures").rglob("*.json"))


def test_escape_codes_reach_no_terminal(tmp_path):
    """Neither a peer's last words nor a value are shown as they came."""
    words = b"\x1b[2J\x1b]0;owned\x07\xe2\x80\xae"
    row = b'{"RayID":"\\u001b[31mred\xe2\x80\xae","EdgeResponseStatus":200}'
    close = frame((1008).to_bytes(2, "big") + words, CLOSE)
    with stub(Stub(send=sends(frame(row), close))) as service:
        result = run(service, tmp_path, "--duration", "2s", "--max-reconnects", "0")
        shown = [result]
        for kind in ("table", "csv", "markdown", "json"):
            arguments = ("query", "select RayID from requests", "--format", kind)
            shown.append(command_line(service, tmp_path).run(*arguments))
    assert result.exit_code == 5, result.stderr
    assert "1008" in result.stderr
    assert "red" in shown[-1].stdout
    for one in shown:
        assert not {"\x1b", "\x07"} & set(one.stdout + one.stderr), one


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_an_api_that_redirects_is_not_followed(status, tmp_path):
    """Credentials go where the user said, and nowhere else."""
    with stub(Stub()) as elsewhere:
        place = f"http://127.0.0.1:{elsewhere.port}/client/v4"
        reply = f"HTTP/1.1 {status} Moved\r\nLocation: {place}\r\n".encode()
        with stub(Stub(api_reply=reply)) as service:
            result = run(service, tmp_path, "--duration", "1s", "--open-timeout", "1s")
        assert elsewhere.requests == []
    assert result.exit_code in {2, 5}
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "destination",
    [
        "wss://evil.example/secret",
        "ws://10.0.0.1/secret",
        "wss://169.254.169.254/secret",
        "http://127.0.0.1:{port}/secret",
        "file:///etc/passwd",
        "wss://logs.cloudflare.com@127.0.0.1:{port}/secret",
    ],
)
def test_a_session_url_that_leads_elsewhere_is_refused(destination, tmp_path):
    """Nothing is connected to, and the URL is not shown."""
    with stub(Stub(destination=destination, send=sends())) as service:
        result = run(service, tmp_path, "--duration", "1s", "--open-timeout", "1s")
    assert result.exit_code == 5, result.stderr
    assert "session URL" in result.stderr
    assert "secret" not in result.stderr
    assert {path for _, path in service.requests} == {
        f"/client/v4/zones/{ZONE}/logpush/edge/jobs"
    }


def command_line(service: Stub, directory: Path) -> CommandLine:
    work = directory / "work"
    work.mkdir(exist_ok=True)
    state = {"XDG_STATE_HOME": str(directory)}
    return CommandLine(work, service.environment | state)


def run(service: Stub, directory: Path, *arguments: str) -> Result:
    line = command_line(service, directory)
    return line.run("capture", ZONE, "--fields", "RayID", *arguments)


# The peak is written by the process itself: its parent's counts children together.
_MEASURED = """
import asyncio, sys
from pathlib import Path
from instant_logs_plugin.cli import main
sys.argv = ["instant-logs", *sys.argv[1:]]
try:
    main()
except SystemExit as exc:
    code = exc.code
status = Path("/proc/self/status").read_text()
peak = next(line for line in status.splitlines() if "VmHWM" in line).split()[1]
print("peak", int(peak) // 1024, "code", code, file=sys.stderr)
"""


# The end of a flood: the capture ends with its stream, however long it took.
END = frame(GOOD) + frame((1000).to_bytes(2, "big"), CLOSE)


def repeated(part: bytes, count: int) -> Send:
    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(frame(GOOD))
        for _ in range(count):
            writer.write(part)
            await writer.drain()
        writer.write(END)
        await asyncio.sleep(30)

    return send


FLOODS: dict[str, Callable[[], Send]] = {
    "100 MB of garbage, whole messages": lambda: repeated(frame(b"x" * MIB), 100),
    "100 MB of one object that never ends": lambda: held_open,
    "braces and quotes": lambda: repeated(frame(b'}"' * (MIB // 2)), 40),
    "a million empty messages": lambda: repeated(frame(b"") * 10_000, 100),
    "a message of a million empty fragments": lambda: endless_fragments,
    "one record of 60 MB": lambda: repeated(
        frame(b'{"RayID":"' + b"x" * 60 * MIB + b'"}'), 1
    ),
}


async def held_open(writer: asyncio.StreamWriter) -> None:
    writer.write(frame(GOOD) + frame(b'{"RayID":"'))
    for _ in range(1600):
        writer.write(frame(b"x}" * 32_768))
        await writer.drain()
    writer.write(END)
    await asyncio.sleep(30)


async def endless_fragments(writer: asyncio.StreamWriter) -> None:
    writer.write(frame(GOOD) + frame(b'{"RayID":"a', is_last=False))
    for _ in range(100):
        writer.write(frame(b"", CONTINUATION, is_last=False) * 10_000)
        await writer.drain()
    writer.write(frame(b'"}', CONTINUATION) + END)
    await asyncio.sleep(30)


_OFTEN = "100 MB of one object that never ends"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name == _OFTEN else pytest.mark.soak)
        for name in FLOODS
    ],
)
def test_a_flood_is_bounded_in_memory(name, tmp_path):
    """Every line is accounted for, and the process stays small."""
    work = tmp_path / "work"
    work.mkdir()
    with stub(Stub(send=FLOODS[name]())) as service:
        command = [
            *(sys.executable, "-c", _MEASURED, "capture", ZONE, "--format", "json"),
            *("--fields", "RayID", "--duration", "100s", "--max-reconnects", "0"),
        ]
        done = subprocess.run(
            command,
            check=False,
            cwd=work,
            env={"PATH": "/usr/bin", "HOME": str(tmp_path), **service.environment},
            capture_output=True,
            text=True,
            timeout=110,
        )
    words = done.stderr.split()
    peak_mb = int(words[words.index("peak") + 1])
    manifest = json.loads(done.stdout)
    total = manifest["written"] + manifest["rejected"] + manifest["duplicates"]
    assert manifest["received"] == total
    assert manifest["end_reason"] == "stream_failed"
    assert manifest["written"] >= 2
    assert peak_mb < 600, peak_mb
