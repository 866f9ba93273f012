"""What a report shows: values that templates and Markdown lay out.

Pure. Texts are as recorded, with control characters shown; whoever lays them out
escapes them for its own language. Times are UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = [
    "CaptureFacts",
    "Cell",
    "Chart",
    "Column",
    "Figure",
    "Kind",
    "LeftOut",
    "Report",
    "Section",
    "Table",
]


class Kind(StrEnum):
    """What a column holds, which decides how its values are written."""

    TEXT = "text"
    TEXTS = "texts"
    FLAG = "flag"
    COUNT = "count"
    NUMBER = "number"
    SHARE = "share"
    BYTES = "bytes"
    MS = "ms"
    SECONDS = "seconds"
    RATE = "rate"
    TIME = "time"

    @property
    def is_numeric(self) -> bool:
        """Whether values are compared by size and stand at the right."""
        return self not in {Kind.TEXT, Kind.TEXTS, Kind.FLAG, Kind.TIME}


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table; ``about`` says what it means, ``name`` is the query's."""

    name: str
    label: str
    about: str
    kind: Kind


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A value as text.

    Attributes:
        text: For reading; ``""`` when nothing is known.
        interval: The estimate's confidence interval as text, or ``""``.
        order: What the column is sorted by; None sorts last.
    """

    text: str
    interval: str = ""
    order: str | float | None = None


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows under columns; the first column names the row."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart to be drawn.

    Attributes:
        title: What it shows.
        summary: What is seen in it, for those who do not see it.
        specs: Vega-Lite specifications of the same chart, the widest first.
        has_gaps: Whether spans without a stream are hatched in it.
    """

    title: str
    summary: str
    specs: tuple[dict[str, Any], ...]
    has_gaps: bool = False


@dataclass(frozen=True, kw_only=True)
class Section:
    """A summary's answer: question, charts, table, what limits it."""

    name: str
    title: str
    question: str
    caveats: str = ""
    charts: tuple[Chart, ...] = ()
    table: Table | None = None


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure that stands on top, with what it means; ``tone`` is a CSS class."""

    label: str
    cell: Cell
    about: str
    tone: str = ""


@dataclass(frozen=True, kw_only=True)
class CaptureFacts:
    """What is told of a capture, as label and text, in order."""

    capture_id: str
    state: str
    facts: tuple[tuple[str, str], ...]
    gaps: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A summary that has no answer here, and the fields that would give it one."""

    title: str
    fields: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Report:
    """A whole report.

    Attributes:
        stands_on: Sentences on what the figures stand on: records, sampling, coverage.
        warnings: Sentences on what weakens them; empty when nothing does.
    """

    title: str
    period: str
    stands_on: tuple[str, ...]
    warnings: tuple[str, ...]
    figures: tuple[Figure, ...]
    captures: tuple[CaptureFacts, ...]
    sections: tuple[Section, ...]
    left_out: tuple[LeftOut, ...]
