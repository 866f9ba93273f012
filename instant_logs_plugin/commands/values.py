"""Option values as people write them: durations, sizes, labels.

Pure: text to values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction
from typing import TypeVar

from instant_logs_plugin.errors import InvalidOption

__all__ = [
    "format_bytes",
    "format_duration",
    "parse_bytes",
    "parse_choice",
    "parse_duration",
    "parse_labels",
]

Choice = TypeVar("Choice", bound=StrEnum)

# No more digits than a float or an int of the units below holds exactly enough.
_NUMBER = re.compile(r"\s*([0-9]{1,15}(?:\.[0-9]{1,15})?)\s*([A-Za-z]*)\s*")
_SECONDS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}
# What rounds to one decimal of the next unit belongs to it: never "1000.0 kB".
_SI_STEP, _MINUTE_S = 999.95, 59.95


def parse_duration(option: str, text: str) -> float:
    """Return seconds: ``250ms``, ``60s``, ``10m``, ``1.5h``, ``2d``, or bare seconds.

    Raises:
        InvalidOption: The text is none of these.
    """
    match = _NUMBER.fullmatch(text)
    unit = match[2].lower() if match else None
    if match is None or unit not in _SECONDS:
        raise InvalidOption(option, text, "a duration like 60s, 10m or 1h")
    return float(match[1]) * _SECONDS[unit]


def parse_bytes(option: str, text: str) -> int:
    """Return bytes: ``100MB`` (10⁶), ``64MiB`` (2²⁰), or bare bytes.

    Raises:
        InvalidOption: The text is none of these.
    """
    match = _NUMBER.fullmatch(text)
    unit = match[2].lower() if match else None
    if match is None or unit not in _BYTES:
        raise InvalidOption(option, text, "a size like 100MB or 64MiB")
    return int(Fraction(match[1]) * _BYTES[unit])


def parse_labels(texts: Sequence[str]) -> dict[str, str]:
    """Return the labels of repeated ``key=value`` options; the last one wins.

    Raises:
        InvalidOption: One has no ``=``.
    """
    labels = {}
    for text in texts:
        key, separator, value = text.partition("=")
        if not separator:
            raise InvalidOption("--label", text, "key=value")
        labels[key] = value
    return labels


def parse_choice(option: str, text: str, choices: type[Choice]) -> Choice:
    """Return the member of an enumeration that a text names.

    Raises:
        InvalidOption: It names none.
    """
    try:
        return choices(text)
    except ValueError:
        allowed = " or ".join(member.value for member in choices)
        raise InvalidOption(option, text, allowed) from None


def format_bytes(count: float) -> str:
    """Return a size for people: ``1.2 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < _SI_STEP:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def format_duration(seconds: float) -> str:
    """Return a time for people: ``4.2 s``, ``1 m 05 s``, ``2 h 03 m``."""
    if seconds < _MINUTE_S:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"{minutes} m {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} m"
