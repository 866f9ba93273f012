"""The views over real stores: what they hold, and what may not stop them."""

from __future__ import annotations

import json
from datetime import date

import pytest

from instant_logs_plugin.analysis.database import open_database
from instant_logs_plugin.analysis.view_sql import DERIVED_COLUMNS, OWN_COLUMNS
from instant_logs_plugin.errors import InvalidQuery
from tests.sql.stores import (
    DEFAULT_FIELDS,
    STARTED_AT,
    TYPES,
    plain_rows,
    write_capture,
    write_text,
)

START = "2026-03-01T12:00:01+00:00"


def ask(root, sql, **options):
    with open_database(str(root), **options) as database:
        return plain_rows(database.query(sql))


def derive(root, expression, record, **capture):
    write_capture(root, "a", [record], **capture)
    return ask(root, f"select {expression} as value from requests")[0]["value"]


def test_empty_store_has_typed_empty_views(tmp_path):
    """A store that does not exist yet answers with no rows of the right types."""
    with open_database(str(tmp_path / "none")) as database:
        assert database.problems == (f"store {tmp_path / 'none'} does not exist",)
        for view in ("requests", "captures", "gaps", "rejects"):
            assert database.query(f"from {view}").num_rows == 0
        requests = database.columns("requests")
        assert database.columns("captures")["labels"] == "MAP(VARCHAR, VARCHAR)"
        assert database.columns("gaps")["started_at"] == "TIMESTAMP WITH TIME ZONE"
        assert database.columns("rejects")["raw"] == "BLOB"
    assert list(requests)[-len(DERIVED_COLUMNS) :] == list(DERIVED_COLUMNS)
    assert set(requests) == {*OWN_COLUMNS, *DERIVED_COLUMNS}
    assert requests["date"] == "DATE"


def test_derived_columns_have_one_type(tmp_path):
    """A derived column has the same type whether its source was recorded or not."""
    with open_database(str(tmp_path)) as database:
        empty = database.columns("requests")
    write_capture(tmp_path, "a", [{"RayID": "1"}], fields=tuple(TYPES))
    with open_database(str(tmp_path)) as database:
        full = database.columns("requests")
    assert {name: full[name] for name in empty} == empty


@pytest.mark.parametrize(
    ("expression", "record", "expected"),
    [
        ("edge_start", {"EdgeStartTimestamp": START}, "2026-03-01T12:00:01Z"),
        ("edge_end", {"EdgeEndTimestamp": START}, "2026-03-01T12:00:01Z"),
        ("path", {"ClientRequestURI": "/a?b=/c?d"}, "/a"),
        ("path", {"ClientRequestPath": "/p", "ClientRequestURI": "/u?"}, "/p"),
        ("path", {"ClientRequestURI": None}, None),
        ("status_class", {"EdgeResponseStatus": 204}, "2xx"),
        ("status_class", {"EdgeResponseStatus": 101}, "1xx"),
        ("status_class", {"EdgeResponseStatus": 600}, "other"),
        ("status_class", {"EdgeResponseStatus": None}, None),
        ("is_error", {"EdgeResponseStatus": 399}, False),
        ("is_error", {"EdgeResponseStatus": 400}, True),
        ("is_server_error", {"EdgeResponseStatus": 499}, False),
        ("is_server_error", {"EdgeResponseStatus": 599}, True),
        ("is_cache_hit", {"CacheCacheStatus": "hit"}, True),
        ("is_cache_hit", {"CacheCacheStatus": "stale"}, True),
        ("is_cache_hit", {"CacheCacheStatus": "updating"}, True),
        ("is_cache_hit", {"CacheCacheStatus": "stream_hit"}, True),
        ("is_cache_hit", {"CacheCacheStatus": "revalidated"}, False),
        ("is_cache_hit", {"CacheCacheStatus": "expired"}, False),
        ("is_cache_hit", {"CacheCacheStatus": None}, None),
        ("is_cache_hit", {"RayID": "1"}, None),
        ("origin_ms", {"OriginResponseDurationMs": 0}, None),
        ("origin_ms", {"OriginResponseDurationMs": 9}, 9),
        ("origin_ms", {"OriginResponseTime": 2_900_000}, 2),
        ("origin_ms", {"OriginResponseTime": 1}, 1),
        ("security_actions", {"SecurityAction": "block"}, ["block"]),
        ("security_actions", {"SecurityActions": ["log"]}, ["log"]),
        ("security_actions", {"RayID": "1"}, None),
        ("is_origin_asked", {"OriginResponseStatus": 0}, False),
        ("is_origin_asked", {"OriginResponseStatus": 0, "OriginResponseTime": 1}, True),
        ("is_origin_asked", {"RayID": "1"}, None),
        ("origin_tcp_ms", {"OriginTCPHandshakeDurationMs": 0}, 0),
        (
            "origin_tcp_ms",
            {"OriginTCPHandshakeDurationMs": 0, "OriginResponseStatus": 0},
            None,
        ),
        ("worker", {"WorkerScriptName": ""}, None),
        ("country", {"ClientCountry": "FR"}, "fr"),
        ("zone_id", {"RayID": "1"}, "zone1"),
        ("date", {"RayID": "1"}, date(2026, 3, 1)),
    ],
)
def test_derived_column(expression, record, expected, tmp_path):
    """Each derived column says what its sources say."""
    assert derive(tmp_path, expression, record) == expected


@pytest.mark.parametrize(
    ("interval", "sample", "model", "expected"),
    [
        (None, 1, "exclusive", 1),
        (1, 1, "exclusive", 1),
        (7, 1, "exclusive", 7),
        (7, 10, "exclusive", 70),
        (None, 10, "exclusive", 10),
        (7, 10, "inclusive", 7),
        (0, 10, "exclusive", 10),
        (-3, 1, "exclusive", 1),
        (2**63 - 1, 10, "exclusive", 9223372036854774784),
    ],
)
def test_weight(interval, sample, model, *, expected, tmp_path):
    """A record weighs its interval times the sample asked for, under its rule."""
    record = {"RayID": "1", "sampleInterval": interval}
    document = {"request": {"sample": sample}, "sampling": {"model": model}}
    assert derive(tmp_path, "weight", record, manifest=document) == expected


def test_captures_with_different_fields_query_together(tmp_path):
    """What one capture did not record is null beside what another did."""
    write_capture(tmp_path, "a", [{"ClientIP": "192.0.2.1"}])
    write_capture(tmp_path, "b", [{"EdgeResponseStatus": 200}], zone_id="zone2")
    rows = ask(
        tmp_path,
        "select capture_id, zone_id, ClientIP, EdgeResponseStatus, status, client_ip "
        "from requests order by capture_id",
    )
    assert [list(row.values()) for row in rows] == [
        ["a", "zone1", "192.0.2.1", None, None, "192.0.2.1"],
        ["b", "zone2", None, 200, 200, None],
    ]


def test_unrecorded_field_is_an_error_with_candidates(tmp_path):
    """A field that no capture recorded is no column, so that a typo shows."""
    write_capture(tmp_path, "a", [{"ClientIP": "192.0.2.1"}])
    with pytest.raises(InvalidQuery, match=r"(?s)ClientIPs.*ClientIP"):
        ask(tmp_path, "select ClientIPs from requests")


def test_field_cannot_take_the_name_of_a_derived_column(tmp_path):
    """An unknown field called like a derived column does not break the view."""
    write_capture(tmp_path, "a", [{"Path": "x", "ClientRequestURI": "/y?z"}])
    assert ask(tmp_path, "select path from requests") == [{"path": "/y"}]


def test_only_captures_asked_for(tmp_path):
    """Restricted to captures, every view and query is about these alone."""
    gap = {"started_at": STARTED_AT, "ended_at": STARTED_AT, "reason": "x"}
    reject = {"reason": "x", "received_at": STARTED_AT, "line": "x"}
    for name in ("a", "b", "c"):
        document = {"gaps": [gap]}
        record = {"RayID": name}
        write_capture(tmp_path, name, [record], rejects=[reject], manifest=document)
    for view in ("requests", "captures", "gaps", "rejects"):
        sql = f"select capture_id from {view} order by all"
        ids = [row["capture_id"] for row in ask(tmp_path, sql, captures=["a", "c"])]
        assert ids == ["a", "c"], view
    assert ask(tmp_path, "from captures", captures=[]) == []


def test_captures_view(tmp_path):
    """A capture's row says what its manifest says."""
    labels = {"revision": "abc", "it's": '"; drop table manifests; --'}
    write_capture(
        tmp_path,
        "a",
        [{"RayID": "1"}],
        manifest={"labels": labels, "request": {"sample": 10}, "future": [1, {"x": 2}]},
    )
    (row,) = ask(tmp_path, "from captures")
    assert dict(row["labels"]) == labels
    assert row["fields"] == ["RayID"]
    assert (row["sample"], row["sample_factor"], row["written"]) == (10, 10, 1)
    assert row["window_start"] == "2026-03-01T12:00:00Z"
    assert (row["segment_count"], row["gap_count"], row["session_count"]) == (1, 0, 1)
    assert ask(tmp_path, "select labels['revision'] as r from captures") == [
        {"r": "abc"}
    ]


def test_interrupted_and_running_captures(tmp_path):
    """A capture that has not ended has a row with null ends, and its records count."""
    running = {"state": "recording", "ended_at": None, "window": {"end": None}}
    write_capture(tmp_path, "a", [{"RayID": "1"}], manifest=running)
    write_capture(
        tmp_path, "b", fields=DEFAULT_FIELDS, manifest={"state": "interrupted"}
    )
    sql = "select state, ended_at is null as open from captures order by capture_id"
    states = [tuple(row.values()) for row in ask(tmp_path, sql)]
    assert states == [("recording", True), ("interrupted", False)]
    assert len(ask(tmp_path, "from requests")) == 1


def test_what_a_running_capture_will_have_is_not_known(tmp_path):
    """Its manifest holds the end that was asked for, and counts nothing yet."""
    running = {"state": "recording", "ended_at": None, "received": 0, "coverage": 1.0}
    write_capture(tmp_path, "a", fields=DEFAULT_FIELDS, manifest=running)
    (row,) = ask(tmp_path, "from captures")
    unknown = ("window_end", "window_s", "received", "written", "rejected", "late")
    assert {row[name] for name in (*unknown, "bytes", "coverage")} == {None}
    (answer,) = ask(tmp_path, "from overview()")
    assert answer["notes"] == "1 capture not finished, and not counted yet"
    assert (answer["coverage"], answer["requests_per_s"]) == (None, None)
    assert ask(tmp_path, "from timeline()") == []


def test_gaps_view(tmp_path):
    """A gap has its capture, its zone and its length in seconds."""
    gap = {
        "started_at": "2026-03-01T12:00:10.250000Z",
        "ended_at": "2026-03-01T12:00:12.000000Z",
        "reason": "stream lost",
    }
    write_capture(tmp_path, "a", fields=["RayID"], manifest={"gaps": [gap]})
    assert ask(tmp_path, "from gaps") == [
        {
            "capture_id": "a",
            "zone_id": "zone1",
            "started_at": "2026-03-01T12:00:10.250000Z",
            "ended_at": "2026-03-01T12:00:12Z",
            "reason": "stream lost",
            "duration_s": 1.75,
        }
    ]


def test_rejects_view(tmp_path):
    """A rejected line comes back byte for byte, UTF-8 or not."""
    text = '{"a": "\u2028\t\\ud800 \x00'
    rejects = [
        {"reason": "not_json", "received_at": STARTED_AT, "line": text},
        {"reason": "not_utf8", "received_at": STARTED_AT, "line_base64": "/w=="},
    ]
    write_capture(tmp_path, "a", fields=["RayID"], rejects=rejects)
    write_capture(tmp_path, "b", [{"RayID": "1"}])
    rows = ask(tmp_path, "from rejects order by reason")
    assert [(r["capture_id"], r["zone_id"], r["line"], r["raw"]) for r in rows] == [
        ("a", "zone1", text, text.encode()),
        ("a", "zone1", None, b"\xff"),
    ]
    assert rows[0]["received_at"] == "2026-03-01T12:00:00Z"


def test_ten_megabyte_reject(tmp_path):
    """A huge rejected line is read like any other."""
    line = '"' * 10_000_000
    rejects = [{"reason": "too_long", "received_at": STARTED_AT, "line": line}]
    write_capture(tmp_path, "a", fields=["RayID"], rejects=rejects)
    assert ask(tmp_path, "select length(line) as n from rejects") == [{"n": 10_000_000}]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"capture_id": "bad"}',
        '{"capture_id": "bad", "schema_version": 2}',
        "\x00",
        "[" * 100_000,
    ],
)
def test_damaged_manifest_hides_no_other(text, tmp_path):
    """A manifest that cannot be read is told and left out."""
    write_capture(tmp_path, "a", [{"RayID": "1"}])
    write_text(tmp_path / "manifests" / "bad.json", text)
    (tmp_path / "manifests" / ".b.json.tmp").write_bytes(b"\xff")
    with open_database(str(tmp_path)) as database:
        assert [problem.split(":")[1] for problem in database.problems] == [
            " manifest manifests/bad.json"
        ]
        assert database.query("from captures").num_rows == 1
        assert database.query("from requests").num_rows == 1


def test_manifest_of_another_capture_is_left_out(tmp_path):
    """A copied manifest does not make its records count twice."""
    document = write_capture(tmp_path, "a", [{"RayID": "1"}])
    write_text(tmp_path / "manifests" / "copy.json", json.dumps(document))
    assert len(ask(tmp_path, "from requests")) == 1


@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "outside"])
def test_damaged_segment_hides_no_other(damage, tmp_path):
    """A segment that is gone, cut or elsewhere is told and left out."""
    write_capture(tmp_path, "a", [{"RayID": "1"}])
    document = write_capture(tmp_path, "b", [{"RayID": "2"}])
    path = tmp_path / document["segments"][0]["path"]
    whole = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "outside":
        document["segments"][0]["path"] = "../elsewhere.parquet"
        write_text(tmp_path / "manifests" / "b.json", json.dumps(document))
    else:
        path.write_bytes(whole[: len(whole) // 2 if damage == "truncated" else 0])
    with open_database(str(tmp_path)) as database:
        assert len(database.problems) == 1
        assert "b-00000" in database.problems[0] or "elsewhere" in database.problems[0]
        assert database.query("select RayID from requests").to_pylist() == [
            {"RayID": "1"}
        ]


def test_files_that_no_manifest_names_are_not_read(tmp_path):
    """A stray Parquet or reject file is no part of any view."""
    document = write_capture(tmp_path, "a", [{"RayID": "1"}])
    path = tmp_path / document["segments"][0]["path"]
    path.with_name("stray.parquet").write_bytes(path.read_bytes())
    write_text(tmp_path / "rejects" / "stray.ndjson", "not even JSON")
    assert len(ask(tmp_path, "from requests")) == 1
    assert ask(tmp_path, "from rejects") == []


@pytest.mark.parametrize("name", ["it's", "a[1]*?", "späce ünd $x", 'dou"ble;--'])
def test_store_path_is_only_a_path(name, tmp_path):
    """Quotes and glob characters in the store's path mean themselves."""
    reject = {"reason": "x", "received_at": STARTED_AT, "line": "x"}
    write_capture(tmp_path / name, "a", [{"RayID": "1"}], rejects=[reject])
    for view in ("requests", "captures", "rejects"):
        assert len(ask(tmp_path / name, f"from {view}")) == 1, view
