"""A report as one HTML page: templates, style, script and drawings in one text.

Every value passes through Jinja's escaping; only our own style, script and the
drawings do not. A content security policy names the script and the style by their
hashes and allows no request: what slipped through could neither run nor call out.
"""

from __future__ import annotations

import base64
import hashlib
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from instant_logs_plugin.analysis.report.drawing import draw_svg
from instant_logs_plugin.analysis.report.model import Chart, Report

__all__ = ["render_page"]

_PACKAGE = "instant_logs_plugin.analysis.report"
_WIDTHS = ("wide", "middle", "narrow")


def render_page(report: Report) -> str:
    """Return the page: it needs nothing else, and asks nothing of anywhere."""
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["drawings"] = _drawings
    environment.globals["zip"] = zip
    style, script = _resource("report.css"), _resource("report.js")
    return environment.get_template("report.html.jinja").render(
        report=report,
        style=style,
        script=script,
        policy=_policy(style=style, script=script),
    )


def _drawings(chart: Chart) -> list[tuple[str, Markup]]:
    """Return a chart's drawings, each with the class that says when it is shown."""
    shown = _WIDTHS if len(chart.specs) > 1 else ("only",)
    return [
        (name, Markup(draw_svg(one)))  # noqa: S704 - the library escapes its texts
        for name, one in zip(shown, chart.specs, strict=True)
    ]


def _resource(name: str) -> Markup:
    path = resources.files(_PACKAGE) / "templates" / name
    return Markup(path.read_text("utf-8"))  # noqa: S704 - a file of this package


def _policy(*, style: str, script: str) -> str:
    return (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
