"""What a capture is compared with: the zone's last good one, or the one that is named.

A check leaves its outcome as the label ``check`` of its capture: ``baseline`` (there
was nothing to compare it with), ``pass``, ``fail`` or ``inconclusive``. The first two
are good: they are what the next check finds, and ``latest:check=pass`` names them on
the command line too.
"""

from __future__ import annotations

from dataclasses import replace

from instant_logs_plugin.capture.options import CaptureOptions
from instant_logs_plugin.errors import CaptureNotFound
from instant_logs_plugin.store.catalog import find_capture, list_captures
from instant_logs_plugin.store.filesystem import Store
from instant_logs_plugin.store.layout import manifest_path
from instant_logs_plugin.store.manifest import CaptureState, Manifest, format_manifest

__all__ = ["BASELINE", "CHECK_LABEL", "find_baseline", "label_check"]

CHECK_LABEL, BASELINE = "check", "baseline"
_GOOD = {BASELINE, "pass"}
_ENDED = {CaptureState.COMPLETE, CaptureState.PARTIAL}


def find_baseline(
    store: Store,
    options: CaptureOptions,
    *,
    name: str = "",
    is_kept: bool = False,
    before: Manifest | None = None,
) -> Manifest | None:
    """Return what a capture of these options is to be compared with.

    Args:
        store: Where to look.
        options: What is recorded; a baseline recorded otherwise proves nothing.
        name: An id, a unique prefix, ``latest`` or ``latest:label=value``; ``""`` is
            the newest good capture of the zone.
        is_kept: The newest one that was made a baseline, instead of the newest good.
        before: Only captures that started before this one; None takes any.

    Returns:
        None when nothing is named and the zone has no good capture of this kind.

    Raises:
        CaptureNotFound: A capture is named, and there is none of the zone.
        InvalidManifest: It cannot be read.
    """
    if name:
        named = find_capture(store, name)
        if named.zone_id != options.zone_id:
            raise CaptureNotFound(name)
        return named
    good = {BASELINE} if is_kept else _GOOD
    found = [
        manifest
        for manifest in list_captures(store).manifests
        if manifest.labels.get(CHECK_LABEL) in good
        and _is_alike(manifest, options)
        and (before is None or manifest.started_at < before.started_at)
    ]
    return max(found, key=lambda manifest: manifest.started_at, default=None)


def label_check(store: Store, manifest: Manifest, outcome: str) -> Manifest:
    """Label a finished capture with a check's outcome; return it as it is now.

    Raises:
        StoreUnwritable: The file system refused; the manifest is as it was.
    """
    labelled = replace(manifest, labels=manifest.labels | {CHECK_LABEL: outcome})
    path = manifest_path(manifest.capture_id)
    store.write_bytes(path, format_manifest(labelled).encode())
    return labelled


def _is_alike(manifest: Manifest, options: CaptureOptions) -> bool:
    request = manifest.request
    return (
        manifest.zone_id == options.zone_id
        and manifest.state in _ENDED
        and request.filter == options.filter
        and request.sample == options.sample
        and set(request.fields) == set(options.fields)
    )
