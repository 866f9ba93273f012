"""A faithful Instant Logs service for demos, tests and rehearsals."""

from __future__ import annotations

from instant_logs_plugin.emulator.config import EmulatorConfig
from instant_logs_plugin.emulator.faults import Fault, FaultKind, parse_fault
from instant_logs_plugin.emulator.requests import Asked, What
from instant_logs_plugin.emulator.server import Emulator, run_emulator, serve

__all__ = [
    "Asked",
    "Emulator",
    "EmulatorConfig",
    "Fault",
    "FaultKind",
    "What",
    "parse_fault",
    "run_emulator",
    "serve",
]
