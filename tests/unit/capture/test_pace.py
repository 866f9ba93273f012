"""How much may wait to be committed: what can be, soon."""

from __future__ import annotations

import pytest

from instant_logs_plugin.capture.pace import CommitPace

MIB = 2**20


def paced(size_bytes: int, took_s: float) -> CommitPace:
    """Return the pace behind one commit."""
    pace = CommitPace()
    pace.began(100.0)
    pace.ended(100.0 + took_s, size_bytes)
    return pace


@pytest.mark.parametrize(
    ("size_bytes", "took_s", "limit_bytes"),
    [
        (64 * MIB, 0.7, 64 * MIB),
        (8 * MIB, 0.1, 56 * MIB),
        (64 * MIB, 0.1, 128 * MIB),
        (64 * MIB, 60.0, 8 * MIB),
        (64 * MIB, 0.0, 128 * MIB),
    ],
)
def test_what_can_be_committed_soon_may_wait(size_bytes, took_s, limit_bytes):
    """Told by the last commit, between two bounds."""
    pace = paced(size_bytes, took_s)
    assert not pace.is_outrun(200.0, int(limit_bytes * 0.99))
    assert pace.is_outrun(200.0, int(limit_bytes * 1.01))


def test_a_third_of_what_may_wait_is_due():
    """So one third is written and one decoded while the last one comes."""
    pace = paced(60 * MIB, 0.7)
    assert not pace.is_due(19 * MIB)
    assert pace.is_due(20 * MIB)


def test_before_the_first_commit_there_is_a_bound():
    """Nothing is known yet, and a capture can be stopped at any time."""
    assert CommitPace().is_outrun(100.0, 17 * MIB)


def test_a_commit_that_hangs_holds_nothing_back():
    """The stream is worth more than a quick end; when it goes on, the bound is back."""
    pace = CommitPace()
    pace.began(100.0)
    assert pace.is_outrun(104.0, 200 * MIB)
    assert not pace.is_outrun(106.0, 200 * MIB)
    pace.ended(110.0, 64 * MIB)
    assert pace.is_outrun(110.0, 200 * MIB)
