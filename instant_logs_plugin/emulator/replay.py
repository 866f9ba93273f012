"""Recorded traffic for the emulator: NDJSON records, or a combined access log."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from instant_logs_plugin.edge.fields import catalogue
from instant_logs_plugin.emulator.rendering import empty_value
from instant_logs_plugin.errors import InvalidOption

__all__ = ["parse_combined", "read_replay"]

# A line may be cut within its last field, and may have more behind it.
_COMBINED = re.compile(
    r'(?P<ip>\S+) \S+ \S+ \[(?P<time>[^\]]+)\] "(?P<request>(?:[^"\\]|\\.)*)" '
    r"(?P<status>\d{3}) (?P<bytes>\d+|-)"
    r'(?: "(?P<referer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*))?'
)
_HOST = "www.example.com"


def read_replay(path: Path) -> list[dict[str, Any]]:
    """Return the records of a file, in its order.

    Raises:
        InvalidOption: It cannot be read, is empty, or a line is neither a JSON object
            nor of a combined log.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            lines = file.read().split(b"\n")
    except (OSError, EOFError, zlib.error) as exc:
        allowed = f"a file that can be read ({exc})"
        raise InvalidOption("replay", str(path), allowed) from exc
    records = list(_iter_records(path, lines))
    if not records:
        raise InvalidOption("replay", str(path), "a file with at least one record")
    return records


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

    Fields that such a log does not have are empty, by their type.

    Args:
        line: The line.
        number: Its number, from 1; makes the RayID.
    """
    match = _COMBINED.match(line)
    time = match and _parse_time(match["time"])
    if match is None or time is None:
        return None
    method, uri, protocol = _parse_request(match["request"])
    size = 0 if match["bytes"] == "-" else int(match["bytes"])
    return _empty_record() | {
        "ClientIP": match["ip"],
        "ClientRequestHost": _HOST,
        "ClientRequestMethod": method,
        "ClientRequestPath": uri.partition("?")[0],
        "ClientRequestProtocol": protocol,
        "ClientRequestReferer": _given(match["referer"]),
        "ClientRequestURI": uri,
        "ClientRequestUserAgent": _given(match["agent"]),
        "EdgeEndTimestamp": time,
        "EdgeRequestHost": _HOST,
        "EdgeResponseBytes": size,
        "EdgeResponseStatus": int(match["status"]),
        "EdgeStartTimestamp": time,
        "RayID": f"{number:016x}",
    }


@cache
def _empty_record() -> dict[str, Any]:
    return {name: empty_value(field.type) for name, field in catalogue().items()}


def _parse_time(text: str) -> str | None:
    try:
        at = datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z").astimezone(UTC)
    except ValueError:
        return None
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _parse_request(request: str) -> tuple[str, str, str]:
    """Return method, URI and protocol; HTTP/0.9 has no protocol, rubbish no URI."""
    method, _, rest = request.partition(" ")
    uri, _, protocol = rest.rpartition(" ")
    if not protocol.startswith("HTTP/"):
        uri, protocol = rest, ""
    return method, uri, protocol


def _given(text: str | None) -> str:
    return "" if text in {None, "-"} else str(text)


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
