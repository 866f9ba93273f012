"""The lines that are measured: the emulator's own traffic, rendered beforehand."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from random import Random

from instant_logs_plugin.edge.fields import PRESETS

__all__ = ["FIELDS", "read_lines"]

_START_S = 1_790_000_000.0
_PER_S = 2_000

_many = dict.fromkeys(
    name
    for preset in ("default", "performance", "security", "cache", "bots")
    for name in PRESETS[preset]
)

FIELDS: dict[int, tuple[str, ...]] = {
    10: tuple(PRESETS["default"]),
    42: tuple(_many)[:41],
}
"""Requested fields by the number of columns that a record has with its interval."""


def read_lines(columns: int, count: int) -> list[bytes]:
    """Return ``count`` records without newlines; rendered once per machine."""
    names = ",".join(FIELDS[columns])
    key = hashlib.sha256(f"{names} {count}".encode()).hexdigest()[:12]
    path = Path(tempfile.gettempdir()) / f"instant-logs-bench-{key}.ndjson"
    if not path.is_file():
        partial = path.with_suffix(f".{Random().getrandbits(32)}")
        partial.write_bytes(b"\n".join(_render(columns, count)))
        partial.rename(path)
    return path.read_bytes().split(b"\n")


def _render(columns: int, count: int) -> list[bytes]:
    # Not at the top: a capture that is measured has no web server in its memory.
    import orjson

    from instant_logs_plugin.emulator.rendering import compile_renders
    from instant_logs_plugin.emulator.scenarios import SCENARIOS
    from instant_logs_plugin.emulator.traffic import Traffic

    traffic, renders = Traffic(1, 1), compile_renders(FIELDS[columns])
    conditions = SCENARIOS["steady"](0.0)
    lines = []
    for index in range(count):
        request = traffic.draw(_START_S + index / _PER_S, conditions)
        values = {name: render(request) for name, render in renders}
        lines.append(orjson.dumps(values | {"sampleInterval": 1}))
    return lines
