"""Which sessions of a zone are ours: told by fingerprints, never by ids or URLs.

A session's URL is stored nowhere, so a session of ours whose capture is gone cannot
be joined again. It is recognised all the same: it is no stranger's, and when its
capture is over, a new session ends nothing but what nobody reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from instant_logs_plugin.capture.orphan_files import read_orphans
from instant_logs_plugin.capture.recovery import dead_headers
from instant_logs_plugin.store.catalog import list_captures
from instant_logs_plugin.store.filesystem import Store
from instant_logs_plugin.store.manifest import CaptureState, Manifest, SessionSpan

__all__ = ["OwnSession", "read_own_sessions"]


@dataclass(frozen=True, kw_only=True)
class OwnSession:
    """A session that a capture of ours created.

    Attributes:
        capture_id: The capture.
        opened_at: When its stream opened, or when it was known if it never did.
        is_over: Whether nobody of ours reads it any more: the service may list it
            for a while all the same.
    """

    capture_id: str
    opened_at: datetime
    is_over: bool


def read_own_sessions(
    store: Store, journal_root: Path, zone_id: str, *, asking: str | None = None
) -> Mapping[str, OwnSession]:
    """Return the sessions that store and journals know of a zone, by fingerprint.

    Call it while holding the zone: a capture that still says ``recording`` and has
    its journal on this host was killed, or the zone could not be held here. One
    without a journal here may well run on another host, and is left to it. Sessions
    that no manifest names are found in the journals of killed captures, and in what is
    kept of journals that are gone.

    Args:
        store: The store.
        journal_root: The journal.
        zone_id: The zone.
        asking: The capture that asks; its own sessions are not among them.

    Raises:
        StoreError: Store or journal cannot be listed.
    """
    left = {
        fingerprint: OwnSession(capture_id=capture_id, opened_at=known_at, is_over=True)
        for capture_id, known_at, fingerprints in _left(journal_root, zone_id, asking)
        for fingerprint in fingerprints
    }
    return left | {
        session.fingerprint: OwnSession(
            capture_id=manifest.capture_id,
            opened_at=session.opened_at,
            is_over=_is_over(session, manifest, journal_root),
        )
        for manifest in list_captures(store).manifests
        for session in manifest.sessions
        if manifest.zone_id == zone_id and session.fingerprint
    }


def _left(
    journal_root: Path, zone_id: str, asking: str | None
) -> Iterator[tuple[str, datetime, tuple[str, ...]]]:
    """Yield captures that are gone, when they were known to be there, their sessions.

    Journals first, then what is kept of them: that is there before a journal goes.
    """
    for header in dead_headers(journal_root, zone_id, asking=asking):
        yield header.manifest.capture_id, header.written_at, header.fingerprints
    for kept in read_orphans(journal_root, zone_id):
        yield kept.capture_id, kept.known_at, kept.fingerprints


def _is_over(session: SessionSpan, manifest: Manifest, journal_root: Path) -> bool:
    if session.ended_at or manifest.state is not CaptureState.RECORDING:
        return True
    return (journal_root / manifest.capture_id).is_dir()
