"""``docs/store-format.md`` is normative: its tables are compared with code and disk."""

from __future__ import annotations

import dataclasses
import json
import re
import struct
import types
import typing
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from instant_logs_plugin.capture.header import (
    CaptureHeader,
    CommitMark,
    format_header,
    format_mark,
)
from instant_logs_plugin.capture.ledger import Committed
from instant_logs_plugin.capture.orphan import Orphans, format_orphans
from instant_logs_plugin.capture.segment import ENTRY_BYTES, IndexEntry, parse_entry
from instant_logs_plugin.capture.window import EndReason, GapReason
from instant_logs_plugin.emulator import EmulatorConfig, parse_fault, run_emulator
from instant_logs_plugin.store.layout import manifest_path, rejects_path, segment_path
from instant_logs_plugin.store.manifest import CaptureState, Manifest, Request
from tests.docs.documents import ROOT
from tests.support.command_line import CommandLine, emulator_environment

ZONE = "0123456789abcdef0123456789abcdef"
TEXT = (ROOT / "docs" / "store-format.md").read_text()
MANIFEST = "## Manifest"
SMALLEST = Manifest(
    capture_id="c",
    zone_id="z",
    state=CaptureState.RECORDING,
    request=Request(fields=("RayID",)),
    started_at=datetime(2026, 1, 1, tzinfo=UTC),
)
SCALARS = {str: "string", int: "int", float: "float", bool: "bool", datetime: "time"}


def table(heading: str, *, section: str = "") -> list[list[str]]:
    """Return the rows of a section's first table with that first heading."""
    lines = TEXT[TEXT.index(section) :].splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    rows = []
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([bare(cell.strip()) for cell in line.strip("|").split("|")])
    return rows


def bare(cell: str) -> str:
    """Return a cell without the back ticks around it."""
    inner = cell.removeprefix("`").removesuffix("`")
    return cell if "`" in inner else inner


def iter_keys(kind: type, prefix: str = "") -> Any:
    """Yield each key of a dataclass's document with its type as the document says."""
    hints = typing.get_type_hints(kind)
    for one in dataclasses.fields(kind):
        hint, name = hints[one.name], prefix + one.name
        args = typing.get_args(hint)
        if dataclasses.is_dataclass(hint):
            yield from iter_keys(hint, f"{name}.")
        elif typing.get_origin(hint) is tuple and dataclasses.is_dataclass(args[0]):
            yield from iter_keys(args[0], f"{name}[].")
        else:
            yield name, type_name(hint)


def type_name(hint: Any) -> str:
    args = typing.get_args(hint)
    origin = typing.get_origin(hint)
    if origin is types.UnionType:
        return type_name(args[0]) + "?"
    if origin is tuple:
        return f"[{type_name(args[0])}]"
    if origin is dict:
        return "{string: string}"
    return "string" if issubclass(hint, StrEnum) else SCALARS[hint]


def test_every_key_of_the_manifest_is_there():
    """No key is missing, none is invented, and types are as the code declares."""
    told = {row[0]: row[1] for row in table("key", section=MANIFEST)}
    assert told == dict(iter_keys(Manifest))


def test_defaults_of_the_manifest():
    """A key that can be absent has the default that the document gives."""
    for name, _, _, default in table("key", section=MANIFEST):
        if default and "[]" not in name:
            value: Any = SMALLEST
            for part in name.split("."):
                value = getattr(value, part)
            plain = list(value) if isinstance(value, tuple) else value
            assert json.loads(default) == plain, name


@pytest.mark.parametrize(
    ("heading", "known"),
    [
        ("state", {one.value for one in CaptureState}),
        ("end reason", {one.value for one in EndReason} | {"crash"}),
        ("gap reason", {one.value for one in GapReason}),
    ],
)
def test_every_word_is_there(heading, known):
    """States and reasons are those of the code."""
    assert {row[0] for row in table(heading)} == known


def test_the_index_entry_is_as_told():
    """A reader who has only the table reads what the code writes."""
    formats = {"4s": "4s", "u64": "Q", "u32": "I", "i64": "q"}
    rows = table("bytes")
    layout = struct.Struct("<" + "".join(formats[row[2]] for row in rows))
    entry = IndexEntry(b"ILJ1", 1, 2, 3, -4, 5)
    assert layout.size == ENTRY_BYTES == 40
    assert layout.unpack(entry.pack())[:-1] == tuple(entry)
    assert [row[1] for row in rows[:-1]] == list(IndexEntry._fields)
    offset = 0
    for row, one in zip(
        rows, layout.format.lstrip("<").replace("4s", "s"), strict=True
    ):
        size = 4 if one == "s" else struct.calcsize(f"<{one}")
        assert row[0] == f"{offset}-{offset + size - 1}"
        offset += size
    assert parse_entry(entry.pack()) == entry


def test_header_and_mark_are_as_told():
    """The journal's documents have the keys of their tables, in order."""
    header = CaptureHeader(manifest=SMALLEST, written_at=SMALLEST.started_at)
    assert list(json.loads(format_header(header))) == [r[0] for r in table("header")]
    done = Committed(segment=None, written=0, rejected=0)
    mark = CommitMark(sequence=0, lines=0, bytes=0, received_until_us=0, committed=done)
    document = json.loads(format_mark(mark))
    assert list(document) == [row[0] for row in table("mark")]
    orphans = Orphans(
        zone_id="", capture_id="", known_at=SMALLEST.started_at, fingerprints=()
    )
    assert list(json.loads(format_orphans(orphans))) == [r[0] for r in table("kept")]
    told = next(row[2] for row in table("mark") if row[0] == "committed")
    assert set(re.findall(r"`(\w+)`", told)) | {"segment"} == set(document["committed"])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Record a store with rejects."""
    directory = tmp_path_factory.mktemp("format")
    config = EmulatorConfig(
        rate=500.0, delay_s=0.0, faults=(parse_fault("malformed:every=50"),)
    )
    with run_emulator(config) as emulator:
        environment = emulator_environment(emulator)
        line = CommandLine(directory, environment | {"XDG_STATE_HOME": str(directory)})
        result = line.run("capture", ZONE, "--duration", "1s", "--quiet")
    assert result.exit_code == 0, result.stderr
    return directory / "captures"


def test_a_real_store_is_laid_out_as_told(store):
    """Every file of a store has a path of the layout's table, and its mode."""
    rows = [row[0] for row in table("path")]
    patterns = [re.sub(r"<\w[\w-]*>", r"[\\w=-]+", row) for row in rows]
    files = [path for path in store.rglob("*") if path.is_file()]
    assert len(files) == 3
    for path in files:
        name = str(path.relative_to(store))
        assert any(re.fullmatch(pattern, name) for pattern in patterns), name
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
    (manifest,) = (json.loads(p.read_text()) for p in store.glob("manifests/*"))
    started_at = datetime.fromisoformat(manifest["started_at"])
    capture_id = manifest["capture_id"]
    assert {str(path.relative_to(store)) for path in files} == {
        manifest_path(capture_id),
        rejects_path(capture_id),
        segment_path(
            zone_id=ZONE, capture_id=capture_id, started_at=started_at, sequence=0
        ),
    }


def test_a_real_segment_has_the_columns_told(store):
    """Our columns stand behind the requested ones, with the types told."""
    (path,) = store.rglob("*.parquet")
    (manifest,) = (json.loads(p.read_text()) for p in store.glob("manifests/*"))
    schema = pq.read_schema(path)
    ours = [[one.name, str(one.type)] for one in schema][len(schema) - 4 :]
    assert ours == [row[:2] for row in table("column")]
    assert schema.names[:-4] == manifest["request"]["fields"]


def test_real_rejects_have_the_keys_told(store):
    """Each reject has a reason that is told, and its line."""
    rows = {row[0]: row[2] for row in table("key")}
    (path,) = store.glob("rejects/*")
    for line in path.read_text().splitlines():
        reject = json.loads(line)
        assert reject.keys() <= rows.keys()
        assert reject["reason"] in rows["reason"]
