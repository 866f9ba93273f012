"""A terminal that goes away: closed by its owner, or its connection is lost."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import termios
import time
from collections.abc import Iterator

from tests.support.command_line import PROGRAM, CommandLine
from tests.support.server_process import wait_for

ZONE = "0123456789abcdef0123456789abcdef"
DEADLINE_S = 60


class Terminal:
    """A pseudo-terminal, and a capture that has it for all its streams."""

    def __init__(self, line: CommandLine, *arguments: str, is_owner: bool) -> None:
        """Start a capture; ``is_owner`` gets it told by SIGHUP that it is closed."""
        self._ours, theirs = os.openpty()
        self._is_open = True
        self.capture = subprocess.Popen(
            [PROGRAM, "capture", ZONE, *arguments],
            cwd=line.directory,
            env=line.environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_own_terminal if is_owner else None,  # noqa: PLW1509
        )
        os.close(theirs)

    def read_progress(self) -> None:
        """Return once the capture shows that it has records."""
        shown = b""
        while not re.search(rb"[1-9][0-9,]* records", shown):
            shown += os.read(self._ours, 4096)

    def close(self) -> None:
        """Close the terminal, as its window or its connection does."""
        if self._is_open:
            os.close(self._ours)
            self._is_open = False

    def end(self) -> int:
        """Wait for the capture; return its exit code."""
        return self.capture.wait(DEADLINE_S)


def _own_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@contextlib.contextmanager
def terminal(
    line: CommandLine, *arguments: str, is_owner: bool = True
) -> Iterator[Terminal]:
    """Run a capture in a terminal; neither is left behind."""
    one = Terminal(line, *arguments, is_owner=is_owner)
    try:
        yield one
    finally:
        one.close()
        one.capture.kill()
        one.capture.wait()


def only_capture(line: CommandLine) -> dict:
    """Return the facts of the store's one capture, which is whole."""
    (verdict,) = line.run("captures", "verify").document
    assert verdict["verified"]
    (capture,) = line.run("captures", "list").document
    assert capture["received"] == capture["written"] > 0
    return capture


def test_a_closed_terminal_ends_a_capture_in_order(emulate, command_line):
    """What was received is committed, and the session is left."""
    line = command_line(emulate(rate=500.0))
    with terminal(line, "--duration", "60s") as one:
        one.read_progress()
        one.close()
        assert one.end() == 128 + signal.SIGHUP
    assert only_capture(line)["state"] == "interrupted"
    assert not line.run("sessions", ZONE).document


def test_a_second_hangup_changes_nothing(emulate, command_line):
    """The shell and the kernel can both tell of it."""
    line = command_line(emulate(rate=500.0))
    with terminal(line, "--duration", "60s") as one:
        one.read_progress()
        one.capture.send_signal(signal.SIGHUP)
        time.sleep(0.05)  # two at once are one
        assert one.capture.poll() is None
        one.capture.send_signal(signal.SIGHUP)
        one.close()
        assert one.end() == 128 + signal.SIGHUP
    assert only_capture(line)["state"] == "interrupted"


def test_who_is_not_told_goes_on(emulate, command_line):
    """A capture that left its shell (``disown``) shows nothing more, and completes."""
    line = command_line(emulate(rate=500.0))
    with terminal(line, "--duration", "3s", is_owner=False) as one:
        one.read_progress()
        one.close()
        assert one.end() == 0
    assert only_capture(line)["state"] == "complete"


def test_nohup_means_it(emulate, command_line):
    """Where SIGHUP was ignored before the start it stays ignored."""
    line = command_line(emulate(rate=500.0))
    running = subprocess.Popen(
        ["nohup", PROGRAM, "capture", ZONE, "--duration", "4s"],
        cwd=line.directory,
        env=line.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: line.run("sessions", ZONE).document, DEADLINE_S, "its session")
    running.send_signal(signal.SIGHUP)
    assert running.wait(DEADLINE_S) == 0
    assert only_capture(line)["state"] == "complete"
