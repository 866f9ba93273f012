"""The manifest: the JSON document that says what a capture is (design §6).

Pure: text in, values out. Times are aware UTC datetimes here and ISO 8601 with
microseconds and ``Z`` in the document. A reader ignores keys it does not know;
a document of a newer ``schema_version`` is refused.
"""

from __future__ import annotations

import json
import types
import typing
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from instant_logs_plugin.errors import InvalidManifest

__all__ = [
    "SCHEMA_VERSION",
    "CaptureState",
    "Gap",
    "Manifest",
    "Request",
    "Sampling",
    "Segment",
    "SessionSpan",
    "WindowSpan",
    "build_value",
    "format_manifest",
    "format_time",
    "manifest_document",
    "parse_manifest",
    "parse_time",
]

T = typing.TypeVar("T")

SCHEMA_VERSION = 1
_MALFORMED = (
    ArithmeticError,  # a number or a date out of range
    AttributeError,
    KeyError,
    RecursionError,
    TypeError,
    ValueError,
)


class CaptureState(StrEnum):
    """How far a capture got."""

    RECORDING = "recording"
    """Still running, or killed and not yet recovered."""
    COMPLETE = "complete"
    """Ended by its own bound, with no gap."""
    PARTIAL = "partial"
    """Ended by its own bound, with gaps."""
    INTERRUPTED = "interrupted"
    """Ended by a signal or a cancellation."""
    FAILED = "failed"
    """Could not go on."""
    RECOVERED = "recovered"
    """Finished from its journal after a crash."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was asked for; ``filter`` is canonical JSON or ``""``.

    ``anonymize_ip`` says what became of ``ClientIP`` before it was stored,
    ``redact_query`` whether queries were cut off, ``drop_fields`` what was removed.
    """

    fields: tuple[str, ...]
    filter: str = ""
    sample: int = 1
    preset: str | None = None
    anonymize_ip: str = "off"
    redact_query: bool = False
    drop_fields: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class WindowSpan:
    """The half-open span ``[start, end)``; None while it is not yet known."""

    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class SessionSpan:
    """One session: when its stream opened and why it ended.

    ``fingerprint`` recognises the session in the service's list; it is a hash.
    """

    opened_at: datetime
    ended_at: datetime | None = None
    end_reason: str | None = None
    fingerprint: str | None = None


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A half-open span inside the window with no stream."""

    started_at: datetime
    ended_at: datetime
    reason: str


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A committed Parquet file; ``path`` is relative to the store's root."""

    path: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """The sample intervals that were met.

    Attributes:
        model: ``exclusive``: a record stands for ``sampleInterval`` times the
            ``sample`` asked for; ``inclusive``: for ``sampleInterval`` alone.
        min: Smallest interval met, or None when no record carried one.
        max: Largest interval met, or None when no record carried one.
    """

    model: str = "exclusive"
    min: int | None = None
    max: int | None = None


@dataclass(frozen=True, kw_only=True)
class Inbox:
    """The most that ever waited in memory between socket and journal."""

    high_water_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Everything that is known of a capture; see the module for its JSON form.

    ``received = written + rejected + duplicates`` once the state is no longer
    ``recording``; ``late`` of the written began over 30 s before their session;
    ``bytes`` counts the lines received, without their newlines;
    ``coverage`` is the recorded share of the window, 0 to 1; ``lease_lost_at`` is
    when the zone's lease could no longer be kept, or None.
    """

    capture_id: str
    zone_id: str
    state: CaptureState
    request: Request
    started_at: datetime
    end_reason: str | None = None
    error: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    window: WindowSpan = WindowSpan()
    ended_at: datetime | None = None
    received: int = 0
    written: int = 0
    rejected: int = 0
    duplicates: int = 0
    late: int = 0
    bytes: int = 0
    messages: int = 0
    sessions: tuple[SessionSpan, ...] = ()
    gaps: tuple[Gap, ...] = ()
    coverage: float = 0.0
    segments: tuple[Segment, ...] = ()
    sampling: Sampling = Sampling()
    inbox: Inbox = Inbox()
    lease_lost_at: datetime | None = None
    versions: dict[str, str] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION


def format_time(value: datetime) -> str:
    """Return ISO 8601 UTC with microseconds and ``Z``."""
    return (
        value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    )


def parse_time(text: str) -> datetime:
    """Return the aware UTC time that an ISO 8601 text names.

    Raises:
        ValueError: The text is no ISO 8601 time with an offset.
    """
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return value.astimezone(UTC)


def format_manifest(manifest: Manifest) -> str:
    """Return the document: two-space indent, keys in the order of the fields."""

    def plain(value: object) -> str:
        if isinstance(value, datetime):
            return format_time(value)
        raise TypeError(f"{type(value).__name__} in a manifest")

    document = json.dumps(asdict(manifest), default=plain, indent=2, ensure_ascii=False)
    # A lone surrogate (of a reply's words, say) is no UTF-8: it becomes "?".
    return document.encode(errors="replace").decode() + "\n"


def manifest_document(manifest: Manifest) -> dict[str, Any]:
    """Return the document as plain values: what JSON would give back."""
    document: dict[str, Any] = json.loads(format_manifest(manifest))
    return document


def parse_manifest(text: str, *, path: str) -> Manifest:
    """Return the manifest in ``text``; ``path`` only names it in errors.

    Raises:
        InvalidManifest: Not JSON, not a manifest, or of a newer schema.
    """
    try:
        document = json.loads(text)
        version = document["schema_version"]
        if version > SCHEMA_VERSION:
            raise InvalidManifest(
                path, f"schema {version}, newer than {SCHEMA_VERSION}"
            )
        return build_value(Manifest, document)
    except _MALFORMED as exc:
        raise InvalidManifest(path, f"not a manifest: {exc!r}") from exc


def build_value(kind: type[T], document: dict[str, Any]) -> T:
    """Build a dataclass from the keys it knows, by the types it declares.

    Raises:
        AttributeError, KeyError, OverflowError, TypeError, ValueError: A value is not
            of its type, or one that is needed is missing.
    """
    hints = typing.get_type_hints(kind)
    known = {f.name: hints[f.name] for f in fields(kind)}  # type: ignore[arg-type] # one
    values = {
        name: _value(hint, document[name])
        for name, hint in known.items()
        if name in document
    }
    return kind(**values)


def _value(hint: Any, value: Any) -> object:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        present = next(arg for arg in args if arg is not type(None))
        return None if value is None else _value(present, value)
    if origin is tuple:
        return tuple(_value(args[0], item) for item in value)
    if origin is dict:
        return {str(key): str(item) for key, item in value.items()}
    if is_dataclass(hint):
        return build_value(typing.cast("type", hint), value)
    return _scalar(hint, value)


def _scalar(hint: Any, value: Any) -> object:
    if hint is datetime:
        return parse_time(value)
    if issubclass(hint, StrEnum):
        return hint(value)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise TypeError(f"{value!r} is no {hint.__name__}")
    return value
