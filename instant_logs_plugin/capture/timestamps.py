"""The service's times, in every documented form, to microseconds.

Pure. RFC 3339 with or without a fraction, unix seconds, or a finer unix count, as a
number or as digits (Cloudflare, *Logpush*, ``timestamps``: rfc3339, unix, unixnano).
Finer than a microsecond is cut off, not rounded.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

__all__ = ["parse_timestamp"]

_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,12}))?([Zz]|[+-]\d\d:\d\d)",
    re.ASCII,
)
_DIGITS = re.compile(r"-?\d{1,19}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# The unit is told by the magnitude: each bound is the year 5138 in that unit.
_SECONDS, _MILLISECONDS, _MICROSECONDS = 10**11, 10**14, 10**17


def parse_timestamp(text: str) -> int | None:
    """Return microseconds since the epoch, UTC, or None when the text is no time."""
    if match := _RFC3339.fullmatch(text):
        date, time, fraction, offset = match.groups()
        return _from_rfc3339(f"{date}T{time}", fraction or "", offset)
    if _DIGITS.fullmatch(text):
        return _from_unix(int(text))
    return None


def _from_rfc3339(text: str, fraction: str, offset: str) -> int | None:
    zone = "+00:00" if offset in "Zz" else offset
    try:
        at = datetime.fromisoformat(text + zone)
        seconds_us = (at - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        return None
    return seconds_us + int(fraction[:6].ljust(6, "0"))


def _from_unix(count: int) -> int:
    size = abs(count)
    if size < _SECONDS:
        return count * 10**6
    if size < _MILLISECONDS:
        return count * 10**3
    if size < _MICROSECONDS:
        return count
    return count // 10**3
