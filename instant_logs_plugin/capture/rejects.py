"""Rejects as they are stored: one JSON object per line that is no record.

Pure: values to text. ``line`` holds the raw line, or ``line_base64`` when it is
not UTF-8; ``received_at`` is ISO 8601 UTC.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from instant_logs_plugin.store.manifest import format_time

__all__ = ["Reject", "format_reject"]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Reject:
    """A line that is no valid record, verbatim.

    Attributes:
        reason: One word for why.
        received_at_us: When it arrived, microseconds since the epoch, UTC.
        line: Its bytes, without the newline.
    """

    reason: str
    received_at_us: int
    line: bytes


def format_reject(reject: Reject) -> bytes:
    """Return the reject as a line of NDJSON, newline included."""
    received_at = _EPOCH + timedelta(microseconds=reject.received_at_us)
    row = {
        "reason": reject.reason,
        "received_at": format_time(received_at),
        **_line(reject.line),
    }
    return json.dumps(row, ensure_ascii=False).encode() + b"\n"


def _line(line: bytes) -> dict[str, str]:
    try:
        return {"line": line.decode()}
    except UnicodeDecodeError:
        return {"line_base64": base64.b64encode(line).decode()}
