"""Start-up cost: what is heavy loads with the verb or the block that needs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"duckdb", "httpx", "prefect", "pyarrow", "websockets", "fastapi", "numpy"}
# `heavy` comes as an argument; what was imported goes to stderr, behind the help.
PROBE = """
import json, sys
heavy, sys.argv = json.loads(sys.argv[1]), ["instant-logs", *sys.argv[2:]]
{code}
print(json.dumps(sorted(set(heavy) & set(sys.modules))), file=sys.stderr)
"""
HELP = """
from instant_logs_plugin.cli import main
try:
    main()
except SystemExit as exc:
    assert not exc.code, exc.code
"""


def imported_by(code: str, heavy: set[str], *arguments: str) -> list[str]:
    """Return which of the heavy modules a new process imports for a piece of code."""
    result = subprocess.run(
        [
            sys.executable,
            "-c",
            PROBE.format(code=code),
            json.dumps(sorted(heavy)),
            *arguments,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    found: list[str] = json.loads(result.stderr.splitlines()[-1])
    return found


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["capture", "--help"],
        ["captures", "verify", "--help"],
        ["query", "--help"],
        ["emulate", "--help"],
        ["demo", "--help"],
        ["report", "--help"],
        ["fields", "minimal", "--format", "json"],
        ["filter", "EdgeResponseStatus >= 500"],
    ],
    ids=" ".join,
)
def test_the_command_line_starts_light(arguments: list[str]) -> None:
    """Help, the catalogue and a filter need neither engine, network nor Prefect."""
    assert imported_by(HELP, HEAVY, *arguments) == []


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import instant_logs_plugin", HEAVY),
        ("import instant_logs_plugin.cli", HEAVY),
        ("import instant_logs_plugin.settings", HEAVY),
        ("import instant_logs_plugin.errors", HEAVY | {"typer", "asyncio"}),
        ("import instant_logs_plugin.store.manifest", HEAVY | {"asyncio"}),
        # A server that registers the blocks answers no question about captures.
        ("import instant_logs_plugin.prefect", {"duckdb", "pyarrow"}),
        ("from instant_logs_plugin.prefect import CaptureStore", {"duckdb", "pyarrow"}),
        ("import instant_logs_plugin.store.catalog", {"duckdb", "prefect", "httpx"}),
        ("import instant_logs_plugin.capture.record", {"prefect", "fastapi"}),
        ("import instant_logs_plugin.analysis.database", {"prefect", "httpx"}),
    ],
)
def test_modules_import_only_what_they_are_for(code: str, heavy: set[str]) -> None:
    """Each layer by itself, in a process that has imported nothing yet."""
    assert imported_by(code, heavy) == []


COUNT_THREADS = """
import os, sys
from instant_logs_plugin.cli import main
sys.argv = ["instant-logs", "captures", "list"]
try:
    main()
finally:
    assert "numpy" in sys.modules
    print(len(os.listdir("/proc/self/task")), file=sys.stderr)
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no /proc here")
def test_the_command_line_starts_no_threads_of_linear_algebra(tmp_path: Path) -> None:
    """NumPy would start one a core, which spin for a while before they rest."""

    def threads(**environment: str) -> int:
        result = subprocess.run(
            [sys.executable, "-c", COUNT_THREADS],
            env={"INSTANT_LOGS_STORE": str(tmp_path), **environment},
            capture_output=True,
            text=True,
            check=True,
        )
        return int(result.stderr.splitlines()[-1])

    assert threads() == threads(OPENBLAS_NUM_THREADS="1")
