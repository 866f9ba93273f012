"""Sessions that were created for a capture and that no manifest will ever name.

Pure: values and text. A session whose stream never opened is in no manifest, and the
journal that names it goes with its capture; but the service may list it, and it must
not be taken for a stranger's. What is kept of it is its fingerprint, for as long as
any session can be listed: an hour of life, and a margin. That the service drops a
session after five minutes unread is documented, that it lists none such is not; and a
fingerprint kept for longer is never wrong, as no two sessions have the same.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from instant_logs_plugin.capture.header import JOURNAL_VERSION, CaptureHeader
from instant_logs_plugin.edge.session import SESSION_LIFETIME_S
from instant_logs_plugin.store.manifest import Manifest, format_time, parse_time

__all__ = [
    "Orphans",
    "find_orphans",
    "format_orphans",
    "may_be_listed",
    "parse_orphans",
]

_LISTED = timedelta(seconds=SESSION_LIFETIME_S + 300.0)
_FINGERPRINT = re.compile("[0-9a-f]{16}")
_MALFORMED = (
    ArithmeticError,  # a time out of range
    AttributeError,
    KeyError,
    RecursionError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, kw_only=True)
class Orphans:
    """The sessions of one capture that are in no manifest.

    Attributes:
        zone_id: Their zone.
        capture_id: For which they were created.
        known_at: When they were known to be there; aware UTC.
        fingerprints: In order of creation; one at least.
    """

    zone_id: str
    capture_id: str
    known_at: datetime
    fingerprints: tuple[str, ...]

    @property
    def name(self) -> str:
        """A name that no other capture's have, and that stays if there come more."""
        return self.fingerprints[0]


def find_orphans(
    header: CaptureHeader, published: Manifest | None = None
) -> Orphans | None:
    """Return the sessions that a capture created and no manifest of it names.

    Args:
        header: What the journal says of the capture.
        published: What the store says of it; may know of streams that opened since.
    """
    manifest = header.manifest
    manifests = (manifest, published) if published else (manifest,)
    named = {session.fingerprint for one in manifests for session in one.sessions}
    left = (one for one in header.fingerprints if one not in named)
    fingerprints = tuple(one for one in left if _FINGERPRINT.fullmatch(one))
    if not fingerprints:
        return None
    return Orphans(
        zone_id=manifest.zone_id,
        capture_id=manifest.capture_id,
        known_at=header.written_at,
        fingerprints=fingerprints,
    )


def may_be_listed(known_at: datetime, now: datetime) -> bool:
    """Tell whether the service can still list a session known at that time.

    A time as far ahead is that of another clock, and as good as one long ago.
    """
    return abs(now - known_at) < _LISTED


def format_orphans(orphans: Orphans) -> str:
    """Return their document."""
    document = {
        "journal_version": JOURNAL_VERSION,
        "zone_id": orphans.zone_id,
        "capture_id": orphans.capture_id,
        "known_at": format_time(orphans.known_at),
        "fingerprints": orphans.fingerprints,
    }
    return json.dumps(document) + "\n"


def parse_orphans(text: str) -> Orphans:
    """Return the orphans in ``text``.

    Raises:
        ValueError: It holds none.
    """
    try:
        document = json.loads(text)
        found = Orphans(
            zone_id=str(document["zone_id"]),
            capture_id=str(document["capture_id"]),
            known_at=parse_time(document["known_at"]),
            fingerprints=tuple(map(str, document["fingerprints"])),
        )
    except _MALFORMED as exc:
        raise ValueError(f"no orphans: {exc!r}") from exc
    return found
