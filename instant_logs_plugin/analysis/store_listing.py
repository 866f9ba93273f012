"""What a store holds, as its manifests say: the files that queries may read.

The manifests are the authority: a Parquet file that none names is not read. One that
is damaged, and a segment that is missing, is told and left out; it hides no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from instant_logs_plugin.errors import CaptureNotFound
from instant_logs_plugin.store.catalog import list_captures
from instant_logs_plugin.store.filesystem import Store, open_store
from instant_logs_plugin.store.layout import (
    is_segment_path,
    manifest_path,
    rejects_path,
)
from instant_logs_plugin.store.manifest import Manifest, Segment

__all__ = ["StoreListing", "list_store"]


@dataclass(frozen=True, kw_only=True)
class StoreListing:
    """Absolute paths, sorted by capture.

    Attributes:
        manifests: Manifests that are whole.
        segments: Parquet files that these name and that exist.
        rejects: Reject files of these captures; one without rejects has none.
        fields: Every field that one of the captures asked for.
        problems: What was left out, one sentence each.
    """

    root: Path
    manifests: tuple[Path, ...] = ()
    segments: tuple[Path, ...] = ()
    rejects: tuple[Path, ...] = ()
    fields: frozenset[str] = frozenset()
    problems: tuple[str, ...] = ()


def list_store(uri: str, captures: Sequence[str] | None = None) -> StoreListing:
    """Read the manifests of a local store.

    Args:
        uri: Its directory or ``file://`` URI; one that does not exist holds nothing.
        captures: Ids to restrict to, exact; None for all, empty for none.

    Raises:
        InvalidOption: A store of another kind.
        CaptureNotFound: An id in ``captures`` that no whole manifest has.
    """
    store = open_store(uri)
    listing = list_captures(store)
    manifests = _chosen(listing.manifests, captures)
    problems = [] if store.root.is_dir() else [f"store {store.root} does not exist"]
    problems += [f"left out: {problem}" for problem in listing.unreadable]
    rejects = [rejects_path(manifest.capture_id) for manifest in manifests]
    return StoreListing(
        root=store.root,
        manifests=tuple(store.root / manifest_path(m.capture_id) for m in manifests),
        segments=tuple(_segments(store, manifests, problems)),
        rejects=tuple(store.root / path for path in rejects if store.size(path)),
        fields=frozenset(name for m in manifests for name in m.request.fields),
        problems=tuple(problems),
    )


def _chosen(
    manifests: Sequence[Manifest], captures: Sequence[str] | None
) -> list[Manifest]:
    if captures is None:
        return list(manifests)
    found = {manifest.capture_id: manifest for manifest in manifests}
    if missing := [name for name in captures if name not in found]:
        raise CaptureNotFound(missing[0])
    return [one for one in manifests if one.capture_id in set(captures)]


def _segments(
    store: Store, manifests: Sequence[Manifest], problems: list[str]
) -> Iterator[Path]:
    for manifest in manifests:
        for segment in manifest.segments:
            if problem := _segment_problem(store, segment):
                of = f"capture {manifest.capture_id}, {segment.rows} rows"
                problems.append(f"left out: {segment.path} ({of}) {problem}")
            else:
                yield store.root / segment.path


def _segment_problem(store: Store, segment: Segment) -> str:
    if not is_segment_path(segment.path):
        return "is not a segment's name"
    return "" if store.size(segment.path) else "is missing or empty"
