"""Which captures a store holds: reading manifests, resolving ids, verifying."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from instant_logs_plugin.errors import (
    CaptureNotFound,
    InvalidManifest,
    InvalidOption,
    StoreUnreadable,
)
from instant_logs_plugin.store.filesystem import Store
from instant_logs_plugin.store.layout import (
    MANIFESTS,
    REJECTS,
    REQUESTS,
    manifest_path,
    rejects_path,
)
from instant_logs_plugin.store.manifest import CaptureState, Manifest, parse_manifest
from instant_logs_plugin.store.parquet import segment_problems

__all__ = [
    "Listing",
    "capture_problems",
    "find_capture",
    "list_captures",
    "read_manifest",
    "stray_problems",
]


@dataclass(frozen=True)
class Listing:
    """The captures of a store, oldest first, and what could not be read.

    One bad manifest never hides the good ones.
    """

    manifests: tuple[Manifest, ...]
    unreadable: tuple[InvalidManifest, ...]


def read_manifest(store: Store, capture_id: str) -> Manifest:
    """Return a capture's manifest.

    Raises:
        CaptureNotFound: There is none.
        InvalidManifest: It cannot be read.
    """
    path = manifest_path(capture_id)
    try:
        manifest = parse_manifest(store.read_bytes(path).decode(), path=path)
    except FileNotFoundError:
        raise CaptureNotFound(capture_id) from None
    except UnicodeDecodeError as exc:
        raise InvalidManifest(path, "not UTF-8") from exc
    except StoreUnreadable as exc:
        raise InvalidManifest(path, exc.reason) from exc
    if manifest.capture_id != capture_id:
        raise InvalidManifest(path, f"it is of {manifest.capture_id!r}")
    return manifest


def list_captures(store: Store) -> Listing:
    """Read every manifest of a store; an absent store holds none."""
    manifests: list[Manifest] = []
    unreadable: list[InvalidManifest] = []
    for capture_id in _capture_ids(store):
        try:
            manifests.append(read_manifest(store, capture_id))
        except InvalidManifest as exc:
            unreadable.append(exc)
        except InvalidOption:
            path = f"{MANIFESTS}/{capture_id}.json"
            unreadable.append(InvalidManifest(path, "not a capture's name"))
    return Listing(tuple(manifests), tuple(unreadable))


def find_capture(store: Store, name: str) -> Manifest:
    """Return the capture that a name means.

    Args:
        store: Where to look.
        name: An id, a unique prefix of one, ``latest``, or
            ``latest:label=value`` (the newest with that label).

    Raises:
        CaptureNotFound: None, or more than one, matches.
        InvalidManifest: The one that matches cannot be read.
    """
    kind, _, label = name.partition(":")
    if kind == "latest":
        return _find_latest(store, name, label)
    ids = [one for one in _capture_ids(store) if name and one.startswith(name)]
    exact = [one for one in ids if one == name] or ids
    if len(exact) != 1:
        raise CaptureNotFound(name, tuple(exact))
    return read_manifest(store, exact[0])


def capture_problems(store: Store, manifest: Manifest) -> list[str]:
    """Compare a capture with its manifest; an empty list means that it is whole."""
    problems = [
        problem
        for segment in manifest.segments
        for problem in segment_problems(store, segment)
    ]
    problems += _ledger_problems(manifest)
    return problems + _rejects_problems(store, manifest)


def stray_problems(store: Store) -> dict[str, list[str]]:
    """Find files that no manifest accounts for, by the capture that they name.

    Another engine reads such a Parquet file, this program does not; an unfinished
    file only takes room. A capture that still runs, or whose manifest cannot be read,
    is left alone: its files are not known yet.
    """
    # Files before manifests: a capture's manifest stands before its first file.
    paths = [
        path for top in (REQUESTS, REJECTS, MANIFESTS) for path in _tree(store, top)
    ]
    listing = list_captures(store)
    known = {path for manifest in listing.manifests for path in _files_of(manifest)}
    skipped = {_owner(PurePosixPath(bad.path)) for bad in listing.unreadable}
    skipped |= {
        manifest.capture_id
        for manifest in listing.manifests
        if manifest.state is CaptureState.RECORDING
    }
    problems: dict[str, list[str]] = {}
    for path in paths:
        owner = _owner(path)
        if str(path) not in known and owner not in skipped:
            what = "is unfinished" if path.suffix == ".tmp" else "is in no manifest"
            problems.setdefault(owner, []).append(f"{path} {what}")
    return problems


def _capture_ids(store: Store) -> list[str]:
    names = (PurePosixPath(name) for name in store.list_names(MANIFESTS))
    return [name.stem for name in names if name.suffix == ".json"]


def _tree(store: Store, directory: str) -> list[PurePosixPath]:
    return [PurePosixPath(path) for path in store.list_tree(directory)]


def _files_of(manifest: Manifest) -> list[str]:
    own = [manifest_path(manifest.capture_id), rejects_path(manifest.capture_id)]
    return own + [segment.path for segment in manifest.segments]


def _owner(path: PurePosixPath) -> str:
    """Return the id of the capture that a file of the store was written for."""
    stem, _, _ = path.name.removeprefix(".").partition(".")
    return stem.rpartition("-")[0] if path.parts[0] == REQUESTS else stem


def _find_latest(store: Store, name: str, label: str) -> Manifest:
    key, _, value = label.partition("=")
    captures = sorted(list_captures(store).manifests, key=lambda m: m.started_at)
    for manifest in reversed(captures):
        if not label or manifest.labels.get(key) == value:
            return manifest
    raise CaptureNotFound(name)


def _ledger_problems(manifest: Manifest) -> list[str]:
    if manifest.state is CaptureState.RECORDING:
        return []
    problems = []
    rows = sum(segment.rows for segment in manifest.segments)
    if rows != manifest.written:
        problems.append(f"segments hold {rows} rows, written is {manifest.written}")
    accounted = manifest.written + manifest.rejected + manifest.duplicates
    if accounted != manifest.received:
        problems.append(
            f"received {manifest.received}, but written + rejected + duplicates "
            f"is {accounted}"
        )
    return problems


def _rejects_problems(store: Store, manifest: Manifest) -> list[str]:
    if manifest.state is CaptureState.RECORDING:
        return []
    path = rejects_path(manifest.capture_id)
    try:
        count = store.read_bytes(path).count(b"\n")
    except FileNotFoundError:
        count = 0
    except StoreUnreadable as exc:
        return [str(exc)]
    if count == manifest.rejected:
        return []
    return [f"{path} holds {count} rejects, the manifest says {manifest.rejected}"]
