"""The two ways a report is written."""

from __future__ import annotations

from collections.abc import Sequence

from instant_logs_plugin.analysis.report.build import build_report
from instant_logs_plugin.analysis.report.gather import gather_material
from instant_logs_plugin.analysis.report.markdown import format_report
from instant_logs_plugin.analysis.report.page import render_page

__all__ = ["render_markdown_report", "render_report"]


def render_report(store_uri: str, captures: Sequence[str] = ()) -> str:
    """Return a report on captures as one self-contained HTML page.

    The same captures give the same text. The page makes no request, opens from disk,
    and shows values as text, whatever they hold.

    Args:
        store_uri: The store's directory.
        captures: Ids, unique prefixes, ``latest`` or ``latest:label=value``; none
            means the latest.

    Raises:
        CaptureNotFound: A name means no capture, or several.
        StoreError: A manifest cannot be read.
        QueryError: A summary cannot be run.
    """
    return render_page(build_report(gather_material(store_uri, captures)))


def render_markdown_report(store_uri: str, captures: Sequence[str] = ()) -> str:
    """Return the gist of a report as Markdown, for chats and Prefect artifacts.

    Arguments and errors are those of ``render_report``.
    """
    return format_report(build_report(gather_material(store_uri, captures)))
