"""Vega-Lite specifications drawn as SVG, on this machine, without a browser.

The one place that imports ``vl_convert``. The drawing is static: no script, no
reference to anywhere; colours are CSS variables of the page around it.
"""

from __future__ import annotations

import json
from typing import Any

import vl_convert

__all__ = ["draw_svg"]

_VEGA_LITE = "6.4"


def draw_svg(spec: dict[str, Any]) -> str:
    """Return the SVG element of a specification; the same one for the same input.

    The data is in the specification; nothing is loaded from anywhere.
    """
    svg: str = vl_convert.vegalite_to_svg(
        json.dumps(spec), vl_version=_VEGA_LITE, allowed_base_urls=[]
    )
    return svg
