"""What a store holds, as its manifests say: the files that queries may read.

The manifests are the authority: a Parquet file that none names is not read. One that
is damaged, and a segment that is missing, is told and left out; it hides no other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from instant_logs_plugin.errors import CaptureNotFound, InvalidManifest, InvalidOption
from instant_logs_plugin.store.layout import MANIFESTS, REJECTS
from instant_logs_plugin.store.manifest import Manifest, parse_manifest

__all__ = ["StoreListing", "list_store"]

_SEGMENT = re.compile(
    r"requests/zone_id=[A-Za-z0-9_-]+/date=\d{4}-\d{2}-\d{2}/[A-Za-z0-9_-]+\.parquet"
)


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


def list_store(store: str, captures: Sequence[str] | None = None) -> StoreListing:
    """Read the manifests of a local store.

    Args:
        store: Its directory; one that does not exist holds nothing.
        captures: Ids to restrict to, exact; None for all, empty for none.

    Raises:
        InvalidOption: ``store`` is a URI: only directories are read so far.
        CaptureNotFound: An id in ``captures`` that no whole manifest has.
    """
    if "://" in store:
        raise InvalidOption("--store", store, "a directory")
    root = Path(store).absolute()
    paths = sorted((root / MANIFESTS).glob("*.json"))
    if captures is not None:
        paths = [path for path in paths if path.stem in set(captures)]
    problems = [] if root.is_dir() else [f"store {root} does not exist"]
    whole = _read_manifests(paths, problems)
    for capture_id in captures or ():
        if not any(path.stem == capture_id for path, _ in whole):
            raise CaptureNotFound(capture_id)
    rejects = (root / REJECTS / f"{manifest.capture_id}.ndjson" for _, manifest in whole)
    return StoreListing(
        root=root,
        manifests=tuple(path for path, _ in whole),
        segments=tuple(_segments(root, [m for _, m in whole], problems)),
        rejects=tuple(path for path in rejects if path.is_file()),
        fields=frozenset(name for _, m in whole for name in m.request.fields),
        problems=tuple(problems),
    )


def _read_manifests(
    paths: Sequence[Path], problems: list[str]
) -> list[tuple[Path, Manifest]]:
    whole = []
    for path in paths:
        try:
            manifest = parse_manifest(path.read_text("utf-8"), path=str(path))
        except (InvalidManifest, OSError, UnicodeDecodeError) as exc:
            problems.append(f"left out: {exc}")
            continue
        if manifest.capture_id != path.stem:
            problems.append(f"left out: manifest {path} is of {manifest.capture_id!r}")
            continue
        whole.append((path, manifest))
    return whole


def _segments(
    root: Path, manifests: Sequence[Manifest], problems: list[str]
) -> list[Path]:
    found = []
    for manifest in manifests:
        for segment in manifest.segments:
            if not _SEGMENT.fullmatch(segment.path):
                reason = "is not a segment's name"
            elif not (root / segment.path).is_file():
                reason = "is missing"
            else:
                found.append(root / segment.path)
                continue
            problems.append(
                f"left out: {segment.path} of capture {manifest.capture_id} {reason} "
                f"({segment.rows} rows)"
            )
    return found
