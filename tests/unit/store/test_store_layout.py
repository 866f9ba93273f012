"""The names in a store: built from what is safe, refused otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instant_logs_plugin.errors import InvalidOption
from instant_logs_plugin.store.layout import (
    capture_id_at,
    check_capture_id,
    check_zone_id,
    is_segment_path,
    manifest_path,
    rejects_path,
    segment_path,
)

STARTED_AT = datetime(2026, 11, 23, 23, 51, 9, 123_999, UTC)
UNSAFE = [
    "",
    ".",
    "..",
    "../x",
    "a/b",
    "a\\b",
    "a b",
    "a.b",
    "a\n",
    "a\0",
    "\x1b[31m",
    "ä",
    "٣",
    "%2e%2e",
    "a=b",
    "*",
]


def test_paths_are_as_promised() -> None:
    """The three kinds of file lie where design §6 says."""
    path = segment_path(zone_id="z", capture_id="c", started_at=STARTED_AT, sequence=7)
    assert path == "requests/zone_id=z/date=2026-11-23/c-00007.parquet"
    assert rejects_path("c") == "rejects/c.ndjson"
    assert manifest_path("c") == "manifests/c.json"


def test_the_date_is_the_utc_date() -> None:
    """A start after midnight in the east is still yesterday in UTC."""
    eastern = STARTED_AT.astimezone(timezone(timedelta(hours=9)))
    assert eastern.day == 24
    path = segment_path(zone_id="z", capture_id="c", started_at=eastern, sequence=0)
    assert "/date=2026-11-23/" in path
    assert capture_id_at(eastern, "x") == capture_id_at(STARTED_AT, "x")


def test_capture_ids_are_cut_to_the_millisecond() -> None:
    """An id is never later than the start that it names."""
    assert capture_id_at(STARTED_AT, "4f2a9c1e") == "20261123T235109123Z-4f2a9c1e"


@given(*[st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1))] * 2)  # noqa: DTZ001
def test_capture_ids_sort_by_start(one: datetime, other: datetime) -> None:
    """Names of files in time order are in order."""
    first, second = sorted([one.replace(tzinfo=UTC), other.replace(tzinfo=UTC)])
    assert capture_id_at(first, "0") <= capture_id_at(second, "0")


@pytest.mark.parametrize("name", [*UNSAFE, "x" * 65])
def test_unsafe_zone_ids_are_refused(name: str) -> None:
    """What could leave its directory, or a URL, is no zone."""
    with pytest.raises(InvalidOption) as caught:
        check_zone_id(name)
    assert (caught.value.option, caught.value.value) == ("zone", name)
    with pytest.raises(InvalidOption):
        segment_path(zone_id=name, capture_id="c", started_at=STARTED_AT, sequence=0)


@pytest.mark.parametrize("name", [*UNSAFE, "-x", "_x", "x" * 129])
def test_unsafe_capture_ids_are_refused(name: str) -> None:
    """What could leave its directory, or look like an option, is no capture."""
    for build in (check_capture_id, rejects_path, manifest_path):
        with pytest.raises(InvalidOption) as caught:
            build(name)
        assert (caught.value.option, caught.value.value) == ("capture id", name)


@pytest.mark.parametrize("name", ["0", "x" * 64, "aZ-_9", "0123456789abcdef" * 2])
def test_safe_ids_come_back(name: str) -> None:
    """A good id is returned as it is."""
    assert check_zone_id(name) == name
    assert check_capture_id(name) == name


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("requests/zone_id=z/date=2026-11-23/c-00007.parquet", True),
        ("requests/zone_id=z/date=2026-11-23/c-100000.parquet", True),
        ("/requests/zone_id=z/date=2026-11-23/c-00007.parquet", False),
        ("requests/zone_id=../date=2026-11-23/c-00007.parquet", False),
        ("requests/zone_id=z/date=2026-11-23/../c-00007.parquet", False),
        ("requests/zone_id=z/date=2026-11-23/.c-00007.parquet.tmp", False),
        ("requests/zone_id=z/date=2026-11-23/c-00007.parquet\n", False),
        ("../../etc/passwd", False),
        ("", False),
    ],
)
def test_segment_paths_are_known(path: str, *, expected: bool) -> None:
    """Only what we could have written is read as a segment."""
    assert is_segment_path(path) is expected
