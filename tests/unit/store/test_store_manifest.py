"""The manifest's text: what is written is read back, what is damaged is said."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instant_logs_plugin.errors import InvalidManifest
from instant_logs_plugin.store.manifest import (
    CaptureState,
    Gap,
    Manifest,
    Request,
    Sampling,
    Segment,
    SessionSpan,
    WindowSpan,
    format_manifest,
    format_time,
    manifest_document,
    parse_manifest,
    parse_time,
)

STARTED_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SMALL = Manifest(
    capture_id="c",
    zone_id="z",
    state=CaptureState.RECORDING,
    request=Request(fields=("RayID",)),
    started_at=STARTED_AT,
)
PROMISED = """
    capture_id zone_id state end_reason labels request window started_at ended_at
    received written rejected duplicates bytes messages sessions gaps coverage segments
    sampling versions schema_version
"""


def damaged(**changes: Any) -> str:
    return json.dumps(manifest_document(SMALL) | changes)


times = st.datetimes(
    datetime(1970, 1, 2),  # noqa: DTZ001 - made aware by timezones
    datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
counts = st.integers(0, 2**63)
# Encodable text: a lone surrogate has a test of its own.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
maps = st.dictionaries(texts, texts, max_size=3)
requests = st.builds(
    Request,
    fields=st.lists(texts, max_size=3).map(tuple),
    filter=texts,
    sample=counts,
    preset=st.none() | texts,
    anonymize_ip=texts,
    drop_fields=st.lists(texts, max_size=2).map(tuple),
)
sessions = st.builds(
    SessionSpan,
    opened_at=times,
    ended_at=st.none() | times,
    end_reason=st.none() | texts,
    fingerprint=st.none() | texts,
)
manifests = st.builds(
    Manifest,
    capture_id=texts,
    zone_id=texts,
    state=st.sampled_from(CaptureState),
    request=requests,
    started_at=times,
    end_reason=st.none() | texts,
    error=st.none() | texts,
    labels=maps,
    window=st.builds(WindowSpan, start=st.none() | times, end=st.none() | times),
    ended_at=st.none() | times,
    received=counts,
    written=counts,
    bytes=counts,
    coverage=st.floats(0, 1),
    sessions=st.lists(sessions, max_size=2).map(tuple),
    gaps=st.lists(
        st.builds(Gap, started_at=times, ended_at=times, reason=texts), max_size=2
    ).map(tuple),
    segments=st.lists(
        st.builds(Segment, path=texts, rows=counts, bytes=counts, sha256=texts),
        max_size=2,
    ).map(tuple),
    sampling=st.builds(Sampling, min=st.none() | counts, max=st.none() | counts),
    versions=maps,
)


@given(manifests)
def test_what_is_written_is_read_back(manifest: Manifest) -> None:
    """Parsing a document gives the manifest, and formatting it the same bytes."""
    text = format_manifest(manifest)
    assert parse_manifest(text, path="p") == manifest
    assert format_manifest(parse_manifest(text, path="p")) == text


def test_document_has_what_is_promised() -> None:
    """Every key of design §6 is there, in order of the fields, times in UTC."""
    document = manifest_document(SMALL)
    assert set(PROMISED.split()) <= set(document)
    assert list(document["request"])[:4] == ["fields", "filter", "sample", "preset"]
    assert list(document["window"]) == ["start", "end"]
    assert list(document["sampling"]) == ["model", "min", "max"]
    assert document["state"] == "recording"
    assert document["started_at"] == "2026-03-01T12:00:00.000000Z"
    assert format_manifest(SMALL).endswith("}\n")


def test_unknown_keys_are_ignored() -> None:
    """A document with more in it, at any depth, is still read."""
    document = manifest_document(SMALL) | {"future": [1, {"x": 2}]}
    document["request"] |= {"colour": "blue"}
    assert parse_manifest(json.dumps(document), path="p") == SMALL


def test_optional_keys_may_be_absent() -> None:
    """What has a default need not be written."""
    required = {"capture_id", "zone_id", "state", "request", "started_at"}
    whole = manifest_document(SMALL)
    document = {key: whole[key] for key in required | {"schema_version"}}
    assert parse_manifest(json.dumps(document), path="p") == SMALL


def test_newer_schema_is_refused() -> None:
    """A document from the future is not guessed at; the error says which it is."""
    with pytest.raises(InvalidManifest, match=r"^manifest p: schema 2, newer than 1$"):
        parse_manifest(damaged(schema_version=2), path="p")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "{}",
        '"schema_version"',
        '{"schema_version": 1}',
        "[" * 100_000,
        "9" * 10_000,
        damaged(schema_version="1"),
        damaged(schema_version=True),
        damaged(schema_version=None),
        damaged(state="finished"),
        damaged(received="7"),
        damaged(received=7.0),
        damaged(received=True),
        damaged(coverage=10**400),
        damaged(coverage="all"),
        damaged(capture_id=None),
        damaged(started_at="2026-03-01T12:00:00"),
        damaged(started_at="0001-01-01T00:00:00+14:00"),
        damaged(started_at="yesterday"),
        damaged(started_at=0),
        damaged(request=None),
        damaged(request={}),
        damaged(labels=[]),
        damaged(labels=None),
        damaged(gaps=[{}]),
        damaged(gaps=[None]),
        damaged(gaps="none"),
        damaged(segments=[{"path": "p", "rows": 1, "bytes": 1}]),
    ],
)
def test_what_is_no_manifest_is_one_error(text: str) -> None:
    """Whatever is wrong is one line that names the file."""
    with pytest.raises(InvalidManifest) as caught:
        parse_manifest(text, path="manifests/c.json")
    assert str(caught.value).startswith("manifest manifests/c.json: not a manifest")
    assert "\n" not in str(caught.value)
    assert caught.value.hint


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner),
    max_leaves=5,
)


@given(st.sampled_from(sorted(manifest_document(SMALL))), junk)
def test_any_value_is_read_or_refused(key: str, value: Any) -> None:
    """No document raises anything but our error."""
    with contextlib.suppress(InvalidManifest):
        parse_manifest(damaged(**{key: value}), path="p")


def test_a_lone_surrogate_does_not_stop_the_manifest() -> None:
    """The words of a service may be no Unicode; the document still is UTF-8."""
    manifest = Manifest(**(vars(SMALL) | {"error": "no \ud83d way"}))
    text = format_manifest(manifest).encode().decode()
    assert parse_manifest(text, path="p").error == "no ? way"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (STARTED_AT, "2026-03-01T12:00:00.000000Z"),
        (STARTED_AT + timedelta(microseconds=1), "2026-03-01T12:00:00.000001Z"),
        (
            datetime(2026, 3, 1, 1, tzinfo=timezone(timedelta(hours=5, minutes=30))),
            "2026-02-28T19:30:00.000000Z",
        ),
    ],
)
def test_times_are_utc_with_microseconds(value: datetime, text: str) -> None:
    """One form for every time, and the same instant back."""
    assert format_time(value) == text
    assert parse_time(text) == value
    assert parse_time(text).tzinfo is UTC


def test_a_state_shows_as_its_word() -> None:
    """States are what design §6 lists."""
    words = "recording complete partial interrupted failed recovered"
    assert [state.value for state in CaptureState] == words.split()


def test_an_integer_coverage_is_a_float() -> None:
    """Coverage written as an integer is read as the same number."""
    manifest = parse_manifest(damaged(coverage=1), path="p")
    assert type(manifest.coverage) is float
    assert manifest.coverage == 1.0
