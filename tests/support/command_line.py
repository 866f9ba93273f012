"""The installed command line, run as its users run it: in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from instant_logs_plugin.emulator import Emulator

__all__ = ["PROGRAM", "CommandLine", "Result", "emulator_environment"]

TIMEOUT_S = 100.0
PROGRAM = Path(sys.executable).with_name("instant-logs")


@dataclass(frozen=True)
class Result:
    """How a run ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        """Its stdout, which is JSON."""
        return json.loads(self.stdout)


@dataclass(frozen=True)
class CommandLine:
    """Runs ``instant-logs`` in a directory, with an environment of its own."""

    directory: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str, **environment: str) -> Result:
        """Run to the end; a run that hangs fails the test."""
        return self.end(self.start(*arguments, **environment))

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start and return the process."""
        inherited = {name: os.environ[name] for name in ("PATH", "HOME")}
        return subprocess.Popen(
            [PROGRAM, *arguments],
            cwd=self.directory,
            env={**inherited, **self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self, process: subprocess.Popen[str]) -> Result:
        """Wait for a process that was started."""
        try:
            stdout, stderr = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        return Result(process.returncode, stdout, stderr)


def emulator_environment(emulator: Emulator, token: str = "any") -> dict[str, str]:
    """Return the environment that points a process at an emulator."""
    return {
        "CLOUDFLARE_API_TOKEN": token,
        "CLOUDFLARE_BASE_URL": emulator.base_url,
    }
