"""What a report is made of: captures and the answers about them.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from instant_logs_plugin.analysis.query_files import QueryFile
from instant_logs_plugin.analysis.report.episodes import Episode
from instant_logs_plugin.store.manifest import Manifest

__all__ = ["Answer", "Material"]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A query's answer; ``missing`` fields are why there are no rows."""

    query: QueryFile
    rows: tuple[dict[str, Any], ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Material:
    """What a report is made of.

    Attributes:
        manifests: The captures, oldest first.
        answers: Every summary's answer, by name.
        episodes: Stretches of time that are drawn, the newest, each on its own axis.
        episodes_left_out: How many older ones are not.
        timelines: The timeline's rows of each episode.
        problems: What was left out of the answers, one sentence each.
    """

    manifests: tuple[Manifest, ...]
    answers: dict[str, Answer]
    episodes: tuple[Episode, ...]
    timelines: tuple[tuple[dict[str, Any], ...], ...]
    problems: tuple[str, ...]
    episodes_left_out: int = 0

    @property
    def overview(self) -> dict[str, Any]:
        """The overview's one row."""
        return self.answers["overview"].rows[0]
