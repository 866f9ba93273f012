"""``kill -9`` at every step of the write path and at random times."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from instant_logs_plugin.emulator import EmulatorConfig, parse_fault, run_emulator
from tests.crash.sweep import KILLED, Sweep

WORKERS = 2


@contextmanager
def open_sweep(directory: Path) -> Iterator[Sweep]:
    config = EmulatorConfig(
        delay_s=0.0,
        tick_s=0.02,
        rate=1500.0,
        keep_sent=True,
        faults=(parse_fault("malformed:every=40"),),
    )
    with run_emulator(config) as emulator:
        yield Sweep(emulator, directory)


@pytest.fixture
def sweep(tmp_path):
    with open_sweep(tmp_path) as opened:
        yield opened


def points_of(steps: list[str]) -> list[str]:
    """Return where to kill: before each step, and before, and within, a later write."""
    points = [f"{step}=kill" for step in dict.fromkeys(steps)]
    for step, times in Counter(steps).items():
        if step.endswith(":write"):
            points.append(f"{step}=torn-kill@{times // 2 or 1}")
            points += [f"{step}=kill@{times // 2}"] * (times > 3)
    return points


def kill_capture(sweep: Sweep, point: str) -> None:
    case = sweep.case()
    code = sweep.capture(case, point)
    assert code in {0, KILLED}, case.output
    assert sweep.recover(case) == 0, case.output
    sweep.check(case)


@pytest.mark.timeout(600)
def test_killed_at_every_step(sweep):
    """Whatever a capture was about to do, all it had taken is in the store, once."""
    traced = sweep.case()
    assert sweep.capture(traced, "*=trace+") == 0, traced.output
    points = points_of(traced.steps())
    assert len(points) >= 40
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda point: kill_capture(sweep, point), points))


@pytest.mark.timeout(600)
def test_a_killed_recovery_is_done_again(sweep):
    """Whatever a recovery was about to do, the next one finishes it, once."""
    crashed = sweep.case()
    assert sweep.capture(crashed, "store.requests:rename=kill@2") == KILLED
    lines = next(crashed.store_path.glob(".journal/*/*.ndjson"))
    lines.write_bytes(lines.read_bytes() + b"unfinished")
    traced = sweep.copy(crashed)
    (traced.directory / "output").unlink()
    assert sweep.recover(traced, "*=trace+") == 0, traced.output
    sweep.check(traced)

    def kill_recovery(point: str) -> None:
        case = sweep.copy(crashed)
        assert sweep.recover(case, point) == KILLED, case.output
        assert sweep.recover(case) == 0, case.output
        sweep.check(case)

    points = points_of(traced.steps())
    assert len(points) >= 20
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(kill_recovery, points))


@pytest.mark.timeout(600)
def test_a_killed_recovery_forgets_no_session(sweep):
    """One that was created and not read is known by its journal, or kept beside."""
    crashed = sweep.case()
    not_opened = "journal.header:create=kill@3;store.manifests:create=hang"
    assert sweep.capture(crashed, not_opened) == KILLED
    assert sweep.orphans(crashed) == []
    traced = sweep.copy(crashed)
    (traced.directory / "output").unlink()
    assert sweep.recover(traced, "*=trace+") == 0, traced.output
    sweep.check(traced)
    (orphan,) = sweep.orphans(traced)
    points = points_of(traced.steps())
    assert "journal.sessions:rename=kill" in points
    for point in points:
        case = sweep.copy(crashed)
        assert sweep.recover(case, point) == KILLED, case.output
        assert sweep.recover(case) == 0, case.output
        sweep.check(case)
        assert sweep.orphans(case) == [orphan]


def test_a_session_that_was_published_is_no_orphan(sweep):
    """The store's manifest names it; the journal was not yet told that it opened."""
    case = sweep.case()
    published = "journal.header:create=hang@3;store.manifests.directory:fsync=kill"
    assert sweep.capture(case, published) == KILLED
    assert sweep.recover(case) == 0, case.output
    sweep.check(case)
    assert sweep.orphans(case) == []


def test_the_next_capture_finishes_what_is_left(sweep):
    """Nobody has to call for a recovery where captures go on."""
    case = sweep.case()
    assert sweep.capture(case, "store.requests:rename=kill") == KILLED
    assert sweep.capture(case) == 0, case.output
    assert sweep.check(case) > 0


@pytest.mark.timeout(600)
def test_killed_at_random_times(sweep):
    """One store outlives a storm of kills; each capture finishes what is left."""
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda seed: storm(sweep, seed), range(WORKERS)))


def storm(sweep: Sweep, seed: int, kills: int = 8) -> None:
    chance, case = random.Random(seed), sweep.case()
    for _ in range(kills):
        first = chance.choice(["capture.json", "*.ndjson"])
        sweep.kill(case, first=first, after_s=chance.uniform(0.0, 0.6))
    assert sweep.recover(case) == 0, case.output
    lines = sweep.check(case)
    assert lines > 0
    print(f"{kills} kills, seed {seed}: {lines} lines, none lost, none twice")  # noqa: T201 - the soak's figures


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_five_hundred_kills(sweep):
    """The storm, longer: 520 kills, 40 of them in each of 13 stores."""
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda seed: storm(sweep, seed, kills=40), range(100, 113)))
