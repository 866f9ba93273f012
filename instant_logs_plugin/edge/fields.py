"""The fields that a session can send: names, types, presets.

Pure. The catalogue is package data, copied from the service's documentation of the
dataset ``http_requests``. The service accepts unknown and retired names silently and
never sends them, so names are checked here, before anything is asked for.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from instant_logs_plugin.errors import InvalidOption, RetiredField, UnknownField

__all__ = [
    "PRESETS",
    "TAKEN_NAMES",
    "Field",
    "FieldType",
    "catalogue",
    "check_field",
    "find_field",
    "parse_fields",
]


class FieldType(StrEnum):
    """A field's type, as the documentation spells it."""

    STRING = "string"
    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    STRING_LIST = "array[string]"
    INT_LIST = "array[int]"
    OBJECT = "object"
    TIMESTAMP = "int or string"
    UNKNOWN = "unknown"


_ARROW_TYPES = {
    FieldType.INT: "int64",
    FieldType.FLOAT: "double",
    FieldType.BOOL: "bool",
    FieldType.STRING_LIST: "list<string>",
    FieldType.INT_LIST: "list<int64>",
    FieldType.TIMESTAMP: "timestamp[us, tz=UTC]",
}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of the dataset.

    Attributes:
        name: As the service spells it.
        type: Its type; ``UNKNOWN`` for a name that the catalogue does not hold.
        description: What it says.
        note: A trap, or who gets it; may be empty.
        deprecated: Whether the service asks to use another one.
        in_cis: Whether IBM documents it for CIS too.
    """

    name: str
    type: FieldType = FieldType.UNKNOWN
    description: str = ""
    note: str = ""
    deprecated: bool = False
    in_cis: bool = False

    @property
    def arrow_type(self) -> str:
        """Arrow's name of the column's type; objects are JSON text."""
        return _ARROW_TYPES.get(self.type, "string")


_REQUEST = ("ClientRequestMethod", "ClientRequestHost", "ClientRequestPath")
_TIMES = ("EdgeStartTimestamp", "EdgeEndTimestamp")

_PRESETS: dict[str, tuple[str, ...]] = {
    "minimal": (
        "EdgeStartTimestamp",
        "RayID",
        *_REQUEST,
        "EdgeResponseStatus",
    ),
    # The nine of the service's own example.
    "default": (
        "ClientIP",
        "ClientRequestHost",
        "ClientRequestMethod",
        "ClientRequestURI",
        "EdgeEndTimestamp",
        "EdgeResponseBytes",
        "EdgeResponseStatus",
        "EdgeStartTimestamp",
        "RayID",
    ),
    "performance": (
        *_TIMES,
        "RayID",
        *_REQUEST,
        "ClientRequestProtocol",
        "ClientCountry",
        "ClientDeviceType",
        "ClientTCPRTTMs",
        "EdgeColoCode",
        "EdgeResponseStatus",
        "EdgeResponseBytes",
        "EdgeTimeToFirstByteMs",
        "CacheCacheStatus",
        "OriginResponseStatus",
        "OriginResponseDurationMs",
        "OriginDNSResponseTimeMs",
        "OriginTCPHandshakeDurationMs",
        "OriginTLSHandshakeDurationMs",
        "OriginRequestHeaderSendDurationMs",
        "OriginResponseHeaderReceiveDurationMs",
        "WorkerCPUTime",
        "WorkerWallTimeUs",
    ),
    "cache": (
        *_TIMES,
        "RayID",
        *_REQUEST,
        "CacheCacheStatus",
        "CacheReserveUsed",
        "CacheResponseBytes",
        "CacheResponseStatus",
        "CacheTieredFill",
        "EdgeColoCode",
        "EdgeResponseBytes",
        "EdgeResponseContentType",
        "EdgeResponseStatus",
        "OriginResponseStatus",
        "OriginResponseHTTPExpires",
        "OriginResponseHTTPLastModified",
    ),
    "security": (
        *_TIMES,
        "RayID",
        *_REQUEST,
        "ClientIP",
        "ClientIPClass",
        "ClientASN",
        "ClientCountry",
        "ClientRequestURI",
        "ClientRequestUserAgent",
        "ClientSSLProtocol",
        "EdgeResponseStatus",
        "JA3Hash",
        "JA4",
        "LeakedCredentialCheckResult",
        "SecurityAction",
        "SecurityActions",
        "SecurityRuleDescription",
        "SecurityRuleID",
        "SecurityRuleIDs",
        "SecuritySources",
        "WAFAttackScore",
        "WAFRCEAttackScore",
        "WAFSQLiAttackScore",
        "WAFXSSAttackScore",
    ),
    "bots": (
        *_TIMES,
        "RayID",
        *_REQUEST,
        "BotDetectionIDs",
        "BotDetectionTags",
        "BotScore",
        "BotScoreSrc",
        "BotTags",
        "ClientASN",
        "ClientCountry",
        "ClientDeviceType",
        "ClientIP",
        "ClientRequestUserAgent",
        "EdgeResponseStatus",
        "JA3Hash",
        "JA4",
        "JSDetectionPassed",
        "VerifiedBotCategory",
    ),
}


@cache
def _document() -> dict[str, Any]:
    file = resources.files(__package__) / "http_requests_fields.json"
    document: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return document


@cache
def catalogue() -> Mapping[str, Field]:
    """Return every known field by name, sorted; retired ones are not among them."""
    fields = (
        Field(
            name=entry["name"],
            type=FieldType(entry["type"]),
            description=entry["description"],
            note=entry.get("note") or "",
            deprecated=entry["deprecated"],
            in_cis=entry["in_ibm_cis"],
        )
        for entry in _document()["fields"]
    )
    return MappingProxyType({field.name: field for field in fields})


def find_field(name: str) -> Field:
    """Return the field of that name, of type ``UNKNOWN`` if the catalogue lacks it."""
    return catalogue().get(name) or Field(name=name)


def _presets() -> Mapping[str, tuple[str, ...]]:
    current = tuple(
        field.name for field in catalogue().values() if not field.deprecated
    )
    return MappingProxyType({**_PRESETS, "all": current})


TAKEN_NAMES = frozenset(
    ("capture_id", "received_at", "extra", "zone_id", "date", "sampleinterval")
)
"""Columns that every capture has, in small letters: no requested field is called so."""

PRESETS: Mapping[str, tuple[str, ...]] = _presets()
"""Field names by preset; only ``all`` holds open maps (headers, cookies)."""


def parse_fields(text: str, *, allow_unknown: bool = False) -> tuple[str, ...]:
    """Return the field names that a text asks for, in order, without repeats.

    Args:
        text: Presets, names, or both, separated by commas.
        allow_unknown: Let names through that the catalogue does not hold.

    Raises:
        InvalidOption: No name, or one that cannot be sent.
        UnknownField: A name that the catalogue does not hold.
        RetiredField: A name that the service no longer sends.
    """
    words = [word for word in (part.strip() for part in text.split(",")) if word]
    if not words:
        raise InvalidOption("fields", text, "a preset or field names")
    names: dict[str, None] = {}
    for word in words:
        chosen = PRESETS.get(word) or (check_field(word, allow_unknown=allow_unknown),)
        names |= dict.fromkeys(chosen)
    _check_spellings(names)
    return tuple(names)


def check_field(name: str, *, allow_unknown: bool = False) -> str:
    """Return the name of one field if it can be asked for.

    Args:
        name: As the service spells it; a preset's name is none.
        allow_unknown: Let names through that the catalogue does not hold.

    Raises:
        InvalidOption: It cannot be sent.
        UnknownField: The catalogue does not hold it.
        RetiredField: The service no longer sends it.
    """
    if name in catalogue():
        return name
    if name.casefold() in TAKEN_NAMES:
        allowed = "a name to ask for: every capture has a column called so"
        raise InvalidOption("fields", name, allowed)
    for retired in _document()["retired"]:
        if retired["name"] == name:
            raise RetiredField(name, retired["replaced_by"], retired["removed"])
    if not allow_unknown:
        raise UnknownField(name, _close_names(name))
    # SQL cannot tell names apart that differ by case only.
    if known := _spellings().get(name.casefold()):
        raise InvalidOption("fields", name, f"{known!r}, as the service spells it")
    if not (name.isascii() and name.isidentifier()):
        raise InvalidOption("fields", name, "letters, digits and '_' only")
    return name


@cache
def _spellings() -> dict[str, str]:
    return {known.casefold(): known for known in catalogue()}


def _check_spellings(names: Iterable[str]) -> None:
    spellings: dict[str, str] = {}
    for name in names:
        other = spellings.setdefault(name.casefold(), name)
        if other != name:
            raise InvalidOption("fields", f"{other},{name}", "one spelling of a name")


def _close_names(name: str) -> tuple[str, ...]:
    """Return names that were probably meant, best first, whatever their case."""
    others = {*catalogue(), *PRESETS} - {name}
    by_fold = {known.casefold(): known for known in sorted(others)}
    close = difflib.get_close_matches(name.casefold(), by_fold, n=3, cutoff=0.7)
    return tuple(by_fold[fold] for fold in close)
