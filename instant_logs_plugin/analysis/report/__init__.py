"""A report on captures: one HTML page for people, or Markdown for chats."""

from instant_logs_plugin.analysis.report.render import (
    render_markdown_report,
    render_report,
)

__all__ = ["render_markdown_report", "render_report"]
