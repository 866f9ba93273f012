"""What all charts of a report share: a plain look in the page's own colours.

Pure. Colours are CSS variables of the page, so that one drawing serves light and
dark. Titles and legends stand in the page, where they wrap and can be read aloud.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["AXIS", "Margins", "Row", "Spec", "fill", "spec"]

Row = Mapping[str, Any]
Spec = dict[str, Any]
Margins = tuple[int, int, int, int]
"""Top, right, bottom, left, px: fixed, so that charts above each other align."""

AXIS: Spec = {
    "domainColor": "var(--axis)",
    "gridColor": "var(--grid)",
    "labelColor": "var(--muted)",
    "labelFontSize": 12,
    "labelPadding": 6,
    "tickColor": "var(--axis)",
    "tickSize": 4,
    "title": None,
}
_CONFIG: Spec = {
    "background": None,
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": AXIS,
    "axisY": {"domain": False, "ticks": False},
    "axisX": {"grid": False},
    "legend": {"disable": True},
}


def spec(layers: Sequence[Spec], *, width: int, height: int, margins: Margins) -> Spec:
    """Return the specification of a chart; width and height with the margins, px."""
    top, right, bottom, left = margins
    return {
        "width": width - left - right,
        "height": height - top - bottom,
        "padding": {"top": top, "right": right, "bottom": bottom, "left": left},
        "autosize": "none",
        "config": _CONFIG,
        "layer": list(layers),
    }


def fill(tone: str) -> str:
    """Return the colour of a tone, as the page defines it."""
    return f"var(--fill-{tone})"
