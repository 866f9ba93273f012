"""The file layer fails, once or for good, at every call: nothing kept is lost."""

from __future__ import annotations

import pytest

from instant_logs_plugin.capture.recovery import Outcome, recover_captures
from instant_logs_plugin.errors import InvalidOption, StoreError
from instant_logs_plugin.failpoints import arm, armed
from tests.crash.write_path import WritePath, assert_whole, stored_names

FAULTS = [
    "*:create=EACCES",
    "*:write=ENOSPC",
    "*:write=torn-ENOSPC",
    "*:fsync=EIO",
    "*:rename=EIO",
]


@pytest.mark.parametrize(("lasts", "stride"), [("", 1), ("+", 4)])
@pytest.mark.parametrize("fault", FAULTS)
def test_the_nth_call_fails(fault, lasts, stride, tmp_path):
    """Once, or from then on: lines that were acknowledged are in the store, once."""
    for nth in range(1, 200, stride):
        path = WritePath(tmp_path / f"{nth}", batches=3)
        try:
            with armed(f"{fault}@{nth}{lasts}"):
                path.run()
        except StoreError:
            recover_and_check(path)
        else:
            break
    assert 8 < nth < 199
    assert stored_names(path.store) == dict.fromkeys(path.acknowledged, 1)


def recover_and_check(path):
    report = recover_captures(path.store, path.journal_root)
    assert not report.of(Outcome.FAILED)
    assert_whole(path.store)
    stored = stored_names(path.store)
    assert stored == dict.fromkeys(stored, 1)
    assert set(path.acknowledged) <= set(stored)
    assert list(path.root.rglob("*.tmp")) == []
    left = [p.name for p in path.journal_root.glob("*")]
    assert left in ([], [".damaged"])


@pytest.mark.parametrize("fault", ["*:write=ENOSPC", "*:fsync=EIO", "*:rename=EIO"])
def test_a_recovery_that_fails_is_done_again(fault, tmp_path):
    """For every n: a recovery that could not go on loses nothing and is told."""
    for nth in range(1, 100):
        path = WritePath(tmp_path / f"{nth}", batches=3, commits_late=True)
        with armed("store.requests:create=EIO+"), pytest.raises(StoreError):
            path.run()
        with armed(f"{fault}@{nth}"):
            (one,) = recover_captures(path.store, path.journal_root).captures
        if one.outcome is Outcome.RECOVERED:
            break
        assert one.outcome is Outcome.FAILED
        assert one.problems
        recover_and_check(path)
    assert 2 < nth < 99
    assert stored_names(path.store) == dict.fromkeys(path.acknowledged, 1)


@pytest.mark.parametrize("text", ["x", "x=nothing", "x=kill@", "=kill", "x=kill@1@2"])
def test_points_are_checked(text):
    """A specification that means nothing is refused, so that no test is empty."""
    with pytest.raises(InvalidOption):
        arm(text)
