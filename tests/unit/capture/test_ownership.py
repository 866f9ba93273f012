"""Which sessions are ours, and whether anybody of ours still reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from instant_logs_plugin.capture.ownership import read_own_sessions
from instant_logs_plugin.store.filesystem import Store
from instant_logs_plugin.store.layout import manifest_path
from instant_logs_plugin.store.manifest import (
    CaptureState,
    Manifest,
    Request,
    SessionSpan,
    format_manifest,
)

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def add(
    store: Store,
    name: str,
    state: CaptureState,
    *sessions: SessionSpan,
    zone: str = "z",
) -> None:
    manifest = Manifest(
        capture_id=name,
        zone_id=zone,
        state=state,
        request=Request(fields=("RayID",)),
        started_at=AT,
        sessions=sessions,
    )
    store.write_bytes(manifest_path(name), format_manifest(manifest).encode())


def test_only_what_runs_may_still_be_read(store: Store, tmp_path: Path) -> None:
    """What a capture that runs reads is not over; another zone's is not ours."""
    ended = SessionSpan(opened_at=AT, ended_at=AT, fingerprint="f1")
    running = SessionSpan(opened_at=AT, fingerprint="f2")
    unknown = SessionSpan(opened_at=AT)
    add(store, "a", CaptureState.RECORDING, ended, running, unknown)
    lapsed = SessionSpan(opened_at=AT, fingerprint="f3")
    add(store, "b", CaptureState.RECOVERED, lapsed)
    other = SessionSpan(opened_at=AT, fingerprint="f4")
    add(store, "c", CaptureState.RECORDING, other, zone="y")
    own = read_own_sessions(store, tmp_path / "journal", "z")
    found = {name: (one.capture_id, one.is_over) for name, one in own.items()}
    assert found == {"f1": ("a", True), "f2": ("a", False), "f3": ("b", True)}


def test_a_capture_killed_on_this_host_is_over(store: Store, tmp_path: Path) -> None:
    """Its journal is here and the zone is held by who asks: nobody else reads it."""
    running = SessionSpan(opened_at=AT, fingerprint="f2")
    add(store, "a", CaptureState.RECORDING, running)
    (tmp_path / "journal" / "a").mkdir(parents=True)
    own = read_own_sessions(store, tmp_path / "journal", "z")
    assert own["f2"].is_over
