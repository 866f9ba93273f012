"""Parquet segments: what is written is what any engine reads back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from instant_logs_plugin.capture.schema import capture_schema
from instant_logs_plugin.edge.fields import catalogue
from instant_logs_plugin.errors import StoreUnwritable
from instant_logs_plugin.store import parquet
from instant_logs_plugin.store.filesystem import Store
from instant_logs_plugin.store.manifest import Segment
from instant_logs_plugin.store.parquet import segment_problems, write_segment
from tests.unit.store.store_files import files, files_limited_to

PATH = "requests/zone_id=z/date=2026-03-01/c-00000.parquet"
SCHEMA = capture_schema(["RayID", "EdgeResponseStatus"])
EARLY, LATE = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
# The values of a type that an encoding could get wrong; null is added to each.
VALUES: dict[pa.DataType, list[Any]] = {
    pa.int64(): [0, -(2**63), 2**63 - 1, -1, 403],
    pa.float64(): [0.0, -1.5, 1e308, 5e-324, float("inf")],
    pa.bool_(): [True, False, True, True, False],
    pa.string(): ["", "x", "ä\0\n", "x", "🙂" * 1000],
    pa.timestamp("us", tz="UTC"): [EARLY, LATE, EARLY, LATE, EARLY],
    pa.list_(pa.string()): [[], [""], ["a", None], ["a", "b"], ["a"] * 100],
    pa.list_(pa.int64()): [[], [0], [2**63 - 1, None], [-1, 1], [7] * 100],
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def table_of(row_count: int, first: int = 0) -> pa.Table:
    numbers = range(first, first + row_count)
    columns: dict[str, list[Any]] = {name: [None] * row_count for name in SCHEMA.names}
    columns["RayID"] = [f"{number:016x}" for number in numbers]
    columns["EdgeResponseStatus"] = [200 + number % 2 for number in numbers]
    return pa.table(columns, schema=SCHEMA)


def write(store: Store, *tables: pa.Table) -> Segment:
    return write_segment(store, PATH, schema=SCHEMA, tables=tables)


def test_a_segment_says_what_its_file_is(store: Store) -> None:
    """Rows, bytes and digest are those of the file on disk."""
    segment = write(store, table_of(3), table_of(0), table_of(2, 3))
    data = (store.root / PATH).read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    assert segment == Segment(path=PATH, rows=5, bytes=len(data), sha256=digest)
    assert segment_problems(store, segment) == []
    assert files(store) == [PATH]
    table = pq.read_table(store.root / PATH, partitioning=None)
    assert table.schema.equals(SCHEMA)
    assert table.equals(table_of(5))


def test_the_same_rows_give_the_same_file(store: Store) -> None:
    """Writing a segment again, after a crash say, changes nothing."""
    assert write(store, table_of(3)) == write(store, table_of(3))


@pytest.mark.parametrize("tables", [(), (table_of(0),), (table_of(0), table_of(0))])
def test_nothing_is_published_for_nothing(
    tables: tuple[pa.Table, ...], store: Store
) -> None:
    """A segment without a row is no file."""
    assert write(store, *tables).rows == 0
    assert files(store) == []


def test_every_column_of_the_catalogue_comes_back(store: Store) -> None:
    """Each field's type survives, with nulls and the ends of its range."""
    schema = capture_schema(tuple(catalogue()))
    assert {one.type for one in schema} == set(VALUES)
    columns = {one.name: [*VALUES[one.type], None] for one in schema}
    table = pa.table(columns, schema=schema)
    write_segment(store, PATH, schema=schema, tables=[table])
    found = pq.read_table(store.root / PATH, partitioning=None)
    assert found.schema.equals(schema)
    assert found.equals(table)


def test_other_engines_read_the_partitions(store: Store) -> None:
    """Arrow's datasets and a plain DuckDB see zone and date as columns."""
    write(store, table_of(3))
    dataset = ds.dataset(store.root / "requests", partitioning="hive")
    (row, *_) = dataset.to_table(columns=["RayID", "zone_id", "date"]).to_pylist()
    assert row == {"RayID": "0" * 16, "zone_id": "z", "date": "2026-03-01"}
    sql = """
        select zone_id, date::varchar, count(*), min(EdgeResponseStatus)
        from read_parquet($files, hive_partitioning = true)
        group by all
    """
    with duckdb.connect() as connection:
        pattern = f"{store.root}/requests/**/*.parquet"
        rows = connection.execute(sql, {"files": pattern}).fetchall()
    assert rows == [("z", "2026-03-01", 3, 200)]


def test_columns_are_compressed_by_kind(store: Store) -> None:
    """All is zstd; numbers are differences, text that repeats is a dictionary."""
    columns = table_of(100).to_pydict() | {"capture_id": ["c"] * 100}
    write(store, pa.table(columns, schema=SCHEMA))
    group = pq.read_metadata(store.root / PATH).row_group(0)
    chunks = {
        group.column(i).path_in_schema: group.column(i)
        for i in range(group.num_columns)
    }
    assert {chunk.compression for chunk in chunks.values()} == {"ZSTD"}
    for name in ("EdgeResponseStatus", "sampleInterval", "received_at"):
        assert "DELTA_BINARY_PACKED" in chunks[name].encodings
    assert chunks["capture_id"].has_dictionary_page
    assert not chunks["RayID"].has_dictionary_page


def test_small_tables_share_a_row_group(store: Store) -> None:
    """A row group is full before the next one starts, however rows arrive."""
    full = parquet._ROW_GROUP_ROWS
    segment = write(store, *[table_of(full // 4, n) for n in range(9)])
    metadata = pq.read_metadata(store.root / PATH)
    groups = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    assert groups == [full, full, full // 4]
    assert segment.rows == sum(groups)


def test_tables_are_taken_one_at_a_time(store: Store) -> None:
    """A table that is in the file is held by nobody: memory stays flat."""
    taken: list[int] = []

    def tables() -> Iterator[pa.Table]:
        for number in range(5):
            taken.append((store.root / PATH).with_name(".c-00000.parquet.tmp").exists())
            yield table_of(parquet._ROW_GROUP_ROWS, number)

    write_segment(store, PATH, schema=SCHEMA, tables=tables())
    assert taken == [False, True, True, True, True]


def test_a_full_disk_leaves_nothing(store: Store) -> None:
    """A segment that does not fit is our error, and no file."""
    with files_limited_to(2000), pytest.raises(StoreUnwritable):
        write(store, table_of(5000))
    assert files(store) == []


def test_rows_of_another_schema_leave_nothing(store: Store) -> None:
    """A table that is not of the schema stops the segment, and no file is left."""
    with pytest.raises(ValueError, match="Schema"):
        write(store, table_of(1), pa.table({"x": [1]}))
    assert files(store) == []


def flip(data: bytes, place: int) -> bytes:
    """Return the data with one bit changed."""
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@pytest.mark.parametrize("place", [0, 4, 100, -1, -5, -20])
def test_a_changed_bit_is_found(place: int, store: Store) -> None:
    """Wherever in the file it is: magic, column, footer."""
    segment = write(store, table_of(100))
    whole = (store.root / PATH).read_bytes()
    (store.root / PATH).write_bytes(flip(whole, place % len(whole)))
    (problem,) = segment_problems(store, segment)
    assert problem.startswith(PATH)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda file: file.unlink(), "is missing"),
        (lambda file: file.write_bytes(b""), "cannot be read"),
        (lambda file: file.write_bytes(file.read_bytes()[:-1]), "cannot be read"),
        (lambda file: (file.unlink(), file.mkdir()), "cannot be read"),
        (lambda file: (file.unlink(), file.symlink_to(file)), "cannot be read"),
    ],
)
def test_what_is_no_segment_any_more_is_said(
    damage: Any, words: str, store: Store
) -> None:
    """A file that is gone, empty, cut or replaced is one problem, and no exception."""
    segment = write(store, table_of(1))
    damage(store.root / PATH)
    (problem,) = segment_problems(store, segment)
    assert problem.startswith(f"{PATH} {words}")
    assert "\n" not in problem


def test_another_whole_file_is_found(store: Store) -> None:
    """A segment swapped for another differs in everything that is known of it."""
    segment = write(store, table_of(3))
    other = write(store, table_of(5))
    assert segment_problems(store, segment) == [
        f"{PATH} has rows 5, the manifest says 3",
        f"{PATH} has bytes {other.bytes}, the manifest says {segment.bytes}",
        f"{PATH} has sha256 {other.sha256}, the manifest says {segment.sha256}",
    ]


@pytest.mark.parametrize("path", ["../outside.parquet", "/etc/passwd", "a\0b", ""])
def test_a_segment_elsewhere_is_not_opened(path: str, store: Store) -> None:
    """A path that cannot be a segment's is a problem by itself."""
    segment = Segment(path=path, rows=1, bytes=1, sha256="")
    assert segment_problems(store, segment) == [f"{path!r} is not a segment's name"]
