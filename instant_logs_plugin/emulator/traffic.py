"""Synthetic requests, drawn from a seed: who asks for what, and how it is answered.

Pure: no clock; the caller says when a request happens. Values hang together: a cache
hit has no origin time, an attack meets the firewall, an error of the origin is one of
the edge too. Every request takes the same number of draws, so conditions change how
requests are answered and leave the others as they are.
"""

from __future__ import annotations

from random import Random

from instant_logs_plugin.emulator.population import Population, make_population
from instant_logs_plugin.emulator.scenarios import Conditions

__all__ = ["Request", "Traffic"]

_SKEW = 2.5
"""Exponent that makes the first of a pool frequent and the last rare."""

_MISSES = ("miss", "miss", "miss", "expired", "revalidated")
_SERVED_BY_CACHE = {"hit", "stale", "updating"}
_SERVER_ERRORS = (500, 502, 503, 504, 522)
_UNREACHABLE = 522
_CHALLENGED_SHARE = 0.01
# Share of ordinary answers up to which each status goes; the rest is 200.
_STATUSES = ((0.025, 404), (0.03, 403), (0.035, 429), (0.055, 301), (0.085, 304))
_OK, _NOT_MODIFIED = 200, 304
_BODYLESS = {301, _NOT_MODIFIED}
_ERROR_BYTES, _HEADER_BYTES = 1_500, 420


class Request:
    """One request; fields are rendered from it.

    Attributes:
        visitor: Fields of the client.
        target: What is asked for.
        started_at_s: Seconds since the epoch.
        bits: 64 random bits: its id, and whatever else varies a little.
        is_attack: Whether an attack's.
        is_challenged: Whether a rule challenged it.
        cache: Cache status.
        status: Of the edge.
        origin_status: 0 when the origin was not asked, or did not answer.
        origin_ms: 0 when the origin was not asked.
        ttfb_ms: Time to the first byte at the edge.
        body_bytes: Size of the body.
    """

    __slots__ = (
        "bits",
        "body_bytes",
        "cache",
        "is_attack",
        "is_challenged",
        "origin_ms",
        "origin_status",
        "started_at_s",
        "status",
        "target",
        "ttfb_ms",
        "visitor",
    )

    def __init__(
        self,
        population: Population,
        random: Random,
        started_at_s: float,
        conditions: Conditions,
    ) -> None:
        draw = random.random
        self.started_at_s = started_at_s
        self.is_attack = draw() < conditions.attack_share
        self._choose(population, draw(), draw())
        self._meet_cache(draw(), draw(), conditions)
        self._answer(draw(), draw(), conditions)
        self.bits = random.getrandbits(64)
        latency = population.latencies[self.bits % len(population.latencies)]
        self._measure(latency * conditions.latency_factor)

    def _choose(self, population: Population, who: float, what: float) -> None:
        if self.is_attack:
            self.visitor = population.attackers[int(who * len(population.attackers))]
            self.target = population.attacked[int(what * len(population.attacked))]
        else:
            visitors, targets = population.visitors, population.targets
            self.visitor = visitors[int(who**_SKEW * len(visitors))]
            self.target = targets[int(what**_SKEW * len(targets))]

    def _meet_cache(self, luck: float, choice: float, conditions: Conditions) -> None:
        if self.is_attack or not self.target.is_cacheable:
            self.cache = "dynamic"
        elif luck < conditions.hit_share:
            self.cache = "hit"
        else:
            self.cache = _MISSES[int(choice * len(_MISSES))]

    def _answer(self, luck: float, choice: float, conditions: Conditions) -> None:
        """Decide both statuses."""
        self.is_challenged = not self.is_attack and choice < _CHALLENGED_SHARE
        is_asked = self.cache not in _SERVED_BY_CACHE
        if self.is_attack or self.is_challenged:
            self.status, self.origin_status = 403, 0
        elif is_asked and luck < conditions.error_share:
            self.status = _SERVER_ERRORS[int(choice * len(_SERVER_ERRORS))]
            is_silent = self.status == _UNREACHABLE
            self.origin_status = 0 if is_silent else self.status
        else:
            self.status = _ordinary_status(1 - luck)
            is_fresh = self.cache == "revalidated" and self.status == _OK
            asked_status = _NOT_MODIFIED if is_fresh else self.status
            self.origin_status = asked_status if is_asked else 0

    def _measure(self, latency_ms: float) -> None:
        """Decide times and sizes."""
        is_asked = self.origin_status or self.status == _UNREACHABLE
        self.origin_ms = int(latency_ms) + 1 if is_asked else 0
        self.ttfb_ms = self.origin_ms + 2 + (self.bits >> 12) % 12
        if self.status in _BODYLESS or self.is_head:
            self.body_bytes = 0
        elif self.status >= 400:  # noqa: PLR2004 - errors have small pages
            self.body_bytes = _ERROR_BYTES + (self.bits >> 16) % 500
        else:
            self.body_bytes = self.target.size * (60 + (self.bits >> 20) % 80) // 100

    @property
    def is_head(self) -> bool:
        """Whether only headers were asked for."""
        return bool(self.target.values["ClientRequestMethod"] == "HEAD")

    @property
    def all_bytes(self) -> int:
        """Bytes of headers and body."""
        return self.body_bytes + _HEADER_BYTES + (self.bits >> 28) % 200

    @property
    def ended_at_s(self) -> float:
        """Seconds since the epoch, at about 10 MB/s behind the first byte."""
        return self.started_at_s + self.ttfb_ms / 1e3 + self.body_bytes / 1e7


def _ordinary_status(luck: float) -> int:
    for share, status in _STATUSES:
        if luck < share:
            return status
    return _OK


class Traffic:
    """Requests of one session.

    Args:
        seed: The same seed, number and conditions give the same requests.
        number: The session's.
    """

    def __init__(self, seed: int, number: int) -> None:
        self._population = make_population(seed)
        self._random = Random(f"session {seed} {number}")  # noqa: S311 - no secrets

    def draw(self, started_at_s: float, conditions: Conditions) -> Request:
        """Return the next request.

        Args:
            started_at_s: When it happens, in seconds since the epoch.
            conditions: What the zone's traffic is like then.
        """
        return Request(self._population, self._random, started_at_s, conditions)
