"""How fast segments are committed, and so how much may wait for it.

Pure. A capture that is stopped commits all that it received, so what waits must be no
more than can be committed soon. Where commits hang nothing is held back: the journal
has room, and what the stream brings is worth more than a quick end.
"""

from __future__ import annotations

__all__ = ["CommitPace"]

_END_WITHIN_S = 0.7
_LEAST_BYTES, _MOST_BYTES = 8 * 2**20, 128 * 2**20
_FIRST_BYTES = 16 * 2**20
_HANGS_S = 5.0


class CommitPace:
    """Told when commits begin and end; times are monotonic seconds."""

    def __init__(self) -> None:
        self._began_at: float | None = None
        self._limit_bytes = float(_FIRST_BYTES)

    def began(self, now: float) -> None:
        """Note that a segment is being committed."""
        self._began_at = now

    def ended(self, now: float, size_bytes: int) -> None:
        """Note that a segment of this size is committed."""
        took_s = max(now - (self._began_at or now), 1e-3)
        pace = size_bytes / took_s * _END_WITHIN_S
        self._limit_bytes = min(max(pace, _LEAST_BYTES), _MOST_BYTES)
        self._began_at = None

    def is_due(self, unsealed_bytes: int) -> bool:
        """Tell whether to seal what there is: a third of all that may wait.

        So one third is written and another one decoded while the last one comes.
        """
        return unsealed_bytes >= self._limit_bytes / 3

    def is_outrun(self, now: float, uncommitted_bytes: int) -> bool:
        """Tell whether more waits than can be committed soon."""
        hangs = self._began_at is not None and now >= self._began_at + _HANGS_S
        return uncommitted_bytes > self._limit_bytes and not hangs
