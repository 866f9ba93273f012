"""Numbers, shares, sizes and times as people read them.

Pure. At most four significant digits where a value is an estimate of something
continuous; counts are whole. Times are UTC and say so once, at the top of a page.
"""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = [
    "format_bytes",
    "format_count",
    "format_number",
    "format_period",
    "format_seconds",
    "format_share",
    "format_time",
]

_THOUSAND, _HUNDRED = 1000, 100
_LARGEST_OF_UNIT = 999.5  # what rounds to 1000 is written as 1 of the next
_TINY_SHARE = 0.0005
_MINUTE_S, _HOUR_S = 60, 3600


def format_count(value: float) -> str:
    """Return a whole number with thousands apart: ``12,345``."""
    return f"{round(value):,}"


def format_number(value: float) -> str:
    """Return up to three or four significant digits: ``0.123``, ``12.3``, ``1,234``."""
    if abs(value) >= _HUNDRED:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def format_share(value: float) -> str:
    """Return a share of 0 to 1 in per cent: ``12.3%``; ``<0.1%`` is not nothing."""
    if 0 < value < _TINY_SHARE:
        return "<0.1%"
    if 1 - _TINY_SHARE < value < 1:
        return ">99.9%"
    digits = 0 if value in {0, 1} else 1
    return f"{value * 100:.{digits}f}%"


def format_bytes(value: float) -> str:
    """Return a size in steps of 1,000: ``1.23 MB``."""
    size, units = float(value), ["B", "kB", "MB", "GB", "TB", "PB"]
    while abs(size) >= _LARGEST_OF_UNIT and len(units) > 1:
        size /= _THOUSAND
        units.pop(0)
    return f"{size:,.3g} {units[0]}"


def format_seconds(value: float) -> str:
    """Return a span of time: ``0.25 s``, ``1 m 05 s``, ``2 h 03 m``."""
    if value < _MINUTE_S:
        return f"{value:.3g} s"
    minutes, seconds = divmod(round(value), 60)
    if value < _HOUR_S:
        return f"{minutes} m {seconds:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} m"


def format_time(value: datetime) -> str:
    """Return a UTC time to the second: ``2026-03-01 12:00:00``."""
    utc = value.astimezone(UTC)
    return f"{utc:%Y-%m-%d %H:%M:%S}"


def format_period(start: datetime, end: datetime) -> str:
    """Return a span's limits and length, the date once when it is one day's."""
    first, last = start.astimezone(UTC), end.astimezone(UTC)
    until = f"{last:%H:%M:%S}" if first.date() == last.date() else format_time(last)
    length = format_seconds((end - start).total_seconds())
    return f"{format_time(first)} to {until} UTC, {length}"
