"""A run that is told to end by SIGTERM at any moment: its captures hear of it.

Prefect raises its exception in whatever runs; most of what runs loses it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from prefect.utilities.engine import capture_sigterm

from instant_logs_plugin.prefect.termination import told_of_termination
from tests.support.command_line import emulator_environment

ROOT = Path(__file__).parents[2]
# Two seconds are promised; a machine that runs other tests too is given more.
FINAL_S = 10.0


@pytest.mark.parametrize(
    ("zones", "rounds"),
    [
        (1, 20),
        (3, 5),
        pytest.param(
            1, 300, marks=[pytest.mark.soak, pytest.mark.timeout(900)], id="soak"
        ),
    ],
)
def test_no_signal_is_lost(zones, rounds, emulate, tmp_path):
    """Each capture ends as interrupted with balanced books, the run by the signal."""
    directory = tmp_path / "captures"
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME")},
        **emulator_environment(emulate(rate=2000.0)),
        "INSTANT_LOGS_STORE": str(directory),
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "XDG_STATE_HOME": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.signalled", str(rounds), str(zones)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    ends = json.loads(done.stdout)
    assert [one["by"] for one in ends] == ["TerminationSignal"] * rounds
    assert max(one["after_s"] for one in ends) < FINAL_S
    manifests = [
        json.loads(path.read_text()) for path in (directory / "manifests").iterdir()
    ]
    assert len(manifests) > rounds / 2
    assert {one["state"] for one in manifests} == {"interrupted"}
    for one in manifests:
        assert one["received"] == one["written"] + one["rejected"]
    assert not any((directory / ".journal").glob("*/*.ndjson"))


async def test_other_signals_still_reach_who_asked_for_them():
    """A user's flow may have handlers on its loop: during a capture, and after."""
    loop, heard = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, heard.set)
    try:
        with capture_sigterm():
            with told_of_termination() as told, told_of_termination():
                await send(heard)
            await send(heard)
        assert not told.done()
    finally:
        loop.remove_signal_handler(signal.SIGUSR1)


async def send(heard: asyncio.Event) -> None:
    heard.clear()
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.wait_for(heard.wait(), 30)


async def test_outside_a_run_nothing_is_watched():
    """Whoever has a handler of their own for SIGTERM keeps it to themselves."""
    before = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(before)
    with told_of_termination():
        during = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(during)
    assert during == before
