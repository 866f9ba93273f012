"""Captures as a table: a row each, in the order given.

Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from instant_logs_plugin.analysis.tables.columns import make_cell
from instant_logs_plugin.analysis.tables.model import Column, Kind, Table
from instant_logs_plugin.store.manifest import CaptureState, Manifest

__all__ = ["capture_table"]


def capture_table(manifests: Sequence[Manifest]) -> Table:
    """Return what a list shows of each capture, with the zone if there are several."""
    has_zones = len({manifest.zone_id for manifest in manifests}) > 1
    facts = [one for one in _FACTS if has_zones or one[0].name != "zone_id"]
    rows = tuple(
        tuple(make_cell(column, {column.name: read(one)}) for column, read in facts)
        for one in manifests
    )
    return Table(columns=tuple(column for column, _ in facts), rows=rows)


def _state(manifest: Manifest) -> str:
    """Return the state, and what ended the capture where that is news."""
    state, reason = manifest.state, manifest.end_reason
    is_plain = state is CaptureState.COMPLETE or not reason
    return state.value if is_plain else f"{state.value} ({reason})"


def _window_s(manifest: Manifest) -> float | None:
    start, end = manifest.window.start, manifest.window.end
    return (end - start).total_seconds() if start and end else None


def _labels(manifest: Manifest) -> str:
    return " ".join(f"{key}={value}" for key, value in manifest.labels.items())


def _once_finished(read: Callable[[Manifest], Any]) -> Callable[[Manifest], Any]:
    """Return what reads a value that is not known while a capture runs."""
    return lambda one: None if one.state is CaptureState.RECORDING else read(one)


def _column(name: str, label: str, kind: Kind, about: str) -> Column:
    return Column(name=name, label=label, about=about, kind=kind)


_FACTS: tuple[tuple[Column, Callable[[Manifest], Any]], ...] = (
    (
        _column("capture_id", "Capture", Kind.TEXT, "its id"),
        lambda manifest: manifest.capture_id,
    ),
    (
        _column("zone_id", "Zone", Kind.TEXT, "the zone's id"),
        lambda manifest: manifest.zone_id,
    ),
    (
        _column("state", "State", Kind.TEXT, "how far it got, and what ended it"),
        _state,
    ),
    (
        _column("window_s", "Window", Kind.SECONDS, "how long it was to record"),
        _window_s,
    ),
    (
        _column("written", "Records", Kind.COUNT, "in the store"),
        _once_finished(lambda manifest: manifest.written),
    ),
    (
        _column("rejected", "Rejects", Kind.COUNT, "lines that are no record"),
        _once_finished(lambda manifest: manifest.rejected),
    ),
    (
        _column("coverage", "Coverage", Kind.SHARE, "recorded part of the window"),
        _once_finished(lambda manifest: manifest.coverage),
    ),
    (
        _column("gaps", "Gaps", Kind.COUNT, "parts of the window without a stream"),
        _once_finished(lambda manifest: len(manifest.gaps)),
    ),
    (_column("labels", "Labels", Kind.TEXT, "as given"), _labels),
)
