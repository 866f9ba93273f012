"""What a list shows of captures."""

from __future__ import annotations

from instant_logs_plugin.analysis.tables.captures import capture_table
from instant_logs_plugin.analysis.tables.parts import readable_rows
from instant_logs_plugin.store.manifest import CaptureState, WindowSpan
from tests.unit.report.materials import at, capture, gap


def rows(*manifests):
    """Return a list's rows, texts by label."""
    return readable_rows(capture_table(manifests))


def test_a_whole_capture():
    """A row is short: the zone is everyone's, and an end by its bound is no news."""
    assert rows(capture(written=2382, labels={"release": "a", "env": "prod"})) == [
        {
            "Capture": "a",
            "State": "complete",
            "Window": "1 m 00 s",
            "Records": "2,382",
            "Rejects": "0",
            "Coverage": "100%",
            "Gaps": "0",
            "Labels": "release=a env=prod",
        }
    ]


def test_what_ended_a_capture_early_is_told():
    """With its state, and what is missing."""
    (row,) = rows(
        capture(
            state=CaptureState.INTERRUPTED,
            end_reason="sigterm",
            window=WindowSpan(start=at(0), end=at(90)),
            coverage=0.6666,
            rejected=3,
            gaps=(gap(10, 40),),
        )
    )
    assert row["State"] == "interrupted (sigterm)"
    assert (row["Window"], row["Coverage"]) == ("1 m 30 s", "66.7%")
    assert (row["Rejects"], row["Gaps"]) == ("3", "1")


def test_what_a_running_capture_has_is_not_known():
    """What is not known is empty, not 0."""
    running = capture(state=CaptureState.RECORDING, end_reason=None, coverage=1.0)
    (row,) = rows(running)
    counts = [row[name] for name in ("Records", "Rejects", "Coverage", "Gaps")]
    assert row["State"] == "recording"
    assert counts == [""] * 4


def test_zones_are_told_apart():
    """A list of several zones says whose each capture is."""
    listed = rows(capture("a"), capture("b", zone_id="zone2"))
    assert [(row["Capture"], row["Zone"]) for row in listed] == [
        ("a", "zone1"),
        ("b", "zone2"),
    ]
