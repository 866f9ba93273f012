"""Client addresses made less personal before anything reaches the disk.

Pure: bytes in, bytes out. Works on raw lines, so that a line which is no valid
record is treated as well. Only ``ClientIP`` is rewritten: other fields that can
hold an address (headers, user ids) are not asked for by any preset but ``all``.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache

from instant_logs_plugin.errors import InvalidOption

__all__ = ["AnonymizeIp", "ip_rewriter"]

_CLIENT_IP = re.compile(rb'("ClientIP"\s*:\s*)"([^"]*)"')
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


def ip_rewriter(mode: AnonymizeIp, key: bytes) -> Callable[[bytes], bytes]:
    """Return what rewrites lines; a text that is no address becomes ``""``.

    Args:
        mode: What becomes of the address.
        key: The secret of ``hmac``; at least 16 bytes. Not used otherwise.

    Raises:
        InvalidOption: ``hmac`` without such a key.
    """
    if mode is AnonymizeIp.OFF:
        return lambda lines: lines
    if mode is AnonymizeIp.HMAC and len(key) < _KEY_BYTES:
        allowed = f"used with INSTANT_LOGS_HMAC_KEY of at least {_KEY_BYTES} bytes"
        raise InvalidOption("--anonymize-ip", mode.value, allowed)

    @lru_cache(_CACHED_ADDRESSES)
    def rewrite(address: bytes) -> bytes:
        if mode is AnonymizeIp.TRUNCATE:
            return _truncate(address)
        return hmac.new(key, address, hashlib.sha256).hexdigest()[:32].encode()

    def rewrite_match(match: re.Match[bytes]) -> bytes:
        return match[1] + b'"' + rewrite(match[2]) + b'"'

    return lambda lines: _CLIENT_IP.sub(rewrite_match, lines)


def _truncate(text: bytes) -> bytes:
    try:
        address = ipaddress.ip_address(text.decode())
    except ValueError:
        return b""
    prefix = _V4_PREFIX if address.version == 4 else _V6_PREFIX  # noqa: PLR2004
    network = ipaddress.ip_network((address, prefix), strict=False)
    return str(network.network_address).encode()
