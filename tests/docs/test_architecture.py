"""The architecture document names what is there, and leaves no room out."""

from __future__ import annotations

import re

import pytest

from tests.docs.documents import ROOT

PACKAGE = ROOT / "instant_logs_plugin"
TEXT = (ROOT / "docs" / "architecture.md").read_text()
PATHS = sorted(set(re.findall(r"`([\w./]+(?:/|\.py|\.json))`", TEXT)))


@pytest.mark.parametrize("path", PATHS)
def test_each_path_is_there(path):
    """A path in the document is one of the package, or of the project's root."""
    assert (PACKAGE / path).exists() or (ROOT / path).exists()


def test_no_room_is_left_out():
    """Every package below ours is named."""
    rooms = {file.parent.name for file in PACKAGE.glob("*/__init__.py")}
    assert {room for room in rooms if f"`{room}/" not in TEXT} == set()
