"""The command line in a process of its own, forked from one that has it loaded.

A fork server starts it in milliseconds, so that a test can kill many.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import sys
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from instant_logs_plugin.cli import main

__all__ = ["TIMEOUT_S", "end_command", "start_command"]

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


def start_command(
    *arguments: str, environment: Mapping[str, str], output: Path
) -> ForkServerProcess:
    """Start ``instant-logs`` with its output, both streams, in a file."""
    process = _context.Process(
        target=_run, args=(arguments, dict(environment), output), daemon=True
    )
    process.start()
    return process


def end_command(process: ForkServerProcess) -> int:
    """Wait for a process that was started; return its exit code, negative if killed."""
    process.join(TIMEOUT_S)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise TimeoutError("the command did not end")
    return process.exitcode


def _run(arguments: tuple[str, ...], environment: dict[str, str], output: Path) -> None:
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    sys.stdout, sys.stderr = (os.fdopen(n, "w", 1, closefd=False) for n in (1, 2))
    os.environ.update(environment)
    sys.argv = ["instant-logs", *arguments]
    main()
