"""Names of everything in a store: the promise to other engines (design §6).

Pure: builds and checks names; touches nothing. All paths are relative to the
store's root and use ``/``.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from instant_logs_plugin.errors import InvalidOption

__all__ = [
    "MANIFESTS",
    "REJECTS",
    "REPORTS",
    "REQUESTS",
    "capture_id_at",
    "check_capture_id",
    "check_zone_id",
    "is_segment_path",
    "manifest_path",
    "rejects_path",
    "report_path",
    "segment_path",
]

REQUESTS = "requests"
REJECTS = "rejects"
MANIFESTS = "manifests"
REPORTS = "reports"

_ZONE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CAPTURE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_SEGMENT_PATH = re.compile(
    r"requests/zone_id=[A-Za-z0-9_-]+/date=[0-9]{4}-[0-9]{2}-[0-9]{2}/"
    r"[A-Za-z0-9_-]+\.parquet"
)


def capture_id_at(started_at: datetime, token: str) -> str:
    """Return an id that sorts by start time and holds no secret.

    Args:
        started_at: Aware time of the capture's start; millisecond resolution.
        token: Letters and digits that keep two captures of one instant apart.

    Returns:
        For example ``20261123T235109123Z-4f2a9c1e``.
    """
    utc = started_at.astimezone(UTC)
    return f"{utc:%Y%m%dT%H%M%S}{utc.microsecond // 1000:03d}Z-{token}"


def check_zone_id(zone_id: str) -> str:
    """Return ``zone_id`` if it can stand in a path and a URL.

    Raises:
        InvalidOption: It holds anything but letters, digits, ``-`` and ``_``.
    """
    if not _ZONE_ID.fullmatch(zone_id):
        raise InvalidOption("zone", zone_id, "1 to 64 letters, digits, '-' or '_'")
    return zone_id


def check_capture_id(capture_id: str) -> str:
    """Return ``capture_id`` if it can stand in a path.

    Raises:
        InvalidOption: It holds anything but letters, digits, ``-`` and ``_``.
    """
    if not _CAPTURE_ID.fullmatch(capture_id):
        allowed = "1 to 128 letters, digits, '-' or '_'"
        raise InvalidOption("capture id", capture_id, allowed)
    return capture_id


def segment_path(
    *, zone_id: str, capture_id: str, started_at: datetime, sequence: int
) -> str:
    """Return a segment's path; the date is the UTC date of the capture's start."""
    date = f"{started_at.astimezone(UTC):%Y-%m-%d}"
    name = f"{check_capture_id(capture_id)}-{sequence:05d}.parquet"
    return f"{REQUESTS}/zone_id={check_zone_id(zone_id)}/date={date}/{name}"


def is_segment_path(path: str) -> bool:
    """Tell whether a path could be a segment's: nothing else is read as one."""
    return _SEGMENT_PATH.fullmatch(path) is not None


def rejects_path(capture_id: str) -> str:
    """Return the path of a capture's rejects; absent when there are none."""
    return f"{REJECTS}/{check_capture_id(capture_id)}.ndjson"


def manifest_path(capture_id: str) -> str:
    """Return the path of a capture's manifest."""
    return f"{MANIFESTS}/{check_capture_id(capture_id)}.json"


def report_path(capture_id: str) -> str:
    """Return the path of a capture's report; absent where none was asked for."""
    return f"{REPORTS}/{check_capture_id(capture_id)}.html"
