"""Synthetic requests with realistic values, drawn from a seed.

Pure: no clock; the caller says when a request happens. Values hang together: a cache
hit has no origin time, an attack meets the firewall, an error of the origin is one of
the edge too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

from instant_logs_plugin.edge.fields import FieldType, find_field
from instant_logs_plugin.emulator.scenarios import Conditions

__all__ = ["Request", "Traffic", "render_record"]

_HOSTS = ("www.example.com", "api.example.com", "static.example.com")
_PATHS = (
    *("/", "/login", "/search", "/cart", "/checkout", "/health", "/robots.txt"),
    *(f"/products/{n}" for n in range(1, 120)),
    *(f"/blog/2026/{n:02d}/notes" for n in range(1, 13)),
)
_ASSETS = tuple(
    f"/static/{n:04x}/app.{kind}" for n in range(40) for kind in ("js", "css")
)
_API = tuple(f"/v1/{name}" for name in ("users", "orders", "prices", "stock"))
_ATTACKED = ("/wp-login.php", "/xmlrpc.php", "/.env", "/login")
_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/152.0 Safari",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "curl/8.16.0",
)
_PLACES = (
    ("us", 7018, "EWR"),
    ("us", 7922, "IAD"),
    ("de", 3320, "FRA"),
    ("fr", 3215, "CDG"),
    ("br", 28573, "GRU"),
    ("in", 55836, "BOM"),
    ("jp", 4713, "NRT"),
    ("ca", 577, "YYZ"),
)
_CLIENT_ERRORS = (404, 404, 404, 403, 401, 429)
_GET_SHARE, _CLIENT_ERROR_SHARE = 0.9, 0.04
_SERVER_ERRORS = (500, 502, 503, 504)


class Request:
    """One request: what was drawn for it; fields are rendered from this."""

    def __init__(self, random: Random, at: datetime, conditions: Conditions) -> None:
        draw = random.random
        self.random, self.at = random, at
        self.is_attack = draw() < conditions.attack_share
        self.country, self.asn, self.colo = random.choice(_PLACES)
        host = min(int(draw() * 4), 2)
        self.host = _HOSTS[host]
        self.path = random.choice((_PATHS, _API, _ASSETS)[host])
        self.method = "GET" if draw() < _GET_SHARE else "POST"
        self.agent = random.choice(_AGENTS)
        self.client_ip = f"198.51.{int(draw() * 40)}.{int(draw() ** 2 * 250) + 1}"
        if self.is_attack:
            self._attack()
        is_cacheable = self.method == "GET" and host != 1 and not self.is_attack
        self.cache = "dynamic"
        if is_cacheable:
            self.cache = "hit" if draw() < conditions.hit_share else "miss"
        self._answer(draw(), conditions)
        self.ray_id = f"{random.getrandbits(64):016x}"

    def _attack(self) -> None:
        self.host, self.method = _HOSTS[0], "POST"
        self.path = self.random.choice(_ATTACKED)
        self.agent = _AGENTS[-1]
        self.country, self.asn, self.colo = _PLACES[4]
        self.client_ip = f"203.0.113.{int(self.random.random() * 30) + 1}"

    def _answer(self, luck: float, conditions: Conditions) -> None:
        """Draw status, size and times."""
        latency = self.random.lognormvariate(4.2, 0.6) * conditions.latency_factor
        self.origin_ms = 0 if self.cache == "hit" else int(latency) + 1
        self.ttfb_ms = self.origin_ms + 4 + int(self.random.random() * 10)
        self.bytes = 300 + int(self.random.paretovariate(1.2) * 1500) % 2_000_000
        self.status, self.origin_status = 200, 0 if self.cache == "hit" else 200
        if self.is_attack:
            self.status, self.origin_status, self.origin_ms = 403, 0, 0
        elif self.cache != "hit" and luck < conditions.error_share:
            self.status = self.origin_status = self.random.choice(_SERVER_ERRORS)
        elif luck > 1 - _CLIENT_ERROR_SHARE:
            self.status = self.random.choice(_CLIENT_ERRORS)
            self.origin_status = self.origin_status and self.status


Render = Callable[[Request], Any]


def _time(request: Request) -> str:
    return request.at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _attack_list(value: str) -> Render:
    return lambda request: [value] if request.is_attack else []


_RENDER: Mapping[str, Render] = {
    "BotScore": lambda r: 1 if r.is_attack else 30 + int(r.random.random() * 69),
    "BotScoreSrc": lambda r: "Heuristics" if r.is_attack else "Machine Learning",
    "CacheCacheStatus": lambda r: r.cache,
    "CacheResponseBytes": lambda r: r.bytes,
    "CacheResponseStatus": lambda r: r.status,
    "ClientASN": lambda r: r.asn,
    "ClientCountry": lambda r: r.country,
    "ClientDeviceType": lambda r: "mobile" if "iPhone" in r.agent else "desktop",
    "ClientIP": lambda r: r.client_ip,
    "ClientIPClass": lambda r: "badHost" if r.is_attack else "noRecord",
    "ClientRequestBytes": lambda r: 900 + int(r.random.random() * 600),
    "ClientRequestHost": lambda r: r.host,
    "ClientRequestMethod": lambda r: r.method,
    "ClientRequestPath": lambda r: r.path,
    "ClientRequestProtocol": lambda _: "HTTP/2",
    "ClientRequestScheme": lambda _: "https",
    "ClientRequestSource": lambda _: "eyeball",
    "ClientRequestURI": lambda r: f"{r.path}?v={int(r.random.random() * 1000)}",
    "ClientRequestUserAgent": lambda r: r.agent,
    "ClientSSLProtocol": lambda _: "TLSv1.3",
    "ClientTCPRTTMs": lambda r: 5 + int(r.random.random() * 80),
    "EdgeColoCode": lambda r: r.colo,
    "EdgeEndTimestamp": _time,
    "EdgePathingStatus": lambda _: "nr",
    "EdgeRequestHost": lambda r: r.host,
    "EdgeResponseBodyBytes": lambda r: max(0, r.bytes - 300),
    "EdgeResponseBytes": lambda r: r.bytes,
    "EdgeResponseCompressionRatio": lambda r: round(1 + r.random.random() * 4, 2),
    "EdgeResponseContentType": lambda _: "text/html",
    "EdgeResponseStatus": lambda r: r.status,
    "EdgeStartTimestamp": _time,
    "EdgeTimeToFirstByteMs": lambda r: r.ttfb_ms,
    "OriginIP": lambda r: "192.0.2.10" if r.origin_status else "",
    "OriginResponseDurationMs": lambda r: r.origin_ms,
    "OriginResponseHeaderReceiveDurationMs": lambda r: r.origin_ms,
    "OriginResponseStatus": lambda r: r.origin_status,
    "OriginResponseTime": lambda r: r.origin_ms * 10**6,
    "ParentRayID": lambda _: "00",
    "RayID": lambda r: r.ray_id,
    "SecurityAction": lambda r: "block" if r.is_attack else "",
    "SecurityActions": _attack_list("block"),
    "SecurityRuleID": lambda r: "wp-login-flood" if r.is_attack else "",
    "SecurityRuleIDs": _attack_list("wp-login-flood"),
    "SecuritySources": _attack_list("firewallManaged"),
    "WAFAttackScore": lambda r: 8 if r.is_attack else 92,
    "ZoneName": lambda _: "example.com",
}
_EMPTY: Mapping[FieldType, Callable[[], Any]] = {
    FieldType.INT: int,
    FieldType.FLOAT: float,
    FieldType.BOOL: bool,
    FieldType.STRING_LIST: list,
    FieldType.INT_LIST: list,
    FieldType.OBJECT: dict,
}


class Traffic:
    """Requests of one zone, in the order they happen.

    Args:
        seed: The same seed and conditions give the same requests.
    """

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - traffic, not secrets

    def draw(self, at: datetime, conditions: Conditions) -> Request:
        """Return the next request.

        Args:
            at: When it happens, aware.
            conditions: What the zone's traffic is like then.
        """
        return Request(self._random, at.astimezone(UTC), conditions)


def render_record(request: Request, fields: Sequence[str]) -> dict[str, Any]:
    """Return the values of these fields; unknown ones are silently left out."""
    return {name: _render(name, request) for name in fields if _is_sent(name)}


def _is_sent(name: str) -> bool:
    return find_field(name).type is not FieldType.UNKNOWN


def _render(name: str, request: Request) -> Any:
    render = _RENDER.get(name)
    if render is not None:
        return render(request)
    return _EMPTY.get(find_field(name).type, str)()
