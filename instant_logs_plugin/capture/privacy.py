"""Lines made less personal before anything reaches the disk.

Pure: bytes in, bytes out. Works on raw lines, so that a line which is no valid
record is treated as well, and one that was cut within a value. Only ``ClientIP``
and the fields with a query are rewritten: others that can hold an address (headers,
user ids) are not asked for by any preset but ``all``.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache, partial

from instant_logs_plugin.errors import InvalidOption

__all__ = ["AnonymizeIp", "Rewrite", "line_rewriter"]

Rewrite = Callable[[bytes], bytes]

# A value of a line that was cut ends with the line.
_CLIENT_IP = re.compile(rb'("ClientIP"\s*:\s*")([^"\n]*)("?)')
_QUERY = re.compile(
    rb'("(?:ClientRequestURI|ClientRequestReferer)"\s*:\s*"(?:[^"\\?#\n]|\\.)*)'
    rb'[?#](?:[^"\\\n]|\\.)*'
)
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
    mode: AnonymizeIp, key: bytes = b"", *, redact_query: bool = False
) -> Rewrite:
    """Return what rewrites lines; a ``ClientIP`` that is no address becomes ``""``.

    Args:
        mode: What becomes of the address.
        key: The secret of ``hmac``; at least 16 bytes. Not used otherwise.
        redact_query: Cut URIs and referers before their query and fragment.

    Raises:
        InvalidOption: ``hmac`` without such a key.
    """
    if mode is AnonymizeIp.HMAC and len(key) < _KEY_BYTES:
        allowed = f"used with INSTANT_LOGS_HMAC_KEY of at least {_KEY_BYTES} bytes"
        raise InvalidOption("--anonymize-ip", mode.value, allowed)
    rewrites: list[Rewrite] = []
    if mode is not AnonymizeIp.OFF:
        rewrites.append(_address_rewriter(mode, key))
    if redact_query:
        rewrites.append(partial(_QUERY.sub, rb"\1"))

    def rewrite(lines: bytes) -> bytes:
        for one in rewrites:
            lines = one(lines)
        return lines

    return rewrite


def _address_rewriter(mode: AnonymizeIp, key: bytes) -> Rewrite:
    @lru_cache(_CACHED_ADDRESSES)
    def rewrite(address: bytes) -> bytes:
        if mode is AnonymizeIp.TRUNCATE:
            return _truncate(address)
        return hmac.new(key, address, hashlib.sha256).hexdigest()[:32].encode()

    def rewrite_match(match: re.Match[bytes]) -> bytes:
        # What was cut is no address, and gets no digits of its own.
        return match[1] + (rewrite(match[2]) + match[3] if match[3] else b"")

    return partial(_CLIENT_IP.sub, rewrite_match)


def _truncate(text: bytes) -> bytes:
    try:
        address = ipaddress.ip_address(text.decode())
    except ValueError:
        return b""
    prefix = _V4_PREFIX if address.version == 4 else _V6_PREFIX  # noqa: PLR2004
    network = ipaddress.ip_network((address, prefix), strict=False)
    return str(network.network_address).encode()
