r"""Lines made less personal before anything reaches the disk.

Pure: bytes in, bytes out. Works on raw lines, so that a line which is no valid
record is treated as well, and one that was cut within a value. Only ``ClientIP``,
the fields with a query and dropped fields are touched: others that can hold personal
data (headers, cookies) are asked for by no preset but ``all``.

Lines that spell what is rewritten plainly are rewritten in bulk. Any other line (a
key with ``\u`` escapes, a value of another type, a dropped field) is edited member by
member; one that is no JSON object then keeps its shape only.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import lru_cache, partial
from typing import Any

from instant_logs_plugin.capture.json_members import DROP, Edit, edit_members
from instant_logs_plugin.errors import InvalidOption

__all__ = ["AnonymizeIp", "Rewrite", "line_rewriter"]

Rewrite = Callable[[bytes], bytes]

_CLIENT_IP = "ClientIP"
_WITH_QUERY = ("ClientRequestURI", "ClientRequestReferer")
# A value of a line that was cut ends with the line.
_ADDRESS = re.compile(rb'("ClientIP"\s*:\s*")((?:[^"\\\n]|\\.)*+)("?)')
_QUERY = re.compile(
    rb'("(?:ClientRequestURI|ClientRequestReferer)"\s*:\s*"'
    rb'(?:[^"\\?#\n]|\\(?!u00(?:3[fF]|23)).)*+)'
    rb'(?:[?#]|\\u00(?:3[fF]|23))(?:[^"\\\n]|\\.)*+\\?'
)
_QUERY_START = re.compile("[?#]")
_ESCAPED_KEY = re.compile(rb'[{,]\s*"(?:[^"\\\n]|\\[^u])*+\\u')
_SHOWN = re.compile(rb"[A-Za-z0-9\x80-\xff]")
_V4_PREFIX, _V6_PREFIX = 24, 48
_KEY_BYTES = 16
_CACHED_ADDRESSES = 65_536


class AnonymizeIp(StrEnum):
    """What becomes of ``ClientIP``."""

    OFF = "off"
    """It is kept."""
    TRUNCATE = "truncate"
    """IPv4 to its /24, IPv6 to its /48."""
    HMAC = "hmac"
    """Replaced by 32 hex digits, equal for equal addresses under one key."""


def line_rewriter(
    mode: AnonymizeIp,
    key: bytes = b"",
    *,
    redact_query: bool = False,
    drop_fields: Sequence[str] = (),
) -> Rewrite:
    """Return what rewrites lines; a ``ClientIP`` that is no address becomes ``""``.

    Args:
        mode: What becomes of addresses.
        key: The secret of ``hmac``; ignored otherwise.
        redact_query: Cut URIs and referers before their query and fragment.
        drop_fields: Members that go, whoever sends them.

    Raises:
        InvalidOption: ``hmac`` without such a key.
    """
    if mode is AnonymizeIp.HMAC and len(key) < _KEY_BYTES:
        allowed = f"used with INSTANT_LOGS_HMAC_KEY of at least {_KEY_BYTES} bytes"
        raise InvalidOption("--anonymize-ip", mode.value, allowed)
    in_bulk: list[Rewrite] = []
    edits: dict[str, Edit] = {}
    if mode is not AnonymizeIp.OFF:
        anonymize = _anonymizer(mode, key)
        in_bulk.append(partial(_ADDRESS.sub, partial(_rewrite_address, anonymize)))
        edits[_CLIENT_IP] = partial(_if_text, anonymize)
    if redact_query:
        in_bulk.append(partial(_QUERY.sub, rb"\1"))
        edits |= dict.fromkeys(_WITH_QUERY, partial(_if_text, _without_query))
    plain_keys = tuple(edits)
    edits |= dict.fromkeys(drop_fields, lambda _: DROP)
    if not edits:
        return lambda lines: lines
    return _Rewriter(plain_keys, tuple(drop_fields), in_bulk, edits).rewrite


class _Rewriter:
    """Rewrites in bulk what is plain, and the rest line by line."""

    def __init__(
        self,
        plain_keys: Sequence[str],
        dropped: Sequence[str],
        in_bulk: Sequence[Rewrite],
        edits: dict[str, Edit],
    ) -> None:
        self._keys = [f'"{name}"'.encode() for name in plain_keys]
        self._dropped = [f'"{name}"'.encode() for name in dropped]
        names = "|".join(plain_keys)
        self._plain = re.compile(rf'"(?:{names})"\s*:\s*"'.encode())
        self._in_bulk = in_bulk
        self._edits = edits

    def rewrite(self, lines: bytes) -> bytes:
        r"""Return lines, each ended by ``\n``, less personal."""
        if not lines or self._is_plain(lines):
            return self._rewrite_plain(lines)
        # Not splitlines(): a carriage return ends no line.
        return b"".join(self._line(one + b"\n") for one in lines.split(b"\n")[:-1])

    def _line(self, line: bytes) -> bytes:
        if self._is_plain(line):
            return self._rewrite_plain(line)
        try:
            return edit_members(line, self._edits) + b"\n"
        except ValueError:
            return _SHOWN.sub(b"x", line)

    def _is_plain(self, lines: bytes) -> bool:
        r"""Tell whether bulk rewriting finds everything there is to rewrite."""
        if lines.count(b"\n{") != lines.count(b"\n") - 1 or lines[:1] != b"{":
            return False
        if any(name in lines for name in self._dropped):
            return False
        if b"\\u" in lines and _ESCAPED_KEY.search(lines):
            return False
        spelled = sum(map(lines.count, self._keys))
        return spelled == (len(self._plain.findall(lines)) if spelled else 0)

    def _rewrite_plain(self, lines: bytes) -> bytes:
        for one in self._in_bulk:
            lines = one(lines)
        return lines


def _if_text(edit: Callable[[str], str], value: Any) -> Any:
    """Edit a text; keep a null; anything else is no such value, and goes."""
    if value is None:
        return None
    return edit(value) if isinstance(value, str) else ""


def _without_query(uri: str) -> str:
    return _QUERY_START.split(uri, maxsplit=1)[0]


def _rewrite_address(anonymize: Callable[[str], str], match: re.Match[bytes]) -> bytes:
    # What was cut is no address, and gets no digits of its own.
    if not match[3]:
        return match[1]
    return match[1] + anonymize(_text(match[2])).encode() + b'"'


def _text(value: bytes) -> str:
    """Return what a JSON string's inside reads as; ``""`` if it is none."""
    if b"\\" not in value:
        return value.decode("utf-8", "replace")
    try:
        text: str = json.loads(b'"' + value + b'"')
    except ValueError:
        return ""
    return text


def _anonymizer(mode: AnonymizeIp, key: bytes) -> Callable[[str], str]:
    @lru_cache(_CACHED_ADDRESSES)
    def anonymize(address: str) -> str:
        if mode is AnonymizeIp.TRUNCATE:
            return _truncate(address)
        if not _is_address(address):
            return ""
        message = address.encode()
        return hmac.new(key, message, hashlib.sha256).hexdigest()[:32]

    return anonymize


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _truncate(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    prefix = _V4_PREFIX if address.version == 4 else _V6_PREFIX  # noqa: PLR2004
    network = ipaddress.ip_network((address, prefix), strict=False)
    return str(network.network_address)
