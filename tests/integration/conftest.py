"""Fixtures: an emulator on loopback, and a command line pointed at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from instant_logs_plugin.emulator import Emulator, EmulatorConfig, run_emulator
from tests.support.command_line import CommandLine, emulator_environment

Emulate = Callable[..., Emulator]


@pytest.fixture
def emulate() -> Iterator[Emulate]:
    """Start emulators; they end with the test."""
    with ExitStack() as running:

        def start(**options: Any) -> Emulator:
            config = EmulatorConfig(**{"delay_s": 0.0, "tick_s": 0.02} | options)
            return running.enter_context(run_emulator(config))

        yield start


@pytest.fixture
def command_line(tmp_path: Path) -> Callable[[Emulator], CommandLine]:
    """Return the command line for an emulator, in an empty directory."""

    def point_at(emulator: Emulator, token: str = "any") -> CommandLine:
        # Tests of one zone id must not wait for each other's leases.
        directory = tmp_path / "work"
        directory.mkdir(exist_ok=True)
        lease = {"XDG_STATE_HOME": str(tmp_path)}
        return CommandLine(directory, emulator_environment(emulator, token) | lease)

    return point_at
