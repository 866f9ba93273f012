"""The two ways a report is written."""

from __future__ import annotations

from collections.abc import Sequence

from instant_logs_plugin.analysis.report.build import build_report
from instant_logs_plugin.analysis.report.gather import find_captures, gather_material
from instant_logs_plugin.analysis.report.markdown import format_report
from instant_logs_plugin.analysis.report.model import Report
from instant_logs_plugin.analysis.report.page import render_page

__all__ = ["render_markdown_report", "render_report"]

_SIDES = 2


def render_report(
    store_uri: str, captures: Sequence[str] = (), *, with_comparison: bool = True
) -> str:
    """Return a report on captures as one self-contained HTML page.

    The same captures give the same text. The page makes no request, opens from disk,
    and shows values as text, whatever they hold.

    Args:
        store_uri: The store's directory.
        captures: Ids, unique prefixes, ``latest`` or ``latest:label=value``; none
            means the latest.
        with_comparison: Whether exactly two captures are compared too: the first is
            the baseline, the second is judged.

    Raises:
        CaptureNotFound: A name means no capture, or several.
        StoreError: A manifest cannot be read.
        QueryError: A summary cannot be run.
    """
    return render_page(_report(store_uri, captures, with_comparison=with_comparison))


def render_markdown_report(
    store_uri: str, captures: Sequence[str] = (), *, with_comparison: bool = True
) -> str:
    """Return the gist of a report as Markdown, for chats and Prefect artifacts.

    Arguments and errors are those of ``render_report``.
    """
    return format_report(_report(store_uri, captures, with_comparison=with_comparison))


def _report(store_uri: str, names: Sequence[str], *, with_comparison: bool) -> Report:
    captures = find_captures(store_uri, names)
    material = gather_material(store_uri, captures)
    if not with_comparison or len(captures) != _SIDES:
        return build_report(material)
    from instant_logs_plugin.analysis.report.compared import compare_two

    baseline, candidate = (one.capture_id for one in captures)
    return build_report(material, compare_two(store_uri, baseline, candidate))
