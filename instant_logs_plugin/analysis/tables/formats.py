"""Values as people read them: numbers, shares, sizes, times, texts.

Pure. Counts are whole; what is continuous has three significant digits. Times are
UTC, which a page says once. Texts show control characters instead of obeying them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from instant_logs_plugin.analysis.rendering import printable
from instant_logs_plugin.analysis.tables.model import Kind

__all__ = [
    "as_utc",
    "format_bytes",
    "format_count",
    "format_number",
    "format_period",
    "format_range",
    "format_seconds",
    "format_share",
    "format_text",
    "format_time",
    "format_value",
    "plural",
]

_TEXT_LIMIT = 120
_THREE_DIGITS = 100
_LARGEST_OF_UNIT = 999.5  # what rounds to 1000 is written as 1 of the next
_TINY_SHARE = 0.0005
_ALMOST_A_MINUTE_S = 59.95  # rounds to 60 s


def format_value(kind: Kind, value: Any) -> str:
    """Return a value by what its column holds, never with control characters.

    One that is of another type than its query's header says, or no number, is shown
    as it is.
    """
    try:
        return _FORMATS[kind](value)
    except (ArithmeticError, AttributeError, TypeError, ValueError):
        return format_text(value)


def format_count(value: float) -> str:
    """Return a whole number with thousands apart: ``12,345``."""
    return f"{round(value):,}"


def format_number(value: float) -> str:
    """Return three significant digits, all of a large number: ``0.12``, ``1,234``."""
    if abs(value) >= _THREE_DIGITS:
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
        size /= 1000
        units.pop(0)
    digits = ".3g" if abs(size) < _LARGEST_OF_UNIT else ",.0f"
    return f"{size:{digits}} {units[0]}"


def format_seconds(value: float) -> str:
    """Return a span of time: ``88 ms``, ``4.2 s``, ``1 m 05 s``, ``2 h 03 m``."""
    if 0 < value < 1:
        return f"{value * 1000:.3g} ms"
    if value < _ALMOST_A_MINUTE_S:
        return f"{value:.3g} s"
    minutes, seconds = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes} m {seconds:02d} s"
    return f"{hours} h {minutes:02d} m"


def format_time(value: datetime) -> str:
    """Return a UTC time to the second: ``2026-03-01 12:00:00``; a naive one is UTC."""
    return f"{as_utc(value):%Y-%m-%d %H:%M:%S}"


def as_utc(value: datetime) -> datetime:
    """Return a time as aware UTC; DuckDB's ``timestamp`` is naive, and UTC here."""
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def format_period(start: datetime, end: datetime) -> str:
    """Return a span's limits and length, the date once when it is one day's."""
    first, last = start.astimezone(UTC), end.astimezone(UTC)
    until = f"{last:%H:%M:%S}" if first.date() == last.date() else format_time(last)
    length = format_seconds((end - start).total_seconds())
    return f"{format_time(first)} to {until} UTC ({length})"


def format_range(low: str, high: str) -> str:
    """Return two formatted values as a range, with the unit they share once."""
    value, _, unit = low.rpartition(" ")
    if value and high.endswith(f" {unit}"):
        low = value
    return f"{low}–{high}"  # noqa: RUF001 - the dash of a range


def format_text(value: object) -> str:
    """Return a text with control characters shown, cut where it is very long."""
    text = printable(value)
    if len(text) <= _TEXT_LIMIT:
        return text
    return f"{text[:_TEXT_LIMIT]}… ({len(text) - _TEXT_LIMIT:,} more characters)"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun: ``no gaps``, ``1 gap``, ``2 gaps``."""
    amount = "no" if count == 0 else f"{count:,}"
    return f"{amount} {noun}{'' if count == 1 else 's'}"


def _flag(value: object) -> str:
    return "yes" if value else "no"


def _texts(values: list[object]) -> str:
    return format_text(", ".join(map(printable, values)))


def _ms(value: float) -> str:
    return f"{format_number(value)} ms"


def _us(value: float) -> str:
    return _ms(value / 1000)


_FORMATS: dict[Kind, Callable[[Any], str]] = {
    Kind.TEXT: format_text,
    Kind.TEXTS: _texts,
    Kind.ID: format_text,
    Kind.FLAG: _flag,
    Kind.COUNT: format_count,
    Kind.NUMBER: format_number,
    Kind.SHARE: format_share,
    Kind.BYTES: format_bytes,
    Kind.MS: _ms,
    Kind.US: _us,
    Kind.SECONDS: format_seconds,
    Kind.RATE: format_number,
    Kind.TIME: format_time,
}
