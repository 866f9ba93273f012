"""The command line in a process of its own, forked from one that has it loaded.

A fork server starts it in milliseconds, so that a test can kill many, several at once.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import sys
import threading
from collections.abc import Mapping
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from instant_logs_plugin.cli import main

__all__ = ["TIMEOUT_S", "Command", "end_command", "start_command"]

TIMEOUT_S = 60.0

_LOADED_ONCE = (
    "anyio._backends._asyncio",
    "certifi",
    "duckdb",
    "h11",
    "httpcore",
    "instant_logs_plugin.capture.record",
    "instant_logs_plugin.commands.progress",
    "instant_logs_plugin.edge.client",
    "instant_logs_plugin.edge.filters",
    "pyarrow.parquet",
    "pydantic.type_adapter",
    "zoneinfo",
)
for _name in _LOADED_ONCE:
    importlib.import_module(_name)

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__])


# Starting a process asks all others for their exit codes, each of which can be read
# once: another thread that asks at that moment is told 255.
_guard = threading.Lock()


class Command:
    """A command in a process of its own.

    Attributes:
        pid: The process's id.
    """

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        with _guard:
            process.start()
        assert process.pid is not None
        self.pid: int = process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return not self.wait(0)

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end, not longer than that; tell whether it came."""
        return bool(wait([self._process.sentinel], timeout_s))

    def kill(self) -> None:
        """Kill the process, if it has not ended."""
        if self.is_running:
            self._process.kill()

    def exit_code(self) -> int:
        """Return the exit code of a process that has ended, negative if killed."""
        with _guard:
            self._process.join()
        assert self._process.exitcode is not None
        return self._process.exitcode


def start_command(
    *arguments: str, environment: Mapping[str, str], output: Path
) -> Command:
    """Start ``instant-logs`` with its output, both streams, in a file."""
    process = _context.Process(
        target=_run, args=(arguments, dict(environment), output), daemon=True
    )
    return Command(process)


def end_command(command: Command) -> int:
    """Wait for a command's end; return its exit code, negative if it was killed."""
    if not command.wait(TIMEOUT_S):
        command.kill()
        command.exit_code()
        raise TimeoutError("the command did not end")
    return command.exit_code()


def _run(arguments: tuple[str, ...], environment: dict[str, str], output: Path) -> None:
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    sys.stdout, sys.stderr = (os.fdopen(n, "w", 1, closefd=False) for n in (1, 2))
    os.environ.update(environment)
    sys.argv = ["instant-logs", *arguments]
    main()
