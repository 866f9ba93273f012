"""What a report shows: values that templates and Markdown lay out.

Pure. Texts are as recorded, with control characters shown; whoever lays them out
escapes them for its own language. Times are UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from instant_logs_plugin.analysis.tables.model import Cell, Table

__all__ = [
    "Block",
    "CaptureFacts",
    "Chart",
    "Compared",
    "Figure",
    "LeftOut",
    "Report",
    "Section",
    "Swatch",
]


@dataclass(frozen=True, kw_only=True)
class Swatch:
    """A colour of a chart and what it stands for; ``tone`` is a CSS class."""

    tone: str
    label: str


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart to be drawn.

    Attributes:
        title: What it shows.
        summary: What is seen in it, for those who do not see it.
        specs: Vega-Lite specifications of the same chart, the widest first.
        legend: Its colours, where one needs telling.
    """

    title: str
    summary: str
    specs: tuple[dict[str, Any], ...]
    legend: tuple[Swatch, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Block:
    """A part of a section: a table, and a chart drawn from it where one helps.

    Attributes:
        is_folded: The table is shown on request only.
    """

    table: Table
    title: str = ""
    chart: Chart | None = None
    is_folded: bool = False


@dataclass(frozen=True, kw_only=True)
class Section:
    """A summary's answer.

    Attributes:
        question: What it answers.
        caveats: What limits it.
        charts: Charts over time, by what they show; each stretch of time has one.
        blocks: Its parts.
    """

    name: str
    title: str
    question: str
    caveats: tuple[str, ...] = ()
    charts: tuple[tuple[Chart, ...], ...] = ()
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure that stands on top; ``tone`` is a CSS class."""

    label: str
    cell: Cell
    tone: str = ""


@dataclass(frozen=True, kw_only=True)
class CaptureFacts:
    """What is told of a capture.

    Attributes:
        facts: Label and text, in order.
        fields: Names of the fields that were asked for, in words.
        gaps: Start, length and reason of each.
    """

    capture_id: str
    state: str
    facts: tuple[tuple[str, str], ...]
    fields: str
    gaps: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Two captures compared.

    Attributes:
        verdict: ``pass``, ``fail`` or ``inconclusive``.
        baseline: What was there before, in words.
        candidate: What is judged, in words.
        reasons: Why the verdict is so, one sentence each.
        notes: What to keep in mind, one sentence each.
        blocks: Metrics first, then the paths to look at.
    """

    verdict: str
    baseline: str
    candidate: str
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A summary that has no answer here, and the fields that would give it one."""

    name: str
    title: str
    fields: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Report:
    """A whole report.

    Attributes:
        zones: Ids of the zones that the captures are of.
        stands_on: What the figures stand on, as label and sentence, in order.
        warnings: Sentences on what weakens them; empty when nothing does.
        compared: The verdict on two captures; None for one, for many, or unasked.
    """

    zones: tuple[str, ...]
    period: str
    stands_on: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    figures: tuple[Figure, ...]
    captures: tuple[CaptureFacts, ...]
    sections: tuple[Section, ...]
    left_out: tuple[LeftOut, ...]
    compared: Compared | None = None

    @property
    def title(self) -> str:
        """What the report is of, in words."""
        return f"{'Zone' if len(self.zones) == 1 else 'Zones'} {', '.join(self.zones)}"
