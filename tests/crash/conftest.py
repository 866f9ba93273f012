"""Crash tests sync thousands of times: in memory where there is such a place."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")


@pytest.fixture
def tmp_path(tmp_path):
    """Return a directory in memory; what ``kill -9`` leaves is the same there."""
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="instant-logs-", dir=MEMORY) as directory:
        yield Path(directory)
