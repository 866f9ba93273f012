"""Who visits the emulated zone, and what: pools that requests are drawn from.

Pure: the same seed gives the same pools, so visitors and pages recur from session to
session. Addresses are of ranges that no one owns (benchmarks, documentation).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any

__all__ = ["Population", "Target", "Values", "make_population"]

Values = Mapping[str, Any]

_VISITORS, _TARGETS, _ATTACKERS, _LATENCIES = 1024, 1024, 48, 4096
_PLACES = (
    ("us", 7018, "EWR", 11, "New York", "NY", "40.71427", "-74.00597"),
    ("us", 7922, "IAD", 15, "Ashburn", "VA", "39.04372", "-77.48749"),
    ("de", 3320, "FRA", 20, "Frankfurt am Main", "HE", "50.11552", "8.68417"),
    ("fr", 3215, "CDG", 31, "Paris", "IDF", "48.85341", "2.34880"),
    ("br", 28573, "GRU", 43, "São Paulo", "SP", "-23.54750", "-46.63611"),
    ("in", 55836, "BOM", 52, "Mumbai", "MH", "19.07283", "72.88261"),
    ("jp", 4713, "NRT", 64, "Tokyo", "13", "35.68950", "139.69171"),
    ("ca", 577, "YYZ", 75, "Toronto", "ON", "43.70011", "-79.41630"),
)
_DESKTOPS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/152.0 Safari",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1 Safari/605.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0",
)
_MOBILES = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15",
    "Mozilla/5.0 (Linux; Android 16; Pixel 10) AppleWebKit/537.36 Chrome/152.0 Mobile",
)
_CRAWLERS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
)
_TOOLS = ("curl/8.16.0", "python-requests/2.32.5", "Go-http-client/2.0")
# Kind of client, its share, its user agents, and the range of its bot scores.
_KINDS = (
    ("desktop", 0.48, _DESKTOPS, (45, 99)),
    ("mobile", 0.40, _MOBILES, (50, 99)),
    ("crawler", 0.05, _CRAWLERS, (1, 1)),
    ("tool", 0.07, _TOOLS, (1, 29)),
)
_PAGES = ("/", "/login", "/search", "/cart", "/checkout", "/about", "/robots.txt")
_ASSETS = (
    ("js", "application/javascript", 48_000),
    ("css", "text/css", 16_000),
    ("png", "image/png", 90_000),
    ("woff2", "font/woff2", 32_000),
)
_API = ("users", "orders", "prices", "stock", "sessions")
_ATTACKED = ("/wp-login.php", "/xmlrpc.php", "/.env", "/login")
_REFERERS = ("", "", "https://www.example.com/", "https://www.google.com/")


@dataclass(frozen=True, slots=True)
class Target:
    """What a request asks for.

    Attributes:
        values: Fields that depend on nothing else.
        size: Bytes of a usual body.
        is_cacheable: Whether the cache may answer.
    """

    values: Values
    size: int
    is_cacheable: bool


@dataclass(frozen=True, slots=True)
class Population:
    """Pools to draw from, most frequent first.

    Attributes:
        visitors: Fields of ordinary clients.
        attackers: Fields of an attack's clients.
        targets: What is asked for.
        attacked: What an attack asks for.
        latencies: Milliseconds of the origin, log-normal, in no order.
    """

    visitors: tuple[Values, ...]
    attackers: tuple[Values, ...]
    targets: tuple[Target, ...]
    attacked: tuple[Target, ...]
    latencies: tuple[float, ...]


@lru_cache(maxsize=8)
def make_population(seed: int) -> Population:
    """Return the pools of a seed."""
    random = Random(f"population {seed}")  # noqa: S311 - traffic, not secrets
    return Population(
        visitors=tuple(_visitor(random, _kind(random)) for _ in range(_VISITORS)),
        attackers=tuple(_attacker(random, number) for number in range(_ATTACKERS)),
        targets=tuple(_target(random) for _ in range(_TARGETS)),
        attacked=tuple(_attacked(path) for path in _ATTACKED),
        latencies=tuple(random.lognormvariate(4.2, 0.6) for _ in range(_LATENCIES)),
    )


def _kind(random: Random) -> tuple[Any, ...]:
    weights = [share for _, share, _, _ in _KINDS]
    return random.choices(_KINDS, weights)[0]


def _visitor(random: Random, kind: tuple[Any, ...]) -> dict[str, Any]:
    name, _, agents, scores = kind
    agent = random.choice(agents)
    score = random.randint(*scores)
    return {
        **_place(random.choice(_PLACES)),
        **_connection(random, agent, is_modern=name != "tool"),
        **_bot(name, score),
        "ClientDeviceType": "mobile" if name == "mobile" else "desktop",
        "ClientIP": _address(random),
        "ClientIPClass": "searchEngine" if name == "crawler" else "noRecord",
        "ClientRequestUserAgent": agent,
        "RequestHeaders": {"accept-language": random.choice(("en", "de", "pt-BR"))},
    }


def _place(place: tuple[Any, ...]) -> dict[str, Any]:
    names = (
        *("ClientCountry", "ClientASN", "EdgeColoCode", "EdgeColoID"),
        *("ClientCity", "ClientRegionCode", "ClientLatitude", "ClientLongitude"),
    )
    return dict(zip(names, place, strict=True))


def _connection(random: Random, agent: str, *, is_modern: bool) -> dict[str, Any]:
    digest = hashlib.sha256(agent.encode()).hexdigest()
    protocols = ("HTTP/2", "HTTP/2", "HTTP/3") if is_modern else ("HTTP/1.1",)
    return {
        "ClientRequestProtocol": random.choice(protocols),
        "ClientSSLCipher": "AEAD-AES128-GCM-SHA256",
        "ClientSSLProtocol": "TLSv1.3" if is_modern else "TLSv1.2",
        "ClientSrcPort": random.randint(1024, 65535),
        "ClientTCPRTTMs": int(random.lognormvariate(3.2, 0.7)) + 1,
        "ClientTLSKeyExchangeGroup": "X25519MLKEM768" if is_modern else "X25519",
        "JA3Hash": digest[:32],
        "JA4": f"t13d1516h2_{digest[:12]}_{digest[12:24]}",
        "JA4Signals": {"h2h3_ratio_1h": 0.98, "reqs_quantile_1h": 0.61},
    }


def _bot(kind: str, score: int) -> dict[str, Any]:
    is_crawler, is_tool = kind == "crawler", kind == "tool"
    source = "Machine Learning" if score > 1 else "Heuristics"
    return {
        "BotDetectionIDs": [33554817] if is_tool else [],
        "BotDetectionTags": ["automation"] if is_tool else [],
        "BotScore": score,
        "BotScoreSrc": "Verified Bot" if is_crawler else source,
        "BotTags": ["google"] if is_crawler else [],
        "JSDetectionPassed": "missing" if is_tool or is_crawler else "passed",
        "VerifiedBotCategory": "Search Engine Crawler" if is_crawler else "",
    }


def _address(random: Random) -> str:
    if random.random() < 0.15:  # noqa: PLR2004 - share of IPv6
        return f"2001:db8:{random.getrandbits(16):x}::{random.randint(1, 0xFFFF):x}"
    return f"198.18.{random.randint(0, 63)}.{random.randint(1, 254)}"


def _attacker(random: Random, number: int) -> dict[str, Any]:
    return {
        **_visitor(random, ("tool", 0.0, _TOOLS, (1, 2))),
        **_place(_PLACES[4]),
        "ClientIP": f"203.0.113.{number + 1}",
        "ClientIPClass": "badHost",
    }


def _target(random: Random) -> Target:
    kind = random.choices(("page", "asset", "api"), (4, 4, 2))[0]
    referer = random.choice(_REFERERS)
    if kind == "asset":
        ending, content, size = random.choice(_ASSETS)
        path = f"/static/{random.randint(0, 79):04x}/app.{ending}"
        uri = f"{path}?v={random.randint(1, 9)}"
        return _make_target("static", "GET", uri, (content, size), referer=referer)
    if kind == "api":
        uri = f"/v1/{random.choice(_API)}?page={random.randint(1, 20)}"
        method = random.choices(("GET", "POST", "PUT", "DELETE"), (70, 22, 5, 3))[0]
        return _make_target("api", method, uri, ("application/json", 2_400))
    method = random.choices(("GET", "POST", "HEAD"), (92, 6, 2))[0]
    uri = _page_uri(random)
    return _make_target("www", method, uri, ("text/html", 14_000), referer=referer)


def _page_uri(random: Random) -> str:
    draw = random.random()
    if draw < 0.4:  # noqa: PLR2004 - share of the main pages
        return random.choice(_PAGES)
    if draw < 0.8:  # noqa: PLR2004 - and of the products
        return f"/products/{random.randint(1, 120)}"
    return f"/search?q=item+{random.randint(1, 300)}"


def _attacked(path: str) -> Target:
    return _make_target("www", "POST", path, ("text/html", 4_000))


def _make_target(
    host: str, method: str, uri: str, content: tuple[str, int], *, referer: str = ""
) -> Target:
    host = f"{host}.example.com"
    is_cacheable = method in {"GET", "HEAD"} and not host.startswith("api")
    values = {
        "ClientRequestHost": host,
        "ClientRequestMethod": method,
        "ClientRequestPath": uri.partition("?")[0],
        "ClientRequestReferer": referer,
        "ClientRequestURI": uri,
        "EdgeRequestHost": host,
        "EdgeResponseContentType": content[0],
    }
    return Target(values, content[1], is_cacheable)
