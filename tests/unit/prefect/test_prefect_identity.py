"""Which capture a flow run is, whatever was left of its earlier attempts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from instant_logs_plugin.prefect.identity import (
    RunCapture,
    call_number,
    capture_token,
    find_run_capture,
)
from instant_logs_plugin.store.filesystem import Store
from instant_logs_plugin.store.layout import (
    capture_id_at,
    check_capture_id,
    manifest_path,
)
from instant_logs_plugin.store.manifest import (
    CaptureState,
    Manifest,
    Request,
    format_manifest,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RUN = UUID("0194f0c5-0000-7000-8000-000000000001")
TOKEN = capture_token(RUN, "z", 0)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def find(store: Store, *, min_coverage: float = 0.9) -> RunCapture:
    journal = store.root / ".journal"
    return find_run_capture(store, journal, TOKEN, now=NOW, min_coverage=min_coverage)


def add(store: Store, capture_id: str, state: CaptureState, coverage: float) -> None:
    manifest = Manifest(
        capture_id=capture_id,
        zone_id="z",
        state=state,
        request=Request(fields=("RayID",)),
        started_at=NOW,
        coverage=coverage,
    )
    document = format_manifest(manifest).encode()
    store.write_bytes(manifest_path(capture_id), document)


def test_a_token_is_of_one_capture_of_one_run() -> None:
    """Short, without a secret, and another one for whatever differs."""
    tokens = {
        capture_token(run, zone, number)
        for run in (RUN, uuid4())
        for zone in ("z", "y")
        for number in (0, 1)
    }
    assert len(tokens) == 8
    assert all(len(token) == 12 and token.isalnum() for token in tokens)


def test_a_first_attempt_records_under_its_token(store: Store) -> None:
    """The id sorts by the start and can be a file's name."""
    found = find(store)
    assert found == RunCapture(capture_id_at(NOW, TOKEN), None)
    assert check_capture_id(found.capture_id) == found.capture_id


@pytest.mark.parametrize(
    ("state", "coverage", "is_done"),
    [
        (CaptureState.COMPLETE, 1.0, True),
        (CaptureState.PARTIAL, 0.95, True),
        (CaptureState.PARTIAL, 0.5, False),
        (CaptureState.RECORDING, 1.0, False),
        (CaptureState.INTERRUPTED, 1.0, False),
        (CaptureState.FAILED, 1.0, False),
        (CaptureState.RECOVERED, 0.95, False),
    ],
)
def test_what_reached_its_end_is_taken(
    state: CaptureState, coverage: float, *, is_done: bool, store: Store
) -> None:
    """Everything else stays, and the next attempt has an id of its own."""
    first = capture_id_at(NOW, TOKEN)
    add(store, first, state, coverage)
    found = find(store)
    if is_done:
        assert found.done is not None
        assert found.capture_id == first
    else:
        assert found == RunCapture(f"{first}-2", None)


def test_a_killed_attempt_is_counted_by_its_journal(store: Store) -> None:
    """Killed before its first manifest, it has a journal under its id."""
    first = capture_id_at(NOW, TOKEN)
    (store.root / ".journal" / first).mkdir(parents=True)
    (store.root / ".journal" / f"{first}.lock").touch()
    assert find(store).capture_id == f"{first}-2"
    (store.root / ".journal" / f"{first}-2.lock").touch()
    assert find(store).capture_id == f"{first}-3"


def test_an_unreadable_manifest_is_an_attempt(store: Store) -> None:
    """It is left alone, and hides no better one."""
    first = capture_id_at(NOW, TOKEN)
    store.write_bytes(manifest_path(first), b"{")
    assert find(store).capture_id == f"{first}-2"
    add(store, f"{first}-2", CaptureState.COMPLETE, 1.0)
    assert find(store).capture_id == f"{first}-2"
    assert find(store).done is not None


def test_other_runs_captures_are_none_of_ours(store: Store) -> None:
    """Whatever their zone."""
    add(store, capture_id_at(NOW, "0123456789ab"), CaptureState.COMPLETE, 1.0)
    assert find(store).capture_id.endswith(TOKEN)


def test_captures_of_one_run_are_numbered() -> None:
    """By zone, in order; a task that is retried keeps its number."""
    run, first, second = uuid4(), uuid4(), uuid4()
    assert call_number(run, NOW, "z", first) == 0
    assert call_number(run, NOW, "z", second) == 1
    assert call_number(run, NOW, "z", first) == 0
    assert call_number(run, NOW, "y", second) == 0
    # Another attempt of the run counts anew.
    assert call_number(run, NOW.replace(hour=13), "z", uuid4()) == 0
