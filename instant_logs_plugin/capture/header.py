"""What a journal says of its capture, so that another process can finish it.

Pure: values and text. ``capture.json`` is the *header*: the manifest as it stood when
it was last written, and what only a recovery needs. ``00000.committed`` is a *mark*:
what became of a segment whose lines reached the store. Neither holds a session's URL
or id, a key or a token: sessions are named by their fingerprints.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from instant_logs_plugin.capture.ledger import Committed
from instant_logs_plugin.capture.window import Bounds
from instant_logs_plugin.errors import ConfigurationError
from instant_logs_plugin.store.layout import is_segment_path
from instant_logs_plugin.store.manifest import (
    Manifest,
    build_value,
    format_time,
    manifest_document,
    parse_manifest,
    parse_time,
)

__all__ = [
    "JOURNAL_VERSION",
    "CaptureHeader",
    "CommitMark",
    "format_header",
    "format_mark",
    "parse_header",
    "parse_mark",
    "wall_time",
]

JOURNAL_VERSION = 1

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MALFORMED = (
    ArithmeticError,  # a time out of range
    AttributeError,
    ConfigurationError,  # a bound out of range
    KeyError,
    RecursionError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, kw_only=True)
class CaptureHeader:
    """What was asked of a capture, and how it stood.

    Attributes:
        manifest: As it stood at ``written_at``; of the state ``recording``.
        written_at: When; aware UTC.
        store: Root of the store that the capture belongs to, or None for the one
            that the journal lies in (which can be moved).
        bounds: When it was to end, or None when that is not known.
        fingerprints: Of every session that was created for it, used or not.
    """

    manifest: Manifest
    written_at: datetime
    bounds: Bounds | None = None
    store: str | None = None
    fingerprints: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CommitMark:
    """What became of a segment; its raw lines can go.

    Attributes:
        sequence: The segment's number.
        lines: Lines it held.
        bytes: Their bytes, without newlines.
        received_until_us: When the last of them arrived, microseconds since the epoch.
        committed: Where they are now.
    """

    sequence: int
    lines: int
    bytes: int
    received_until_us: int
    committed: Committed


def wall_time(at_us: int) -> datetime:
    """Return the aware UTC time of microseconds since the epoch."""
    return _EPOCH + timedelta(microseconds=at_us)


def format_header(header: CaptureHeader) -> str:
    """Return the document of a header."""
    document = {
        "journal_version": JOURNAL_VERSION,
        "written_at": format_time(header.written_at),
        "store": header.store,
        "bounds": header.bounds and asdict(header.bounds),
        "fingerprints": list(header.fingerprints),
        "manifest": manifest_document(header.manifest),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def parse_header(text: str, *, path: str) -> CaptureHeader:
    """Return the header in ``text``; ``path`` only names it in errors.

    Raises:
        ValueError: It is none, or of a newer version.
        InvalidManifest: The manifest in it is none.
    """
    try:
        document = json.loads(text)
        _check_version(document["journal_version"])
        return CaptureHeader(
            manifest=parse_manifest(json.dumps(document["manifest"]), path=path),
            written_at=parse_time(document["written_at"]),
            store=document["store"],
            bounds=document["bounds"] and build_value(Bounds, document["bounds"]),
            fingerprints=tuple(map(str, document["fingerprints"])),
        )
    except _MALFORMED as exc:
        raise ValueError(f"not a journal's header: {exc!r}") from exc


def format_mark(mark: CommitMark) -> str:
    """Return the document of a mark."""
    return json.dumps({"journal_version": JOURNAL_VERSION, **asdict(mark)}) + "\n"


def parse_mark(text: str) -> CommitMark:
    """Return the mark in ``text``.

    Raises:
        ValueError: It is none, or of a newer version.
    """
    try:
        document = json.loads(text)
        _check_version(document["journal_version"])
        return _checked(build_value(CommitMark, document))
    except _MALFORMED as exc:
        raise ValueError(f"not a mark: {exc!r}") from exc


def _checked(mark: CommitMark) -> CommitMark:
    """Refuse numbers that cannot be, and a file that is no segment's."""
    done = mark.committed
    wall_time(mark.received_until_us)
    counts = (mark.sequence, mark.lines, mark.bytes, done.written, done.rejected)
    if min(counts) < 0 or done.written + done.rejected > mark.lines:
        raise ValueError("its counts cannot be")
    if done.segment is not None and not is_segment_path(done.segment.path):
        raise ValueError("its path is no segment's")
    return mark


def _check_version(version: int) -> None:
    if version > JOURNAL_VERSION:
        raise ValueError(f"version {version} is newer than {JOURNAL_VERSION}")
