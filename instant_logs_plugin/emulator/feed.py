"""What a session is sent: the requests that are due, after sampling and filter.

Pure: told the time. A feed owes the requests of the time that went by; they are taken
from it in chunks, so that no flood holds the event loop.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Protocol

import orjson

from instant_logs_plugin.edge.filter_tree import iter_conditions
from instant_logs_plugin.edge.filters import filter_matches
from instant_logs_plugin.emulator.config import EmulatorConfig
from instant_logs_plugin.emulator.registry import ServedSession
from instant_logs_plugin.emulator.rendering import compile_renders
from instant_logs_plugin.emulator.scenarios import SCENARIOS
from instant_logs_plugin.emulator.traffic import Request, Traffic

__all__ = ["Feed", "Record", "open_feed"]

Record = Mapping[str, Any]

_CHUNK = 200
_JITTER_S = 2.0
_MAX_LAG_S = 1.0


class _Source(Protocol):
    """Where a feed's requests come from."""

    def rate(self, elapsed_s: float) -> float:
        """Return the requests per second of a moment; 0 is as fast as they go."""
        ...

    def remaining(self, taken: int) -> float:
        """Return how many requests are left after so many; may be infinite."""
        ...

    def line(self, index: int, at_s: float, interval: int) -> bytes | None:
        """Return the n-th request as it is sent, or None if the filter drops it."""
        ...


def open_feed(
    config: EmulatorConfig,
    session: ServedSession,
    records: Sequence[Record] | None,
    *,
    elapsed_s: float,
) -> Feed:
    """Return the feed of a session that is opened now.

    Args:
        config: How the emulator behaves.
        session: Says what is asked for.
        records: What is replayed, or None for the scenario.
        elapsed_s: Seconds since the emulator's start.
    """
    source: _Source
    if records is None:
        source = _Scenario(config, session)
    else:
        source = _Replay(config, session, records)
    return Feed(source, config, session, opened_s=elapsed_s)


class Feed:
    """The requests of one session; made by `open_feed`."""

    def __init__(
        self,
        source: _Source,
        config: EmulatorConfig,
        session: ServedSession,
        *,
        opened_s: float,
    ) -> None:
        self._source, self._config, self._sample = source, config, session.job.sample
        self._random = Random(f"feed {config.seed} {session.number}")  # noqa: S311
        self._updated_s = opened_s
        self._owed = 0.0
        self._taken = 0
        self._interval = 1
        # A reader that lags is not sent the past: what it did not read is gone.
        self._max_lag_s = max(_MAX_LAG_S, 2 * config.tick_s)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self._source.remaining(self._taken) <= 0

    @property
    def is_due(self) -> bool:
        """Whether a request is owed now."""
        return self._owed >= 1 and not self.is_over

    def advance(self, elapsed_s: float) -> None:
        """Owe the requests up to a moment, in seconds since the emulator's start."""
        rate = self._source.rate(elapsed_s)
        self._interval = _server_interval(rate, self._config.max_rate)
        passed_s = min(elapsed_s - self._updated_s, self._max_lag_s)
        self._owed += rate * passed_s if rate else math.inf
        self._updated_s = elapsed_s

    def take(self, at_s: float) -> list[bytes]:
        """Return the lines of the next requests; may be none of a whole chunk.

        Args:
            at_s: Now, in seconds since the epoch.
        """
        count = int(min(self._owed, self._source.remaining(self._taken), _CHUNK))
        first, self._taken = self._taken, self._taken + count
        self._owed -= count
        lines = (self._line(index, at_s) for index in range(first, first + count))
        return [line for line in lines if line is not None]

    def _line(self, index: int, at_s: float) -> bytes | None:
        """Return the line of a request that sampling and filter let through."""
        draw = self._random.random
        if draw() * self._interval * self._sample >= 1:
            return None
        started_at_s = at_s - self._config.delay_s - _JITTER_S * draw()
        return self._source.line(index, started_at_s, self._interval)


class _Scenario:
    """Synthetic traffic; a session sees what happens while it is open."""

    def __init__(self, config: EmulatorConfig, session: ServedSession) -> None:
        self._config, self._filter = config, session.job.filter
        self._scenario = SCENARIOS[config.scenario]
        self._conditions = self._scenario(-math.inf)
        self._traffic = Traffic(config.seed, session.number)
        self._weigh = _weigher(config, session)
        conditions = iter_conditions(session.job.filter) if session.job.filter else ()
        keys = {condition.key for condition in conditions}
        self._tested = compile_renders(keys, times=config.times)
        self._sent = compile_renders(session.job.fields, times=config.times)

    def rate(self, elapsed_s: float) -> float:
        self._conditions = self._scenario(elapsed_s - self._config.onset_s)
        return self._config.rate * self._conditions.rate_factor

    def remaining(self, taken: int) -> float:
        limit = self._config.limit
        return math.inf if limit is None else limit - taken

    def line(self, index: int, at_s: float, interval: int) -> bytes | None:
        del index  # requests are drawn in their order
        request = self._traffic.draw(at_s, self._conditions)
        if self._filter is not None and not self._passes(request):
            return None
        values = {name: render(request) for name, render in self._sent}
        return orjson.dumps(values | self._weigh(interval))

    def _passes(self, request: Request) -> bool:
        tested = {name: render(request) for name, render in self._tested}
        return filter_matches(self._filter, tested)


class _Replay:
    """Recorded traffic from its first record on."""

    def __init__(
        self, config: EmulatorConfig, session: ServedSession, records: Sequence[Record]
    ) -> None:
        self._rate, self._session, self._records = config.rate, session, records
        self._weigh = _weigher(config, session)
        limit = config.limit
        self._count = len(records) if limit is None else min(limit, len(records))

    def rate(self, elapsed_s: float) -> float:
        del elapsed_s  # a replay is even
        return self._rate

    def remaining(self, taken: int) -> float:
        return self._count - taken

    def line(self, index: int, at_s: float, interval: int) -> bytes | None:
        del at_s  # recorded requests keep their own times
        record = self._records[index]
        if not filter_matches(self._session.job.filter, record):
            return None
        values = {
            name: record[name] for name in self._session.job.fields if name in record
        }
        recorded = record.get("sampleInterval", 1)
        is_count = isinstance(recorded, int)
        values |= self._weigh(recorded * interval if is_count else recorded)
        # Recorded numbers may be beyond 64 bits: the standard library keeps them.
        return json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode()


def _server_interval(rate: float, max_rate: float | None) -> int:
    """Return the server's own sampling: 1 in how many."""
    return 1 if max_rate is None else max(1, math.ceil(rate / max_rate))


def _weigher(
    config: EmulatorConfig, session: ServedSession
) -> Callable[[Any], dict[str, Any]]:
    """Return what makes a record's last key of the server's interval."""
    if config.interval_rule == "absent":
        return lambda _: {}
    factor = session.job.sample if config.interval_rule == "included" else 1
    return lambda interval: {"sampleInterval": interval * factor}
