"""What a session is sent, burst by burst: records after sampling and filter.

Pure: told the time. A feed draws the requests of the time since its last burst.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, Protocol

from instant_logs_plugin.edge.filter_tree import iter_conditions
from instant_logs_plugin.edge.filters import Filter, filter_matches
from instant_logs_plugin.emulator.config import EmulatorConfig
from instant_logs_plugin.emulator.registry import ServedSession
from instant_logs_plugin.emulator.scenarios import SCENARIOS
from instant_logs_plugin.emulator.traffic import Traffic, render_record

__all__ = ["Feed", "ReplayFeed", "ScenarioFeed", "open_feed"]

_REPLAY_CHUNK = 500


class Feed(Protocol):
    """Gives the lines of a burst."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        ...

    def burst(self, at: datetime, elapsed_s: float) -> list[str]:
        """Return the lines since the last burst.

        Args:
            at: Wall time of the requests.
            elapsed_s: Seconds since the emulator's start.
        """
        ...


def open_feed(
    config: EmulatorConfig,
    session: ServedSession,
    records: Sequence[dict[str, Any]] | None,
    *,
    elapsed_s: float,
) -> Feed:
    """Return the feed of a session that is opened now."""
    if records is not None:
        return ReplayFeed(config, session, records, opened_s=elapsed_s)
    return ScenarioFeed(config, session, opened_s=elapsed_s)


class ScenarioFeed:
    """Synthetic traffic; a session sees what happens while it is open."""

    def __init__(
        self, config: EmulatorConfig, session: ServedSession, *, opened_s: float
    ) -> None:
        self._config, self._session = config, session
        self._scenario = SCENARIOS[config.scenario]
        self._traffic = Traffic(config.seed + session.number)
        self._random = Random(config.seed)  # noqa: S311 - sampling, not secrets
        self._last_s = opened_s
        self._owed = 0.0
        self._drawn = 0

    @property
    def is_over(self) -> bool:
        """Whether the limit is reached."""
        limit = self._config.limit
        return limit is not None and self._drawn >= limit

    def burst(self, at: datetime, elapsed_s: float) -> list[str]:
        """Return the lines of the time since the last burst."""
        conditions = self._scenario(elapsed_s - self._config.onset_s)
        rate = self._config.rate * conditions.rate_factor
        interval = _interval(rate, self._config.max_rate)
        return [
            line
            for _ in range(self._due(rate, interval, elapsed_s))
            if (
                line := self._line(
                    self._traffic.draw(self._when(at), conditions), interval
                )
            )
        ]

    def _due(self, rate: float, interval: int, elapsed_s: float) -> int:
        """Return how many records are due; the rest of a fraction waits."""
        self._owed += rate / interval * (elapsed_s - self._last_s)
        self._last_s = elapsed_s
        due = int(self._owed)
        self._owed -= due
        if self._config.limit is not None:
            due = min(due, self._config.limit - self._drawn)
        self._drawn += due
        return due

    def _when(self, at: datetime) -> datetime:
        behind_s = self._config.delay_s + 2 * self._random.random()
        return at - timedelta(seconds=behind_s)

    def _line(self, request: Any, interval: int) -> str:
        session = self._session
        if session.sample > 1 and self._random.random() * session.sample >= 1:
            return ""
        if session.filter is not None:
            keys = [one.key for one in iter_conditions(session.filter)]
            if not filter_matches(session.filter, render_record(request, keys)):
                return ""
        return _format(render_record(request, session.fields), interval)


class ReplayFeed:
    """Recorded traffic from its first record on, at a rate or as fast as it is read."""

    def __init__(
        self,
        config: EmulatorConfig,
        session: ServedSession,
        records: Sequence[dict[str, Any]],
        *,
        opened_s: float,
    ) -> None:
        self._session, self._opened_s = session, opened_s
        self._rate = config.rate
        self._records = records[: config.limit]
        self._next = 0

    @property
    def is_over(self) -> bool:
        """Whether all was sent."""
        return self._next >= len(self._records)

    def burst(self, at: datetime, elapsed_s: float) -> list[str]:
        """Return the lines that are due, or the next few hundred without a rate."""
        del at  # recorded requests keep their own times
        end = self._next + _REPLAY_CHUNK
        if self._rate:
            end = int((elapsed_s - self._opened_s) * self._rate)
        due = self._records[self._next : end]
        self._next = max(self._next, min(end, len(self._records)))
        return list(_sampled(due, self._session, self._session.filter))


def _sampled(
    records: Sequence[dict[str, Any]], session: ServedSession, filter_: Filter | None
) -> Iterator[str]:
    """Yield every N-th record that passes: a replay is sampled without chance."""
    passing = (record for record in records if filter_matches(filter_, record))
    for index, record in enumerate(passing):
        if index % session.sample == 0:
            values = {name: record[name] for name in session.fields if name in record}
            yield _format(values, record.get("sampleInterval", 1))


def _interval(rate: float, max_rate: float | None) -> int:
    """Return the server's own sampling: 1 in how many."""
    return 1 if max_rate is None else max(1, math.ceil(rate / max_rate))


def _format(values: dict[str, Any], interval: int) -> str:
    record = {**values, "sampleInterval": interval}
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False)
