"""docs/prefect.md: each stop is tested, or it says why not; each event is listed."""

from __future__ import annotations

import re

import pytest

from instant_logs_plugin.prefect.events import EventName
from tests.docs.documents import ROOT

TEXT = (ROOT / "docs" / "prefect.md").read_text()
STOPS = TEXT.split("| stop |")[1].split("\n\n")[0].splitlines()[2:]


def test_each_stop_is_tested_or_says_why_not():
    """The tests that are named are there."""
    defined = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", path.read_text())
    }
    for row in STOPS:
        shown_by = row.split("|")[3]
        named = re.findall(r"`(test_\w+)`", shown_by)
        assert set(named) <= defined, row
        assert named or "no test:" in shown_by, row


@pytest.mark.parametrize("name", EventName)
def test_each_event_is_listed(name):
    """By its name, or by its last part behind one of its kind."""
    short = f".{name.rpartition('.')[2]}"
    assert f"`{name}`" in TEXT or f"`{short}`" in TEXT
