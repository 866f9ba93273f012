"""Pruning: old captures go whole, running ones and strangers' files stay."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from instant_logs_plugin.store.catalog import (
    list_captures,
    read_manifest,
    stray_problems,
)
from instant_logs_plugin.store.filesystem import Store
from instant_logs_plugin.store.layout import (
    capture_id_at,
    manifest_path,
    rejects_path,
    segment_path,
)
from instant_logs_plugin.store.manifest import (
    CaptureState,
    Manifest,
    Request,
    Segment,
    format_manifest,
)
from instant_logs_plugin.store.retention import Pruned, prune_captures

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
OLD, NEW = NOW - timedelta(days=9), NOW - timedelta(days=1)
BEFORE = NOW - timedelta(days=7)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def add_capture(
    store: Store,
    started_at: datetime,
    *,
    state: CaptureState = CaptureState.COMPLETE,
    has_manifest: bool = True,
) -> str:
    """Store a capture of one segment of nine bytes, and as many of rejects."""
    capture_id = capture_id_at(started_at, "aa")
    path = segment_path(
        zone_id="z", capture_id=capture_id, started_at=started_at, sequence=0
    )
    store.write_bytes(path, b"x" * 9)
    store.write_bytes(rejects_path(capture_id), b"y" * 9)
    if has_manifest:
        manifest = Manifest(
            capture_id=capture_id,
            zone_id="z",
            state=state,
            request=Request(fields=("RayID",)),
            started_at=started_at,
            ended_at=None if state is CaptureState.RECORDING else started_at,
            segments=(Segment(path=path, rows=1, bytes=9, sha256=""),),
        )
        document = format_manifest(manifest).encode()
        store.write_bytes(manifest_path(capture_id), document)
    return capture_id


def files(store: Store) -> set[str]:
    return {one.name for one in store.root.rglob("*") if one.is_file()}


def test_old_captures_go_whole(store: Store) -> None:
    """Manifest, segments and rejects; newer ones keep all of theirs."""
    old, new = add_capture(store, OLD), add_capture(store, NEW)
    pruned = prune_captures(store, before=BEFORE)
    assert pruned.capture_ids == (old,)
    assert pruned.bytes > 18
    assert files(store) == {
        f"{new}.json",
        f"{new}.ndjson",
        f"{new}-00000.parquet",
    }
    assert stray_problems(store) == {}
    assert prune_captures(store, before=BEFORE) == Pruned()


def test_a_capture_that_runs_stays(store: Store) -> None:
    """However old: it has not ended, or is to be recovered."""
    running = add_capture(store, OLD, state=CaptureState.RECORDING)
    assert prune_captures(store, before=BEFORE) == Pruned()
    assert [one.capture_id for one in list_captures(store).manifests] == [running]


def test_what_a_killed_pruning_left_goes_with_the_next(store: Store) -> None:
    """Files of an old capture whose manifest is gone; a new one's are left alone."""
    add_capture(store, OLD, has_manifest=False)
    new = add_capture(store, NEW, has_manifest=False)
    store.write_bytes("requests/zone_id=z/date=2026-03-01/mine.parquet", b"z")
    assert prune_captures(store, before=BEFORE).bytes == 18
    assert files(store) == {f"{new}.ndjson", f"{new}-00000.parquet", "mine.parquet"}


@pytest.mark.parametrize("named", ["../outside", "manifests/kept.json"])
def test_a_manifest_cannot_have_other_files_removed(named: str, store: Store) -> None:
    """It names segments of its store; what else it names stays."""
    path = store.root / named
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"precious")
    old = add_capture(store, OLD)
    segment = Segment(path=named, rows=1, bytes=8, sha256="")
    manifest = replace(read_manifest(store, old), segments=(segment,))
    store.write_bytes(manifest_path(old), format_manifest(manifest).encode())
    assert prune_captures(store, before=BEFORE).capture_ids == (old,)
    assert path.read_bytes() == b"precious"


def test_an_unreadable_manifest_keeps_its_files(store: Store) -> None:
    """Nothing is removed that nobody can say the age of."""
    old = add_capture(store, OLD)
    store.write_bytes(manifest_path(old), b"{")
    before = files(store)
    assert prune_captures(store, before=BEFORE) == Pruned()
    assert files(store) == before


def test_an_absent_store_holds_nothing_to_prune(store: Store) -> None:
    """It need not exist yet."""
    assert prune_captures(store, before=BEFORE) == Pruned()
