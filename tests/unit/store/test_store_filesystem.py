"""Files of a store: whole or absent, private, and synced in the right order."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from instant_logs_plugin.errors import InvalidOption, StoreUnreadable, StoreUnwritable
from instant_logs_plugin.failpoints import armed
from instant_logs_plugin.store.filesystem import Store, open_store
from tests.unit.store.store_files import files, files_limited_to

PATH = "requests/zone_id=z/date=2026-03-01/c-00000.parquet"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_published_bytes_are_read_back(store: Store) -> None:
    """A file has its bytes and size, and replacing it leaves one file."""
    store.write_bytes(PATH, b"first")
    store.write_bytes(PATH, b"second")
    assert store.read_bytes(PATH) == b"second"
    assert store.size(PATH) == 6
    assert files(store) == [PATH]
    with store.open_input(PATH) as source:
        source.seek(3)
        assert source.read() == b"ond"


def test_files_are_for_the_owner_alone(store: Store) -> None:
    """Files are 0600 and directories 0700, whatever the umask allows."""
    before = os.umask(0)
    try:
        store.write_bytes(PATH, b"x")
    finally:
        os.umask(before)
    modes = {one.is_dir(): one.stat().st_mode & 0o777 for one in store.root.rglob("*")}
    assert modes == {True: 0o700, False: 0o600}
    assert store.root.stat().st_mode & 0o777 == 0o700


def test_a_file_is_private_before_its_first_byte(store: Store) -> None:
    """The temporary file is as private, and no reader's glob meets it."""
    with store.open_atomic(PATH) as sink:
        (temporary,) = files(store)
        assert (store.root / temporary).stat().st_mode & 0o777 == 0o600
        assert Path(temporary).name == ".c-00000.parquet.tmp"
        assert not list(store.root.glob("requests/*/*/[!.]*.parquet"))
        sink.write(b"x")
    assert files(store) == [PATH]


def test_existing_directories_keep_their_mode(store: Store) -> None:
    """A directory that somebody made for others stays theirs."""
    store.root.mkdir(mode=0o750)
    store.write_bytes("manifests/c.json", b"{}")
    assert store.root.stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, StoreUnwritable])
def test_an_error_in_the_block_publishes_nothing(
    error: type[BaseException], store: Store
) -> None:
    """What was there before stays, and no temporary file is left."""
    store.write_bytes(PATH, b"old")
    reason = error("p", "r")

    def write_half() -> None:
        with store.open_atomic(PATH) as sink:
            sink.write(b"half")
            raise reason

    with pytest.raises(error) as caught:
        write_half()
    assert caught.value is reason
    assert files(store) == [PATH]
    assert store.read_bytes(PATH) == b"old"


def test_a_failing_write_leaves_nothing(store: Store) -> None:
    """A file system that is full is our error, with its path and the system's words."""
    with files_limited_to(1000), pytest.raises(StoreUnwritable) as caught:
        store.write_bytes(PATH, b"x" * 2000)
    assert caught.value.path == str(store.root / PATH)
    assert "File too large" in caught.value.reason
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value.__cause__, OSError)
    assert files(store) == []
    store.write_bytes(PATH, b"x" * 2000)
    assert store.size(PATH) == 2000


@pytest.mark.parametrize("in_the_way", ["requests", PATH, f"{PATH}/x"])
def test_what_is_in_the_way_stays(in_the_way: str, store: Store) -> None:
    """A file for a directory, or the reverse, is refused and not harmed."""
    obstacle = store.root / in_the_way
    obstacle.parent.mkdir(parents=True)
    if in_the_way == PATH:
        obstacle.mkdir()
    else:
        obstacle.write_text("mine")
    before = files(store)
    with pytest.raises(StoreUnwritable):
        store.write_bytes(PATH, b"x")
    assert files(store) == before


_AUDITED = """
import os, pathlib, sys
from instant_logs_plugin.store.filesystem import Store

root = pathlib.Path(sys.argv[1])
store, steps = Store(root / "store"), []

def note(event, arguments):
    if event in {"open", "os.mkdir", "os.rename"} and str(root) in str(arguments[0]):
        steps.append(f"{event} {os.path.relpath(arguments[0], root)}")

sys.addaudithook(note)
store.write_bytes("manifests/c.json", b"{}")
print("\\n".join(steps))
"""


def test_steps_are_durable_in_their_order(tmp_path: Path) -> None:
    """Bytes are synced before the name is given, and the name's directory after it.

    Python opens a file or a directory here only to sync it; Arrow's own open is
    not seen. A directory that is made is synced into its parent as well.
    """
    # A process of its own: an audit hook stays for ever.
    result = subprocess.run(
        [sys.executable, "-c", _AUDITED, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.splitlines() == [
        "os.mkdir store",
        "open .",
        "os.mkdir store/manifests",
        "open store",
        "open store/manifests/.c.json.tmp",
        "os.rename store/manifests/.c.json.tmp",
        "open store/manifests",
    ]


@pytest.mark.parametrize("number", ["EINVAL", "EOPNOTSUPP"])
def test_directories_that_cannot_be_synced(number: str, store: Store) -> None:
    """Some network file systems: the file itself is synced all the same."""
    with armed(f"*directory:fsync={number}+"):
        store.write_bytes("manifests/a.json", b"{}")
    assert store.read_bytes("manifests/a.json") == b"{}"
    with armed(f"store.manifests:fsync={number}"), pytest.raises(StoreUnwritable):
        store.write_bytes("manifests/a.json", b"new")
    assert store.read_bytes("manifests/a.json") == b"{}"


def test_names_are_listed_in_order(store: Store) -> None:
    """Names are sorted and without dot files; the tree has all, with paths."""
    for name in ("b.json", "a.json", ".c.json.tmp", "deep/d.json"):
        (store.root / "manifests" / name).parent.mkdir(parents=True, exist_ok=True)
        (store.root / "manifests" / name).write_text("x")
    assert store.list_names("manifests") == ["a.json", "b.json"]
    assert store.list_tree("manifests") == [
        "manifests/.c.json.tmp",
        "manifests/a.json",
        "manifests/b.json",
        "manifests/deep/d.json",
    ]


def test_what_is_absent_is_empty(store: Store) -> None:
    """A store that does not exist holds nothing, and is not made by looking."""
    assert store.list_names("manifests") == store.list_tree("requests") == []
    assert store.size(PATH) is None
    with pytest.raises(FileNotFoundError):
        store.read_bytes(PATH)
    assert not store.root.exists()


def test_what_cannot_be_read_is_our_error(store: Store) -> None:
    """Whatever the file system refuses, with the path and the system's words."""
    store.root.mkdir()
    (store.root / "loop").symlink_to("loop")
    (store.root / "file").write_text("x")
    reads = [
        lambda: store.list_names("loop"),
        lambda: store.list_tree("file"),
        lambda: store.read_bytes("loop"),
        lambda: store.open_input("file/x"),
    ]
    for read in reads:
        with pytest.raises(StoreUnreadable) as caught:
            read()
        assert caught.value.path.startswith(str(store.root))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "root"),
    [
        ("/data/captures", "/data/captures"),
        ("captures", "{cwd}/captures"),
        ("~/captures", "{home}/captures"),
        ("file:///data/captures", "/data/captures"),
        ("file:///data/a%20b", "/data/a b"),
        ("/data/a%20b", "/data/a%20b"),
        ("file:///~/captures", "/~/captures"),
    ],
)
def test_stores_are_found(
    uri: str, root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path or a file URI names a directory, absolute from then on."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/somebody")
    expected = root.format(cwd=tmp_path, home="/home/somebody")
    assert open_store(uri).root == Path(expected)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "s3://bucket/captures",
        "gs://bucket/captures",
        "file://host/captures",
        "file://captures",
        "~no-such-user/captures",
        "/data/\0",
        "file:///data/%00",
        "/data/\udcff",
        __file__,
    ],
)
def test_no_store_is_refused(uri: str) -> None:
    """Another kind of place, a file, and what Arrow cannot take: all at once."""
    with pytest.raises(InvalidOption) as caught:
        open_store(uri)
    assert (caught.value.option, caught.value.value) == ("store", uri)


def test_a_store_shows_its_place(tmp_path: Path) -> None:
    """The repr is short enough for a log."""
    assert repr(Store(tmp_path)) == f"Store('{tmp_path}')"
