"""A report as Markdown: what fits a chat or an artifact.

Pure. Values are escaped for Markdown and for the HTML it allows.
"""

from __future__ import annotations

from collections.abc import Iterator

from instant_logs_plugin.analysis.rendering import render_markdown
from instant_logs_plugin.analysis.report.model import Report, Table

__all__ = ["format_report"]

_MOST_ROWS = 10
_SECTIONS = ("status", "errors", "top_paths", "latency", "cache", "security")


def format_report(report: Report) -> str:
    """Return the headline, what it stands on, and the most telling tables."""
    return "\n".join([*_head(report), *_tables(report)]).rstrip() + "\n"


def _head(report: Report) -> Iterator[str]:
    yield f"# {report.title}\n"
    yield f"{report.period}\n"
    for sentence in report.warnings:
        yield f"> **{_text(sentence)}**\n"
    yield " ".join(map(_text, report.stands_on)) + "\n"
    rows = [
        {"": figure.label, "value": figure.cell.text, "range": figure.cell.interval}
        for figure in report.figures
    ]
    yield render_markdown(rows)


def _tables(report: Report) -> Iterator[str]:
    for section in report.sections:
        if section.name in _SECTIONS and section.table:
            yield f"## {section.title}\n"
            yield render_markdown(_rows(section.table))
    for one in report.left_out:
        if one.title in _SECTIONS:
            yield f"*{one.title}: not recorded: {', '.join(one.fields)}*\n"


def _rows(table: Table) -> list[dict[str, str]]:
    labels = [column.label for column in table.columns]
    return [
        dict(zip(labels, (cell.text for cell in row), strict=True))
        for row in table.rows[:_MOST_ROWS]
    ]


def _text(sentence: str) -> str:
    return sentence.replace("<", "&lt;")
