"""Recorded traffic for the emulator: NDJSON records, or a combined access log."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from instant_logs_plugin.errors import InvalidOption

__all__ = ["parse_combined", "read_replay"]

_COMBINED = re.compile(
    r'(?P<ip>\S+) \S+ \S+ \[(?P<time>[^\]]+)\] "(?P<request>(?:[^"\\]|\\.)*)" '
    r"(?P<status>\d{3}) (?P<bytes>\d+|-)"
    r'(?: "(?P<referer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)")?'
)


def read_replay(path: Path) -> list[dict[str, Any]]:
    """Return the records of a file, in its order.

    Raises:
        InvalidOption: A line is neither a JSON object nor of a combined log.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        lines = file.read().split(b"\n")
    return list(_iter_records(path, lines))


def _iter_records(path: Path, lines: list[bytes]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        text = line.decode("utf-8", "replace")
        record = _object(text) if text.startswith("{") else parse_combined(text, number)
        if record is None:
            allowed = f"NDJSON or a combined access log (line {number} is neither)"
            raise InvalidOption("replay", str(path), allowed)
        yield record


def parse_combined(line: str, number: int) -> dict[str, Any] | None:
    """Return a record of a line of a combined access log, or None.

    Args:
        line: The line.
        number: Its number, from 1; makes the RayID.
    """
    match = _COMBINED.match(line)
    if match is None:
        return None
    method, _, rest = match["request"].partition(" ")
    uri, _, protocol = rest.rpartition(" ")
    at = datetime.strptime(match["time"], "%d/%b/%Y:%H:%M:%S %z").astimezone(UTC)
    time = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "ClientIP": match["ip"],
        "ClientRequestHost": "www.example.com",
        "ClientRequestMethod": method,
        "ClientRequestPath": uri.partition("?")[0],
        "ClientRequestProtocol": protocol,
        "ClientRequestReferer": match["referer"] or "",
        "ClientRequestURI": uri,
        "ClientRequestUserAgent": match["agent"] or "",
        "EdgeEndTimestamp": time,
        "EdgeResponseBytes": 0 if match["bytes"] == "-" else int(match["bytes"]),
        "EdgeResponseStatus": int(match["status"]),
        "EdgeStartTimestamp": time,
        "RayID": f"{number:016x}",
    }


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
