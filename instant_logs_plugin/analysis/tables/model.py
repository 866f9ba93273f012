"""What a table shows: columns under labels, and values as texts.

Pure. Texts are as recorded, with control characters shown; whoever lays them out
escapes them for its own language. Times are UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Cell", "Column", "Kind", "Table"]

_MOST_BESIDE_A_CHART = 11
_MOST_IN_A_LINE = 9


class Kind(StrEnum):
    """What a column holds, which decides how its values are written."""

    TEXT = "text"
    TEXTS = "texts"
    FLAG = "flag"
    ID = "id"
    COUNT = "count"
    NUMBER = "number"
    SHARE = "share"
    BYTES = "bytes"
    MS = "ms"
    US = "us"
    SECONDS = "seconds"
    RATE = "rate"
    TIME = "time"

    @property
    def is_measure(self) -> bool:
        """Whether values are amounts, which stand at the right; ids are none."""
        return self not in {Kind.TEXT, Kind.TEXTS, Kind.FLAG, Kind.TIME, Kind.ID}


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table; ``about`` says what it means, ``name`` is the query's."""

    name: str
    label: str
    about: str
    kind: Kind

    @property
    def heading(self) -> str:
        """The label, with the time zone where nothing else says it."""
        return f"{self.label} (UTC)" if self.kind is Kind.TIME else self.label


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A value as text.

    Attributes:
        text: For reading; ``""`` when nothing is known.
        interval: The estimate's confidence interval as text, or ``""``.
        order: What the column is sorted by; None sorts last.
        tone: A CSS class where the value is to stand out, or ``""``.
    """

    text: str
    interval: str = ""
    order: str | float | None = None
    tone: str = ""

    @property
    def with_interval(self) -> str:
        """The value, and its interval in parentheses when it has one."""
        return f"{self.text} ({self.interval})" if self.interval else self.text


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows under columns; the first column names the row.

    Attributes:
        rows_left_out: How many rows of the answer are not among them.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    rows_left_out: int = 0

    @property
    def is_upright(self) -> bool:
        """Whether its one row is read down, a label and a value per line."""
        return len(self.rows) == 1 and len(self.columns) > _MOST_IN_A_LINE

    @property
    def is_wide(self) -> bool:
        """Whether it needs a page's whole width; intervals make columns wide."""
        with_intervals = sum(
            any(row[index].interval for row in self.rows)
            for index in range(len(self.columns))
        )
        return len(self.columns) + with_intervals > _MOST_BESIDE_A_CHART
