"""Removing captures that are older than they are to be kept.

A capture's manifest goes first: from then on no reader of ours knows its files. What
a kill leaves after that is named by no manifest, and goes with the next pruning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath

from instant_logs_plugin.store.catalog import list_captures
from instant_logs_plugin.store.filesystem import Store
from instant_logs_plugin.store.layout import (
    REJECTS,
    REQUESTS,
    is_segment_path,
    manifest_path,
    rejects_path,
    report_path,
)
from instant_logs_plugin.store.manifest import CaptureState, Manifest

__all__ = ["Pruned", "prune_captures"]

_STARTED = re.compile(r"(\d{8}T\d{6})\d{3}Z-")


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """What was removed.

    Attributes:
        capture_ids: The captures, oldest first.
        bytes: What their files took.
    """

    capture_ids: tuple[str, ...] = ()
    bytes: int = 0


def prune_captures(store: Store, *, before: datetime) -> Pruned:
    """Remove the captures that ended before a time; running ones stay.

    Args:
        store: The store.
        before: Aware time.

    Raises:
        StoreError: The file system refused; what was removed until then is gone.
    """
    listing = list_captures(store)
    old = [one for one in listing.manifests if _ended(one, before)]
    size = sum(_remove(store, one) for one in old)
    kept = {one.capture_id for one in listing.manifests}
    kept |= {PurePosixPath(bad.path).stem for bad in listing.unreadable}
    for path in _leftovers(store, kept, before):
        size += store.remove(path)
    return Pruned(capture_ids=tuple(one.capture_id for one in old), bytes=size)


def _ended(manifest: Manifest, before: datetime) -> bool:
    if manifest.state is CaptureState.RECORDING:
        return False
    return (manifest.ended_at or manifest.started_at) < before


def _remove(store: Store, manifest: Manifest) -> int:
    capture_id = manifest.capture_id
    paths = [manifest_path(capture_id), rejects_path(capture_id)]
    paths.append(report_path(capture_id))
    # A manifest that names anything else is not let out of the store's segments.
    named = (segment.path for segment in manifest.segments)
    paths += filter(is_segment_path, named)
    return sum(store.remove(path) for path in paths)


def _leftovers(store: Store, kept: set[str], before: datetime) -> list[str]:
    """Return files of captures that have no manifest, and by their id are old."""
    paths = [*store.list_tree(REQUESTS), *store.list_tree(REJECTS)]
    return [
        path
        for path in paths
        if (name := PurePosixPath(path).name.lstrip(".")).partition(".")[0]
        and not any(name.startswith(one) for one in kept)
        and _started_before(name, before)
    ]


def _started_before(name: str, before: datetime) -> bool:
    match = _STARTED.match(name)
    if match is None:
        return False
    started_at = datetime.strptime(match[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return started_at < before
