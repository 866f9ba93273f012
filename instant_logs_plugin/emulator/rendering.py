"""The fields of a synthetic request, by name: each a pure function of the request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from instant_logs_plugin.edge.fields import FieldType, catalogue
from instant_logs_plugin.emulator.population import make_population
from instant_logs_plugin.emulator.traffic import Request

__all__ = ["TIME_FORMS", "Render", "Renders", "compile_renders", "empty_value"]

Render = Callable[[Request], Any]
Renders = tuple[tuple[str, Render], ...]

_RULE = "5de7edfa648c4d6891dc3e7f84534ffa"
_CHALLENGE_RULE = "0a6c5b1d3e2f4a7b8c9d0e1f2a3b4c5d"
_NS_PER_MS = 10**6
_EMPTY: Mapping[FieldType, Callable[[], Any]] = {
    FieldType.INT: int,
    FieldType.FLOAT: float,
    FieldType.BOOL: bool,
    FieldType.STRING_LIST: list,
    FieldType.INT_LIST: list,
    FieldType.OBJECT: dict,
}


@lru_cache(maxsize=256)
def _rfc3339(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


TIME_FORMS: Mapping[str, Callable[[float], str | int]] = {
    "rfc3339": lambda at_s: _rfc3339(int(at_s)),
    "unix": int,
    "unix-ns": lambda at_s: int(at_s * 1e9),
}
"""How a timestamp is sent, of seconds since the epoch."""


def empty_value(kind: FieldType) -> Any:
    """Return what a field of that type holds when there is nothing to say."""
    return _EMPTY.get(kind, str)()


def compile_renders(names: Iterable[str], *, times: str = "rfc3339") -> Renders:
    """Return how the fields of that name are rendered, in the same order.

    Names that the catalogue does not hold, or no longer, are silently left out.

    Args:
        names: Names, as asked for.
        times: One of ``TIME_FORMS``.
    """
    known = _renders() | _time_renders(times)
    return tuple((name, known[name]) for name in names if name in catalogue())


def _time_renders(times: str) -> dict[str, Render]:
    form = TIME_FORMS[times]
    return {
        "EdgeStartTimestamp": lambda r: form(r.started_at_s),
        "EdgeEndTimestamp": lambda r: form(r.ended_at_s),
    }


@lru_cache(maxsize=1)
def _renders() -> dict[str, Render]:
    """Return every field's render: drawn, else constant, else empty by type."""
    empty = {
        name: _constant(empty_value(field.type)) for name, field in catalogue().items()
    }
    constant = {name: _constant(value) for name, value in _CONSTANTS.items()}
    return empty | constant | _of_pools() | dict(_DRAWN)


def _of_pools() -> dict[str, Render]:
    population = make_population(0)
    of_visitor = {name: _visitor_value(name) for name in population.visitors[0]}
    of_target = {name: _target_value(name) for name in population.targets[0].values}
    return of_visitor | of_target


def _visitor_value(name: str) -> Render:
    return lambda request: request.visitor[name]


def _target_value(name: str) -> Render:
    return lambda request: request.target.values[name]


def _constant(value: Any) -> Render:
    return lambda _: value


def _varied(shift: int, low: int, high: int) -> Render:
    """Return a number of ``[low, high)`` that varies with the request."""
    return lambda request: low + (request.bits >> shift) % (high - low)


def _when_blocked(attack: Any, challenge: Any, otherwise: Any) -> Render:
    return lambda r: (
        attack if r.is_attack else challenge if r.is_challenged else otherwise
    )


def _score(shift: int) -> Render:
    attacked, usual = _varied(shift, 1, 20), _varied(shift, 60, 100)
    return lambda r: attacked(r) if r.is_attack else usual(r)


def _handshake(shift: int, low: int, high: int) -> Render:
    """Return a duration that is 0 for three in four: the connection was reused."""
    drawn = _varied(shift, low, high)
    return lambda r: drawn(r) if r.origin_ms and not (r.bits >> 8) & 3 else 0


def _origin_text(value: str) -> Render:
    return lambda r: value if r.origin_status else ""


_CONSTANTS: Mapping[str, Any] = {
    "ClientMTLSAuthStatus": "unknown",
    "ClientRequestScheme": "https",
    "ClientRequestSource": "eyeball",
    "ClientXRequestedWith": "",
    "EdgePathingOp": "wl",
    "EdgePathingSrc": "macro",
    "EdgePathingStatus": "nr",
    "LeakedCredentialCheckResult": "clean",
    "ParentRayID": "00",
    "WorkerStatus": "ok",
    "WorkerScriptName": "router",
    "WorkerSubrequestCount": 1,
    "ZoneName": "example.com",
}
_DRAWN: Mapping[str, Render] = {
    "CacheCacheStatus": lambda r: r.cache,
    "CacheReserveUsed": lambda r: r.cache == "hit" and not (r.bits >> 3) & 15,
    "CacheResponseBytes": lambda r: r.all_bytes,
    "CacheResponseStatus": lambda r: r.status,
    "CacheTieredFill": lambda r: r.cache == "miss" and not (r.bits >> 5) & 3,
    "ClientRequestBytes": _varied(30, 700, 1_900),
    "EdgeResponseBodyBytes": lambda r: r.body_bytes,
    "EdgeResponseBytes": lambda r: r.all_bytes,
    "EdgeResponseCompressionRatio": lambda r: 1 + ((r.bits >> 40) % 400) / 100,
    "EdgeResponseStatus": lambda r: r.status,
    "EdgeServerIP": lambda r: "198.19.0.7" if r.origin_status else "",
    "EdgeTimeToFirstByteMs": lambda r: r.ttfb_ms,
    "OriginDNSResponseTimeMs": _handshake(44, 1, 12),
    "OriginIP": _origin_text("192.0.2.10"),
    "OriginRequestHeaderSendDurationMs": _handshake(46, 0, 2),
    "OriginResponseBytes": lambda r: r.all_bytes if r.origin_status else 0,
    "OriginResponseDurationMs": lambda r: r.origin_ms,
    "OriginResponseHTTPExpires": _origin_text("Thu, 31 Dec 2026 23:59:59 GMT"),
    "OriginResponseHTTPLastModified": _origin_text("Mon, 02 Nov 2026 08:30:00 GMT"),
    "OriginResponseHeaderReceiveDurationMs": lambda r: r.origin_ms * 9 // 10,
    "OriginResponseStatus": lambda r: r.origin_status,
    "OriginResponseTime": lambda r: r.origin_ms * _NS_PER_MS,
    "OriginSSLProtocol": _origin_text("TLSv1.3"),
    "OriginTCPHandshakeDurationMs": _handshake(48, 5, 40),
    "OriginTLSHandshakeDurationMs": _handshake(50, 8, 60),
    "OriginTLSKeyExchangeGroup": _origin_text("X25519"),
    "RayID": lambda r: f"{r.bits:016x}",
    "SecurityAction": _when_blocked("block", "managedChallenge", ""),
    "SecurityActions": _when_blocked(["log", "block"], ["managedChallenge"], []),
    "SecurityRuleDescription": _when_blocked("login flood", "suspicious client", ""),
    "SecurityRuleID": _when_blocked(_RULE, _CHALLENGE_RULE, ""),
    "SecurityRuleIDs": _when_blocked([_CHALLENGE_RULE, _RULE], [_CHALLENGE_RULE], []),
    "SecuritySources": _when_blocked(
        ["firewallCustom", "firewallManaged"], ["firewallCustom"], []
    ),
    "WAFAttackScore": _score(52),
    "WAFRCEAttackScore": _score(53),
    "WAFSQLiAttackScore": _score(54),
    "WAFXSSAttackScore": _score(55),
    "WorkerCPUTime": _varied(34, 300, 2_500),
    "WorkerWallTimeUs": lambda r: 500 + r.origin_ms * 1_000 + (r.bits >> 36) % 900,
}
