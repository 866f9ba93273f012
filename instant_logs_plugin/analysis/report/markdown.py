"""A report as Markdown: what fits a chat or an artifact.

Pure. Values are escaped for Markdown and for the HTML that it allows.
"""

from __future__ import annotations

from collections.abc import Iterator

from instant_logs_plugin.analysis.rendering import render_markdown
from instant_logs_plugin.analysis.report.model import Report
from instant_logs_plugin.analysis.tables.parts import readable_rows

__all__ = ["format_report"]

_MOST_ROWS = 10
_SECTIONS = ("status", "errors", "top_paths", "latency", "cache", "security")
_ESCAPES = str.maketrans({char: f"\\{char}" for char in "\\`*_[]|~#"} | {"<": "&lt;"})
_NOTHING = "Nothing of this kind was recorded.\n"


def format_report(report: Report) -> str:
    """Return the headline, what it stands on, and the most telling tables."""
    return "\n".join([*_head(report), *_sections(report)]).rstrip() + "\n"


def _head(report: Report) -> Iterator[str]:
    yield f"# {_text(report.title)}\n"
    yield f"{_text(report.period)}\n"
    for sentence in report.warnings:
        yield f"> {_text(sentence)}\n"
    for label, sentence in report.stands_on:
        yield f"- **{label}:** {_text(sentence)}"
    if report.compared:
        yield f"\n**Comparison: {report.compared.verdict}**\n"
        yield from (f"- {_text(reason)}" for reason in report.compared.reasons)
    rows = [
        {"Figure": figure.label, "Value": figure.cell.with_interval}
        for figure in report.figures
    ]
    yield f"\n{render_markdown(rows)}"


def _sections(report: Report) -> Iterator[str]:
    for section in report.sections:
        if section.name in _SECTIONS:
            yield f"## {section.title}\n"
            rows = readable_rows(section.blocks[0].table) if section.blocks else []
            yield render_markdown(rows[:_MOST_ROWS]) or _NOTHING
    for one in report.left_out:
        if one.name in _SECTIONS:
            yield f"*{one.title}: needs {_text(', '.join(one.fields))}*\n"


def _text(sentence: str) -> str:
    return sentence.translate(_ESCAPES)
