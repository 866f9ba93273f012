"""The real access log, read without any of our code: the truth replays must meet."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

__all__ = ["LOG", "LogFigures", "needs_log", "read_log_figures"]

LOG = Path(__file__).parents[3] / "shared" / "data" / "access.log.gz"

needs_log = pytest.mark.skipif(not LOG.is_file(), reason=f"{LOG} is not here")

_LINE = re.compile(
    r'"(?P<method>[A-Z]+) (?P<uri>\S+) .*?" (?P<status>\d+) (?P<size>\S+)'
)


@dataclass(frozen=True)
class LogFigures:
    """Counts of requests, and the sum of bytes sent."""

    total: int
    statuses: Counter[int]
    methods: Counter[str]
    paths: Counter[str]
    bytes: int


def read_log_figures(path: Path = LOG) -> LogFigures:
    """Count straight from the log's lines."""
    statuses: Counter[int] = Counter()
    methods: Counter[str] = Counter()
    paths: Counter[str] = Counter()
    size = total = 0
    with gzip.open(path, "rt", encoding="utf-8", errors="replace", newline="\n") as log:
        for line in log:
            match = _LINE.search(line)
            assert match is not None, line
            total += 1
            statuses[int(match["status"])] += 1
            methods[match["method"]] += 1
            paths[match["uri"].partition("?")[0]] += 1
            size += 0 if match["size"] == "-" else int(match["size"])
    return LogFigures(total, statuses, methods, paths, size)
