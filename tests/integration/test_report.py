"""``instant-logs report`` on captures of the emulator's traffic."""

from __future__ import annotations

import json

import pytest

ZONE = "0123456789abcdef0123456789abcdef"
HOSTILE = (
    "/<script>alert(1)</script>",
    "/</script></style></svg><img src=x onerror=alert(2)>",
    "/\x1b[31mred\x1b[0m/\x00\x07",
    "/\u2028\u2029\u202eltr",
    "/{{ 7*7 }}{% raw %}",
    '/"quoted"\'&amp;`back`|pipe|',
    "/" + "long/" * 4000,
)


@pytest.fixture
def store(emulate, command_line, tmp_path):
    """A command line in whose store stands a capture of hostile requests."""
    replay = tmp_path / "hostile.ndjson"
    records = [
        {
            "EdgeStartTimestamp": f"2026-03-01T12:00:{second:02d}Z",
            "EdgeResponseStatus": 200 if second % 3 else 503,
            "EdgeResponseBytes": 1000 + second,
            "ClientRequestPath": HOSTILE[second % len(HOSTILE)],
            "ClientRequestHost": "<b>host</b>",
            "ClientIP": "192.0.2.1",
            "CacheCacheStatus": "</svg><script>",
        }
        for second in range(60)
    ]
    replay.write_text("\n".join(map(json.dumps, records)), "utf-8")
    emulator = emulate(replay=replay, rate=0.0)
    line = command_line(emulator)
    fields = ",".join(records[0])
    captured = line.run(
        "capture", ZONE, "--fields", fields, "--max-records", "60", "--duration", "30s"
    )
    assert captured.exit_code == 0, captured.stderr
    return line


def test_the_page_is_written_and_told(store):
    """The file is complete, its size is told on stderr, and stdout stays empty."""
    result = store.run("report", "-o", "out.html")
    assert result.exit_code == 0, result.stderr
    text = (store.directory / "out.html").read_text("utf-8")
    assert text.startswith("<!doctype html>")
    assert text.rstrip().endswith("</html>")
    assert "wrote out.html" in result.stderr
    assert not result.stdout
    assert store.run("report", "-o", "-").stdout == text
    assert [p.name for p in store.directory.glob(".out*")] == []


def test_values_stay_text(store):
    """What a request carried is never markup, script, or a control character."""
    text = store.run("report", "-o", "-").stdout
    assert "&lt;script&gt;alert(1)" in text
    assert text.count("<script>") == 1
    assert "onerror=alert(2)>" not in text
    assert "<b>host" not in text
    assert not {"\x1b", "\x00", "\x07", "\u2028", "\u202e"} & set(text)
    assert "{{ 7*7 }}" in text


def test_markdown_is_escaped(store):
    """Markdown is what a chat shows: no markup, no broken table row."""
    text = store.run("report", "-o", "-", "--markdown").stdout
    assert text.startswith("# Zone ")
    assert "<script>" not in text
    assert "\x1b" not in text
    assert "|pipe|" not in text
    assert store.run("report", "--markdown").stderr.startswith("wrote report.md")


def test_refusals_write_nothing(store):
    """An unknown capture and an unwritable place end in one line and exit code 2."""
    unknown = store.run("report", "nosuch", "-o", "out.html")
    assert unknown.exit_code == 2
    assert not (store.directory / "out.html").exists()
    nowhere = store.run("report", "-o", "no/such/directory/out.html")
    assert nowhere.exit_code == 2
    assert "--output" in nowhere.stderr
    assert "Traceback" not in nowhere.stderr
