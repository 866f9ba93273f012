"""Which captures a store holds, which one is meant, and whether it is whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from instant_logs_plugin.errors import CaptureNotFound, InvalidManifest, InvalidOption
from instant_logs_plugin.store.catalog import (
    capture_problems,
    find_capture,
    list_captures,
    read_manifest,
    stray_problems,
)
from instant_logs_plugin.store.filesystem import Store
from instant_logs_plugin.store.layout import manifest_path, rejects_path, segment_path
from instant_logs_plugin.store.manifest import (
    CaptureState,
    Manifest,
    Request,
    format_manifest,
)
from instant_logs_plugin.store.parquet import write_segment

STARTED_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
TABLE = pa.table({"RayID": ["1", "2", "3"]})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def add_capture(store: Store, capture_id: str = "a", **changes: Any) -> Manifest:
    """Store a capture of three rows and one reject."""
    path = segment_path(
        zone_id="z", capture_id=capture_id, started_at=STARTED_AT, sequence=0
    )
    segment = write_segment(store, path, schema=TABLE.schema, tables=[TABLE])
    store.write_bytes(rejects_path(capture_id), b"{}\n")
    manifest = Manifest(
        capture_id=capture_id,
        zone_id="z",
        state=CaptureState.COMPLETE,
        request=Request(fields=("RayID",)),
        started_at=STARTED_AT,
        received=4,
        written=3,
        rejected=1,
        segments=(segment,),
    )
    manifest = replace(manifest, **changes)
    store.write_bytes(manifest_path(capture_id), format_manifest(manifest).encode())
    return manifest


def put(store: Store, path: str, data: bytes = b"x") -> None:
    """Write as somebody else would: under the final name, at once."""
    (store.root / path).parent.mkdir(parents=True, exist_ok=True)
    (store.root / path).write_bytes(data)


def test_captures_are_listed_oldest_first(store: Store) -> None:
    """Ids sort by start time, so the list does, whatever the order of writing."""
    assert list_captures(store).manifests == ()
    second, first = add_capture(store, "b"), add_capture(store, "a")
    put(store, "manifests/.c.json.tmp")
    put(store, "manifests/README.md")
    assert list_captures(store).manifests == (first, second)
    assert list_captures(store).unreadable == ()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("c.json", b""),
        ("c.json", b"\xff"),
        ("c.json", b'{"schema_version": 2}'),
        ("not an id.json", b"{}"),
        ("a.b.json", b"{}"),
    ],
)
def test_a_bad_manifest_hides_no_other(name: str, data: bytes, store: Store) -> None:
    """What cannot be read is told beside what can."""
    manifest = add_capture(store)
    put(store, f"manifests/{name}", data)
    listing = list_captures(store)
    assert listing.manifests == (manifest,)
    assert [one.path for one in listing.unreadable] == [f"manifests/{name}"]


def test_a_copied_manifest_is_not_another_capture(store: Store) -> None:
    """A manifest counts under the name of its capture only."""
    manifest = add_capture(store)
    put(store, "manifests/copy.json", format_manifest(manifest).encode())
    assert list_captures(store).manifests == (manifest,)
    with pytest.raises(InvalidManifest, match="it is of 'a'"):
        read_manifest(store, "copy")


def test_a_manifest_that_cannot_be_opened_is_said(store: Store) -> None:
    """A directory or a broken link in its place is no traceback."""
    (store.root / "manifests").mkdir(parents=True)
    (store.root / "manifests/a.json").symlink_to("a.json")
    with pytest.raises(InvalidManifest, match=r"manifests/a\.json"):
        read_manifest(store, "a")


@pytest.mark.parametrize(
    ("name", "capture_id"),
    [
        ("20260301T120000000Z-aa", "20260301T120000000Z-aa"),
        ("20260301T120000000Z-aab", "20260301T120000000Z-aab"),
        ("20260302", "20260302T120000000Z-cc"),
        ("latest", "20260302T120000000Z-cc"),
        ("latest:", "20260302T120000000Z-cc"),
        ("latest:release=v1", "20260301T120000000Z-aab"),
        ("latest:release=v=2", "20260302T120000000Z-cc"),
        ("latest:empty=", "20260301T120000000Z-aa"),
    ],
)
def test_captures_are_found(name: str, capture_id: str, store: Store) -> None:
    """By id, even where it starts another; by prefix; by label, the newest."""
    day = timedelta(days=1)
    add_capture(store, "20260301T120000000Z-aa", labels={"release": "v1", "empty": ""})
    add_capture(
        store,
        "20260301T120000000Z-aab",
        labels={"release": "v1"},
        started_at=STARTED_AT + timedelta(microseconds=1),
    )
    add_capture(
        store,
        "20260302T120000000Z-cc",
        labels={"release": "v=2"},
        started_at=STARTED_AT + day,
    )
    assert find_capture(store, name).capture_id == capture_id


@pytest.mark.parametrize(
    ("name", "matches"),
    [
        ("", ()),
        ("b", ()),
        ("a", ("a1", "a2")),
        ("../manifests/a1", ()),
        ("latest:release=v9", ()),
        ("latest:nothing", ()),
        ("latest:nothing=", ()),
        ("Latest", ()),
    ],
)
def test_what_names_no_capture_is_said(
    name: str, matches: tuple[str, ...], store: Store
) -> None:
    """None or several: the error has the name and what it could have been."""
    add_capture(store, "a1")
    add_capture(store, "a2")
    with pytest.raises(CaptureNotFound) as caught:
        find_capture(store, name)
    assert (caught.value.capture_id, caught.value.matches) == (name, matches)


def test_an_empty_store_has_no_latest(store: Store) -> None:
    """Looking for one makes no store."""
    with pytest.raises(CaptureNotFound):
        find_capture(store, "latest")
    assert not store.root.exists()


@pytest.mark.parametrize("capture_id", ["../a", "", "a/b"])
def test_unsafe_names_are_not_opened(capture_id: str, store: Store) -> None:
    """An id that could leave its directory is refused before it is used."""
    with pytest.raises(InvalidOption):
        read_manifest(store, capture_id)


def test_a_whole_capture_has_no_problem(store: Store) -> None:
    """Files, counts and digests agree, and nothing is left over."""
    assert capture_problems(store, add_capture(store)) == []
    assert stray_problems(store) == {}


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"written": 4}, ["segments hold 3 rows, written is 4", "is 5"]),
        ({"received": 9}, ["received 9, but written + rejected + duplicates is 4"]),
        ({"duplicates": 1}, ["received 4, but written + rejected + duplicates is 5"]),
        ({"rejected": 0, "received": 3}, ["holds 1 rejects, the manifest says 0"]),
        ({"rejected": 2, "received": 5}, ["holds 1 rejects, the manifest says 2"]),
        ({"segments": (), "written": 0}, ["received 4"]),
    ],
)
def test_a_ledger_that_does_not_add_up_is_found(
    changes: dict[str, Any], problems: list[str], store: Store
) -> None:
    """Every line received is a row, a reject or a duplicate, and is there."""
    manifest = add_capture(store, **changes)
    found = capture_problems(store, manifest)
    assert len(found) == len(problems)
    assert all(words in one for words, one in zip(problems, found, strict=True))


def test_wrong_row_counts_and_changed_bytes_are_found(store: Store) -> None:
    """Each fact of a segment that differs is one problem with both numbers."""
    manifest = add_capture(store)
    (segment,) = manifest.segments
    wrong = replace(segment, rows=2, sha256="0" * 64)
    found = capture_problems(store, replace(manifest, segments=(wrong,)))
    assert found[:1] == [f"{segment.path} has rows 3, the manifest says 2"]
    assert "sha256" in found[1]
    assert found[2:] == ["segments hold 2 rows, written is 3"]


def test_missing_files_are_found(store: Store) -> None:
    """A segment or a reject file that is gone is named."""
    manifest = add_capture(store)
    (segment,) = manifest.segments
    (store.root / segment.path).unlink()
    (store.root / rejects_path("a")).unlink()
    assert capture_problems(store, manifest) == [
        f"{segment.path} is missing",
        "rejects/a.ndjson holds 0 rejects, the manifest says 1",
    ]


def test_rejects_that_cannot_be_read_are_found(store: Store) -> None:
    """What the file system says is the problem; the other checks are done."""
    manifest = add_capture(store)
    rejects = store.root / rejects_path("a")
    rejects.unlink()
    rejects.symlink_to(rejects)
    (problem,) = capture_problems(store, manifest)
    assert problem.startswith(f"cannot read {rejects}: ")


def test_a_running_capture_is_shown_as_such(store: Store) -> None:
    """Its segments are checked, its counts are not final, its files are its own."""
    manifest = add_capture(store, state=CaptureState.RECORDING, received=99)
    put(store, "requests/zone_id=z/date=2026-03-01/a-00001.parquet")
    put(store, "requests/zone_id=z/date=2026-03-01/.a-00002.parquet.tmp")
    put(store, "manifests/.a.json.tmp")
    assert list_captures(store).manifests[0].state is CaptureState.RECORDING
    assert capture_problems(store, manifest) == []
    assert stray_problems(store) == {}
    (store.root / manifest.segments[0].path).unlink()
    assert len(capture_problems(store, manifest)) == 1


@pytest.mark.parametrize(
    ("path", "capture_id", "words"),
    [
        (
            "requests/zone_id=z/date=2026-03-01/a-00001.parquet",
            "a",
            "is in no manifest",
        ),
        (
            "requests/zone_id=y/date=2026-03-01/a-00000.parquet",
            "a",
            "is in no manifest",
        ),
        ("requests/zone_id=z/date=2026-03-01/.a-00001.parquet.tmp", "a", "unfinished"),
        ("requests/zone_id=z/date=2026-03-01/b-x-00000.parquet", "b-x", "no manifest"),
        ("requests/part-0.parquet", "part", "is in no manifest"),
        ("requests/x.csv", "", "is in no manifest"),
        ("rejects/b-x.ndjson", "b-x", "is in no manifest"),
        ("rejects/.a.ndjson.tmp", "a", "is unfinished"),
        ("manifests/.b-x.json.tmp", "b-x", "is unfinished"),
    ],
)
def test_strays_are_found(path: str, capture_id: str, words: str, store: Store) -> None:
    """What another engine would read, or what a crash left, is named."""
    add_capture(store)
    put(store, path)
    (problem,) = stray_problems(store)[capture_id]
    assert problem.startswith(f"{path} ")
    assert words in problem
    assert list(stray_problems(store)) == [capture_id]


def test_files_of_an_unreadable_manifest_are_no_strays(store: Store) -> None:
    """They may well be whole: the manifest is what is broken."""
    add_capture(store)
    put(store, manifest_path("a"), b"{")
    assert stray_problems(store) == {}
