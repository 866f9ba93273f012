"""The demo ends in order when it is told to, at any of its stages."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.command_line import PROGRAM
from tests.support.server_process import wait_for

START_S = 120.0


def servers(home: Path) -> list[int]:
    """Return the process ids of the Prefect servers whose home that is."""
    wanted = f"PREFECT_HOME={home / 'prefect'}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            environment = (process / "environ").read_bytes()
        except OSError:  # it has ended
            continue
        if b"uvicorn" in command and wanted in environment.split(b"\0"):
            found.append(int(process.name))
    return found


def is_recording(home: Path) -> bool:
    return any((home / "captures/.journal").glob("*/capture.json"))


@pytest.mark.parametrize("has_begun", [servers, is_recording])
def test_sigterm_ends_the_demo_and_its_server(
    has_begun: Callable[[Path], object], tmp_path: Path
):
    """While its Prefect server starts, and while it records."""
    output = tmp_path / "output"
    with output.open("wb") as sink:
        process = subprocess.Popen(
            [PROGRAM, "demo", "--duration", "60s", "--directory", tmp_path / "demo"],
            env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
            stdout=sink,
            stderr=sink,
        )
    try:
        wait_for(lambda: has_begun(tmp_path / "demo"), START_S, "the stage")
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM
    finally:
        process.kill()
        left = servers(tmp_path / "demo")
        for one in left:
            os.kill(one, signal.SIGKILL)
    assert not left
    assert "Traceback" not in output.read_text()
