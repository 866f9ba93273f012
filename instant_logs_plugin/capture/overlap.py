r"""Records delivered twice where one stream follows another: kept once.

Pure: told lines and times. Around a renewal or a rejoin the service can send again
what the stream before was sent last. A record is known by its ``RayID``; as ray ids
are not globally unique, only those of the last lines before a stream opened count,
and only for a moment after it. Lines are merely kept in mind while one stream runs,
up to a bound in bytes, and looked into when another one opens.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator

from instant_logs_plugin.capture.framing import Framed

__all__ = ["OVERLAP_BYTES", "OVERLAP_S", "RAY_ID", "Overlap"]

RAY_ID = "RayID"
OVERLAP_S = 10.0
"""Twice the most that the service was seen to be behind an event."""
OVERLAP_BYTES = 16 * 2**20
"""Above it the oldest lines are forgotten first: about 50,000 are known then."""

_KEY = b'"RayID"'
_RAY_ID = re.compile(rb'"RayID"\s*:\s*"([^"\\]+)"')


class Overlap:
    """What one capture's streams delivered last.

    Args:
        is_told: Whether records carry their ``RayID``; without it nothing is
            known, and every line is kept.
        span_s: For how long before and after a stream's opening records are compared.
        limit_bytes: The most that is kept in mind.
    """

    def __init__(
        self,
        *,
        is_told: bool,
        span_s: float = OVERLAP_S,
        limit_bytes: int = OVERLAP_BYTES,
    ) -> None:
        self._is_told = is_told
        self._span_s, self._limit_bytes = span_s, limit_bytes
        self._recent: deque[tuple[float, bytes]] = deque()
        self._held_bytes = 0
        self._known: frozenset[bytes] = frozenset()
        self._closes_at = 0.0

    @property
    def held_bytes(self) -> int:
        """Bytes of lines kept in mind."""
        return self._held_bytes

    def opened(self, now: float) -> None:
        """Another stream is open: from now on it may repeat the last lines."""
        self._known = frozenset(_ray_ids(data for _, data in self._recent))
        self._closes_at = now + self._span_s

    def keep(self, framed: Framed, now: float) -> Framed:
        """Return the lines that no stream before delivered; remembers all of them."""
        if not self._is_told or not framed.line_count:
            return framed
        self._remember(framed.data, now)
        if not self._known:
            return framed
        if now >= self._closes_at:
            self._known = frozenset()
            return framed
        return self._without_known(framed)

    def _remember(self, data: bytes, now: float) -> None:
        self._recent.append((now, data[-self._limit_bytes :]))
        self._held_bytes += len(self._recent[-1][1])
        while (
            self._held_bytes > self._limit_bytes
            or self._recent[0][0] < now - self._span_s
        ):
            self._held_bytes -= len(self._recent.popleft()[1])

    def _without_known(self, framed: Framed) -> Framed:
        lines = framed.data.split(b"\n")[:-1]
        kept = [line for line in lines if _ray_id(line) not in self._known]
        if len(kept) == len(lines):
            return framed
        return Framed(b"".join(line + b"\n" for line in kept), len(kept))


def _ray_ids(parts: Iterable[bytes]) -> Iterator[bytes]:
    for part in parts:
        for line in part.split(b"\n"):
            ray_id = _ray_id(line)
            if ray_id is not None:
                yield ray_id


def _ray_id(line: bytes) -> bytes | None:
    """Return a record's ray id; None when it has none, or is no record."""
    match = _RAY_ID.search(line)
    if match is None:
        return None
    return match[1] if line.count(_KEY) == 1 else _parsed_ray_id(line)


def _parsed_ray_id(line: bytes) -> bytes | None:
    """Find the record's own key among others that are spelled like it."""
    try:
        value = json.loads(line).get(RAY_ID)
    except (ValueError, RecursionError, AttributeError):
        return None
    return value.encode() if isinstance(value, str) and value else None
