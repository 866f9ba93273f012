"""Events of a capture: their facts, and what people read of them."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from instant_logs_plugin.capture.events import EventLog, describe_event

ZONE = "f1aba936b94213e5b8dca0c0dbf1f9cc"


@pytest.mark.parametrize(
    ("name", "facts", "words"),
    [
        (
            "zone_awaited",
            {"holder": "process 7 here", "since": None, "timeout_s": 600.0},
            f"zone {ZONE} is held by process 7 here; waiting for it, 600 s at most",
        ),
        (
            "zone_taken_over",
            {"holder": "our capture 7", "since": "2026-03-01T12:00:00Z"},
            f"zone {ZONE} is taken over from our capture 7 since 2026-03-01T12:00:00Z",
        ),
        (
            "open_retried",
            {"error": "no answer", "pause_s": 0.25},
            "no stream yet: no answer; next try in 0.2 s",
        ),
        (
            "stream_lost",
            {"reason": "session_expired"},
            "the stream ended (session expired); opening another one",
        ),
        (
            "gap_closed",
            {"gap_s": 1.26, "reason": "stream_lost"},
            "recording again, behind a gap of 1.3 s (stream lost)",
        ),
        (
            "lines_rejected",
            {"lines": 12_000, "written": 11_998, "rejected": 2},
            "2 of 12,000 lines were no valid records; such lines are kept as rejects",
        ),
        (
            "journal_recovered",
            {"capture": "20260301", "outcome": "recovered", "problems": ("a cut",)},
            "capture 20260301, left by a crash: recovered; a cut",
        ),
        ("segment_committed", {"lines": 1, "written": 1, "rejected": 0}, None),
    ],
)
def test_events_in_words(name, facts, words, caplog):
    """News is one sentence with the thing and the numbers; routine is silent."""
    caplog.set_level(logging.INFO, "instant_logs_plugin")
    EventLog(ZONE).info(f"instant_logs.{name}", extra=facts)
    (event,) = caplog.records
    assert describe_event(event) == words
    assert event.zone_id == ZONE


def test_other_records_are_no_news():
    """What is no event of ours, has no words."""
    assert describe_event(logging.makeLogRecord({"msg": "connected"})) is None


def test_the_document_lists_every_event():
    """docs/operations.md has all names of events, but for the emulator's."""
    root = Path(__file__).parents[3]
    logged = {
        name
        for module in (root / "instant_logs_plugin").rglob("*.py")
        if "emulator" not in module.parts
        for name in re.findall(r'"(instant_logs\.[a-z_]+)"', module.read_text())
    }
    document = (root / "docs" / "operations.md").read_text()
    assert logged
    assert logged == set(
        re.findall(r"^\| `(instant_logs\.[a-z_]+)`", document, re.MULTILINE)
    )
