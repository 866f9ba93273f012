"""What a capture is compared with."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from instant_logs_plugin.capture.options import CaptureOptions
from instant_logs_plugin.capture.window import Bounds
from instant_logs_plugin.errors import CaptureNotFound
from instant_logs_plugin.prefect.baselines import (
    BASELINE,
    find_baseline,
    label_check,
)
from instant_logs_plugin.store.catalog import read_manifest
from instant_logs_plugin.store.filesystem import Store
from instant_logs_plugin.store.layout import manifest_path
from instant_logs_plugin.store.manifest import (
    CaptureState,
    Manifest,
    Request,
    format_manifest,
)

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
OPTIONS = CaptureOptions(
    zone_id="z", fields=("RayID", "ClientIP"), bounds=Bounds(duration_s=1)
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def add(
    store: Store, name: str, check: str | None = None, *, hours: int = 0, **changes: Any
) -> Manifest:
    facts = {
        "capture_id": name,
        "zone_id": "z",
        "state": CaptureState.COMPLETE,
        "request": Request(fields=("ClientIP", "RayID")),
        "started_at": AT + timedelta(hours=hours),
        "labels": {"check": check} if check else {},
    }
    manifest = Manifest(**facts | changes)
    store.write_bytes(manifest_path(name), format_manifest(manifest).encode())
    return manifest


def found(store: Store, **how: Any) -> str | None:
    baseline = find_baseline(store, OPTIONS, **how)
    return baseline.capture_id if baseline else None


def test_the_newest_good_one(store: Store) -> None:
    """Made a baseline, or passed; what is worse, undecided or unchecked is not."""
    add(store, "a", "baseline", hours=0)
    add(store, "b", "pass", hours=1)
    for hours, check in enumerate(["fail", "inconclusive", None], start=2):
        add(store, f"c{hours}", check, hours=hours)
    assert found(store) == "b"
    assert found(store, is_kept=True) == "a"


def test_none_is_no_error(store: Store) -> None:
    """Then the capture at hand becomes the first."""
    assert found(store) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"zone_id": "y"},
        {"state": CaptureState.INTERRUPTED},
        {"request": Request(fields=("RayID",))},
        {"request": Request(fields=("RayID", "ClientIP"), filter="{}")},
        {"request": Request(fields=("RayID", "ClientIP"), sample=10)},
    ],
    ids=str,
)
def test_what_was_recorded_otherwise_proves_nothing(
    changes: dict[str, Any], store: Store
) -> None:
    """Another zone, an early end, other fields, filter or sample."""
    add(store, "a", "pass", **changes)
    assert found(store) is None


def test_only_what_was_before(store: Store) -> None:
    """A check that is run again has the baseline that it had."""
    add(store, "a", "pass", hours=0)
    judged = add(store, "b", "pass", hours=1)
    add(store, "c", "pass", hours=2)
    assert found(store, before=judged) == "a"


def test_a_named_one(store: Store) -> None:
    """Whatever its outcome; but of this zone."""
    add(store, "a", "fail")
    add(store, "y1", zone_id="y", hours=1)
    assert found(store, name="a") == "a"
    assert found(store, name="latest:check=fail") == "a"
    for name in ("y1", "nowhere"):
        with pytest.raises(CaptureNotFound):
            found(store, name=name)


def test_an_outcome_is_a_label(store: Store) -> None:
    """Everything else of the manifest stays."""
    manifest = add(store, "a", labels={"revision": "v1"})
    labelled = label_check(store, manifest, BASELINE)
    assert labelled.labels == {"revision": "v1", "check": "baseline"}
    assert read_manifest(store, "a") == labelled
    assert replace(labelled, labels=manifest.labels) == manifest
