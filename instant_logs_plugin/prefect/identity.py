"""Which capture a flow run is: the same one however often the run is run.

A capture's id is its start time and a token made of the flow run's id, the zone, and
the number of the capture in that run. A run that is run again (by a person, or by a
worker that lost it) finds what it recorded before: a capture that reached its end is
returned as it is; one that did not stays as it is, and the new attempt records under
an id of its own. So no attempt ever writes into a capture of another one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from uuid import UUID

from instant_logs_plugin.errors import InvalidManifest
from instant_logs_plugin.store.catalog import read_manifest
from instant_logs_plugin.store.filesystem import Store
from instant_logs_plugin.store.layout import MANIFESTS, capture_id_at
from instant_logs_plugin.store.manifest import CaptureState, Manifest

__all__ = ["RunCapture", "call_number", "capture_token", "find_run_capture"]

_DIGITS = 12
_ENDED = {CaptureState.COMPLETE, CaptureState.PARTIAL}
_calls: dict[tuple[UUID, datetime | None, str], list[UUID]] = {}


@dataclass(frozen=True)
class RunCapture:
    """What a flow run is to record.

    Attributes:
        capture_id: The id to record under.
        done: What an earlier attempt recorded to its end, or None: record now.
    """

    capture_id: str
    done: Manifest | None


def capture_token(run_id: UUID, zone_id: str, number: int) -> str:
    """Return 12 hex digits that stand for the n-th capture of a zone in a run."""
    text = f"{run_id}/{zone_id}/{number}"
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def call_number(
    run_id: UUID, started_at: datetime | None, zone_id: str, task_id: UUID
) -> int:
    """Return which capture of a zone in this attempt of a run a task is, from 0.

    A retried task keeps its number.
    """
    tasks = _calls.setdefault((run_id, started_at, zone_id), [])
    if task_id not in tasks:
        tasks.append(task_id)
    return tasks.index(task_id)


def find_run_capture(
    store: Store,
    journal_root: Path,
    token: str,
    *,
    now: datetime,
    min_coverage: float,
) -> RunCapture:
    """Return what is left to record for a token.

    Args:
        store: Where the run's earlier attempts stored what they recorded.
        journal_root: Where those that were killed left their journals.
        token: Of the run's capture.
        now: Start of a new capture.
        min_coverage: Below it an earlier capture has not reached its end.

    Raises:
        StoreUnreadable: The file system refused.
    """
    tried = sorted(_attempts(store, journal_root, token))
    for capture_id in reversed(tried):
        manifest = _read(store, capture_id)
        if manifest is not None and _reached_end(manifest, min_coverage):
            return RunCapture(capture_id, manifest)
    suffix = f"{token}-{len(tried) + 1}" if tried else token
    return RunCapture(capture_id_at(now, suffix), None)


def _attempts(store: Store, journal_root: Path, token: str) -> set[str]:
    stems = {PurePosixPath(name).stem for name in store.list_names(MANIFESTS)}
    return {name for name in stems | _names(journal_root) if _holds(name, token)}


def _names(directory: Path) -> set[str]:
    paths: Iterable[Path] = directory.iterdir() if directory.is_dir() else ()
    return {path.name.removesuffix(".lock") for path in paths}


def _holds(capture_id: str, token: str) -> bool:
    return token in capture_id.split("-")


def _read(store: Store, capture_id: str) -> Manifest | None:
    if store.size(f"{MANIFESTS}/{capture_id}.json") is None:
        return None
    try:
        return read_manifest(store, capture_id)
    except InvalidManifest:
        return None


def _reached_end(manifest: Manifest, min_coverage: float) -> bool:
    return manifest.state in _ENDED and manifest.coverage >= min_coverage
