"""One signal ends a capture in time; a second one ends it at once."""

from __future__ import annotations

import os
import signal
import time

import pytest

from instant_logs_plugin.emulator import EmulatorConfig, run_emulator
from instant_logs_plugin.store.catalog import list_captures
from instant_logs_plugin.store.filesystem import open_store
from instant_logs_plugin.store.manifest import CaptureState
from tests.crash.command import end_command
from tests.crash.sweep import Sweep

OPTIONS = ("--duration=60s", "--fields=RayID,EdgeResponseStatus", "--quiet")
PROMISED_S = 2.0
TRIES = 3


@pytest.fixture
def sweep(tmp_path):
    config = EmulatorConfig(delay_s=0.0, tick_s=0.02, rate=5_000.0, keep_sent=True)
    with run_emulator(config) as emulator:
        yield Sweep(emulator, tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_seals_and_commits_in_two_seconds(number, sweep):
    """The promise, on a machine that may be busy with other tests: best of three."""
    took_s = []
    for _ in range(TRIES):
        case = sweep.case()
        process = sweep.start(case, *OPTIONS)
        sweep.wait_for_lines(case, process)
        process.wait(1.0)
        asked_at = time.monotonic()
        os.kill(process.pid, number)
        assert end_command(process) == 128 + number, case.output
        took_s.append(time.monotonic() - asked_at)
        (manifest,) = list_captures(open_store(str(case.store_path))).manifests
        assert manifest.state is CaptureState.INTERRUPTED
        case.note_taken()
        sweep.check(case)
        if took_s[-1] < PROMISED_S:
            break
    assert min(took_s) < PROMISED_S


def test_a_second_signal_leaves_the_journal(sweep):
    """A capture that cannot finish is ended at once, and recovered later."""
    case = sweep.case()
    process = sweep.start(case, *OPTIONS, points="store.requests:create=hang")
    sweep.wait_for_lines(case, process)
    process.wait(1.0)
    os.kill(process.pid, signal.SIGTERM)
    process.wait(0.5)
    assert process.is_running
    os.kill(process.pid, signal.SIGTERM)
    assert end_command(process) == -signal.SIGTERM
    case.note_taken()
    assert case.taken
    assert sweep.recover(case) == 0, case.output
    sweep.check(case)
