"""What happens in the emulated traffic, as conditions over time.

Pure. Each scenario is quiet until its onset, so that a capture can lie before it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["SCENARIOS", "Conditions", "Scenario"]


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """How the zone's traffic is at one moment.

    Attributes:
        rate_factor: Of the configured rate.
        error_share: Share of requests that the origin answers with 5xx.
        latency_factor: Of the usual latency.
        hit_share: Share of cacheable requests that the cache answers.
        attack_share: Share of requests that are an attack's.
    """

    rate_factor: float = 1.0
    error_share: float = 0.005
    latency_factor: float = 1.0
    hit_share: float = 0.85
    attack_share: float = 0.0


Scenario = Callable[[float], Conditions]
"""Conditions at a time, in seconds since the onset (negative before it)."""


def _steady(_since_s: float) -> Conditions:
    return Conditions()


def _deploy_regression(since_s: float) -> Conditions:
    if since_s < 0:
        return Conditions()
    return Conditions(error_share=0.06, latency_factor=1.8)


def _attack(since_s: float) -> Conditions:
    if since_s < 0:
        return Conditions()
    return Conditions(rate_factor=4.0, attack_share=0.75, error_share=0.02)


def _cache_purge(since_s: float) -> Conditions:
    """The cache is empty at the onset and fills again within minutes."""
    if since_s < 0:
        return Conditions()
    refilled = 1 - math.exp(-since_s / 60)
    return Conditions(hit_share=0.85 * refilled, latency_factor=1.5 - 0.5 * refilled)


def _flash_crowd(since_s: float) -> Conditions:
    """Ten times the visitors within ten seconds, then slowly fewer."""
    if since_s < 0:
        return Conditions()
    rise, fall = 1 - math.exp(-since_s / 3), math.exp(-since_s / 300)
    factor = 1 + 9 * rise * fall
    return Conditions(rate_factor=factor, latency_factor=1 + 0.1 * factor)


SCENARIOS: Mapping[str, Scenario] = {
    "steady": _steady,
    "deploy-regression": _deploy_regression,
    "attack": _attack,
    "cache-purge": _cache_purge,
    "flash-crowd": _flash_crowd,
}
