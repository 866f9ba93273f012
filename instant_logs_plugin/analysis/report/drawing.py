"""Vega-Lite specifications drawn as SVG, on this machine, without a browser.

The one place that imports ``vl_convert``. The drawing is static: no script, no
reference to anywhere; colours are CSS variables of the page around it.
"""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree as ET

import vl_convert

__all__ = ["draw_svg"]

_VEGA_LITE = "6.4"
_SVG = "http://www.w3.org/2000/svg"
# The page shows a drawing as one image with one description: what Vega adds for
# readers aloud is never read, but for the labels of marks, shown under the pointer.
_UNUSED = ("aria-hidden", "aria-roledescription", "class", "pointer-events", "role")
_DEFAULTS = {"opacity": "1"}
_PLACES = ("d", "transform", "x2", "y2")
_FRACTION = re.compile(r"(\.\d\d)\d+")


def draw_svg(spec: dict[str, Any]) -> str:
    """Return the SVG element of a specification; the same one for the same input.

    The data is in the specification; nothing is loaded from anywhere.
    """
    svg = vl_convert.vegalite_to_svg(
        json.dumps(spec), vl_version=_VEGA_LITE, allowed_base_urls=[]
    )
    root = ET.fromstring(svg)  # noqa: S314 - drawn a line above
    for element in root.iter():
        _compact(element)
    ET.register_namespace("", _SVG)
    return ET.tostring(root, encoding="unicode")


def _compact(element: ET.Element) -> None:
    """Leave out what changes nothing: most of a drawing's size."""
    attributes = element.attrib
    for name in _UNUSED:
        attributes.pop(name, None)
    for name, value in _DEFAULTS.items():
        if attributes.get(name) == value:
            del attributes[name]
    if element.tag == f"{{{_SVG}}}g":
        attributes.pop("aria-label", None)
    for name in _PLACES:
        if name in attributes:
            attributes[name] = _FRACTION.sub(r"\1", attributes[name])
