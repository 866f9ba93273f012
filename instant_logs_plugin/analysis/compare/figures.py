"""Figures as people read them: with their unit, and no more digits than they are worth.

Pure.
"""

from __future__ import annotations

__all__ = ["format_difference", "format_interval", "format_p", "format_value"]

_LEAST_P = 0.001
_LARGE = 1000


def format_value(value: float, unit: str) -> str:
    """Return a value: ``1.25%``, ``140 ms``, ``22,460 B``."""
    if unit == "%":
        return f"{value:.2%}"
    digits = ",.0f" if abs(value) >= _LARGE else ".3g"
    return f"{value:{digits}} {unit}".strip()


def format_difference(value: float, unit: str) -> str:
    """Return a difference with its sign; of shares in points, not percent of them."""
    size = abs(100 * value)
    if unit == "%":
        text, is_nothing = f"{size:.2f} pt", round(size, 2) == 0
    else:
        text, is_nothing = format_value(abs(value), unit), value == 0
    return f"{'-' if value < 0 and not is_nothing else '+'}{text}"


def format_interval(lower: float, upper: float, unit: str) -> str:
    """Return the ends of a difference's interval."""
    return f"{format_difference(lower, unit)} to {format_difference(upper, unit)}"


def format_p(p: float | None) -> str:
    """Return a probability; "" for None."""
    if p is None:
        return ""
    return f"< {_LEAST_P}" if p < _LEAST_P else f"{p:.3f}"
