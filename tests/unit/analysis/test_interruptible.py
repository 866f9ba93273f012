"""Ctrl-C ends what runs in a library, whenever it comes."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from instant_logs_plugin.analysis.interruptible import run_interruptible

DEADLINE_S = 60.0


def press_ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


def test_what_the_work_returns_or_raises_comes_back():
    """Without Ctrl-C nothing is different from a call."""
    assert run_interruptible(lambda: 7, press_ctrl_c) == 7
    with pytest.raises(ZeroDivisionError):
        run_interruptible(lambda: 1 / 0, press_ctrl_c)


@pytest.mark.parametrize("forgotten", [0, 1, 5])
def test_the_work_is_interrupted_until_it_ends(forgotten):
    """Interrupts that the work forgets are repeated; Ctrl-C is raised after its end."""
    ended, interrupts = threading.Event(), []

    def work():
        press_ctrl_c()
        assert ended.wait(DEADLINE_S)

    def interrupt():
        interrupts.append("one")
        if len(interrupts) > forgotten:
            ended.set()

    with pytest.raises(KeyboardInterrupt):
        run_interruptible(work, interrupt)
    assert len(interrupts) == forgotten + 1


def test_impatience_changes_nothing():
    """A second Ctrl-C does not leave the work running."""
    ended, interrupts = threading.Event(), []

    def work():
        press_ctrl_c()
        assert ended.wait(DEADLINE_S)

    def interrupt():
        interrupts.append("one")
        if len(interrupts) == 1:
            press_ctrl_c()
        else:
            ended.set()

    with pytest.raises(KeyboardInterrupt):
        run_interruptible(work, interrupt)
    assert ended.is_set()
