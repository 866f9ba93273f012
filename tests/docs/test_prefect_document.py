"""What docs/prefect.md says of stops, each row by a test or with the reason why not."""

from __future__ import annotations

import re

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
