"""Every bundled query, on the fixture directories beside this file.

A case is ``<query>/<case>/`` with ``input.ndjson`` (records; ``_capture`` names the
capture, ``a`` without it), ``expected.json`` (the rows), and optionally
``captures.json`` (what a capture's manifest says otherwise) and ``params.json``.
"""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

import duckdb
import pytest

from instant_logs_plugin.analysis.database import init_sql, open_database
from instant_logs_plugin.analysis.query_files import macro_sql
from instant_logs_plugin.analysis.view_sql import library_queries
from instant_logs_plugin.errors import FieldsNotRecorded
from tests.sql.stores import DEFAULT_FIELDS, TYPES, plain_rows, write_capture

HERE = Path(__file__).parent
CASES = sorted(path.parent for path in HERE.glob("*/*/expected.json"))
QUERIES = library_queries()
ALL_FIELDS = tuple(TYPES)
SHORT = {"timestamp with time zone": "timestamptz"}
STRAY = {"EdgeStartTimestamp": "1970-01-01T00:00:00+00:00"}


def read_json(path, default):
    return json.loads(path.read_text("utf-8")) if path.exists() else default


def write_case(case, root):
    overrides = read_json(case / "captures.json", {})
    lines = (case / "input.ndjson").read_text("utf-8").split("\n")
    records = [json.loads(line) for line in lines if line]
    records.sort(key=lambda record: record.get("_capture", "a"))
    groups = {
        name: [{k: v for k, v in r.items() if k != "_capture"} for r in group]
        for name, group in groupby(records, lambda r: r.get("_capture", "a"))
    }
    for name in sorted({*groups, *overrides, *([] if groups or overrides else "a")}):
        options = overrides.get(name, {})
        write_capture(root, name, groups.get(name, []), **options)


@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}"
)
def test_case(case, tmp_path):
    """A query gives the expected rows, as a file and as a macro."""
    write_case(case, tmp_path)
    name, params = case.parent.name, read_json(case / "params.json", {})
    arguments = ", ".join(f'"{k}" := {sql_literal(v)}' for k, v in params.items())
    with open_database(str(tmp_path)) as database:
        answer = database.run_query_file(name, params)
        again = database.query(f"from {name}({arguments})")
    assert plain_rows(answer) == read_json(case / "expected.json", None)
    assert plain_rows(again) == plain_rows(answer)


def sql_literal(value):
    """Return a parameter's value as SQL text; strings in single quotes."""
    return json.dumps(value).replace("'", "''").replace('"', "'")


def test_every_query_has_a_case():
    """No bundled query is without a fixture directory."""
    assert sorted(QUERIES) == sorted({case.parent.name for case in CASES})


@pytest.fixture(scope="module", params=[0, 1, 3])
def database(request, tmp_path_factory):
    """A store in which every field was asked for, with none, one or three records."""
    records = [
        {
            "EdgeStartTimestamp": "2026-03-01T12:00:01+00:00",
            "EdgeTimeToFirstByteMs": 5,
            "SecurityAction": "block",
        }
    ] * request.param
    root = tmp_path_factory.mktemp("store")
    write_capture(root, "a", records, fields=ALL_FIELDS)
    with open_database(str(root)) as opened:
        yield opened


@pytest.mark.parametrize("name", QUERIES)
def test_header_names_the_columns(name, database):
    """A header's columns are the answer's, in order and type, with and without rows."""
    described = database.query(f"describe from {name}()").to_pylist()
    answer = database.run_query_file(name)
    types = [(row["column_name"], row["column_type"].lower()) for row in described]
    declared = [(column.name, column.type) for column in QUERIES[name].columns]
    assert [(column, SHORT.get(kind, kind)) for column, kind in types] == declared
    assert answer.column_names == [column for column, _ in declared]


@pytest.mark.parametrize("name", QUERIES)
def test_header_says_what_style_asks(name):
    """Each header answers a question, names its grain, and its text has an order."""
    query = QUERIES[name]
    assert query.question.endswith("?")
    assert query.grain.startswith("one row")
    assert "order by" in query.sql
    assert query.sql == query.sql.replace("\t", "    ")
    assert max(map(len, query.sql.splitlines())) <= 88
    assert len(macro_sql(query)) > len(query.sql)


@pytest.mark.parametrize("name", QUERIES)
def test_checks_say_how_bad_it_is(name):
    """A check, and nothing else, has a level."""
    assert bool(QUERIES[name].level) == name.startswith("check_")


@pytest.mark.parametrize("name", QUERIES)
def test_parameters_do_not_hide_columns(name):
    """No parameter has the name of a column: a macro would read it instead."""
    names = {param.name for param in QUERIES[name].params}
    assert not names & {column.name for column in QUERIES[name].columns}


@pytest.mark.parametrize("name", QUERIES)
def test_needed_fields_are_real(name):
    """What a header needs is in the service's catalogue."""
    params = {param.name: "x" for param in QUERIES[name].params}
    needed = QUERIES[name].fields_needed(params)
    assert {part for item in needed for part in item.split("|")} <= set(TYPES)


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """A plain DuckDB shell on a capture of the default preset."""
    root = tmp_path_factory.mktemp("store")
    record = {"EdgeStartTimestamp": "2026-03-01T12:00:01+00:00", "ClientIP": "::1"}
    write_capture(root, "a", [record], fields=DEFAULT_FIELDS)
    with duckdb.connect() as opened:
        opened.execute(init_sql(str(root)))
        yield opened


@pytest.mark.parametrize("name", QUERIES)
def test_plain_shell_runs_it_on_the_default_preset(name, shell):
    """Every query runs from the init text alone, whatever was recorded."""
    arguments = '"capture" := \'a\', "since" := \'2026-03-01\', "confidence" := 0.9'
    given = {param.name for param in QUERIES[name].params}
    shell.execute(f"from {name}()").fetchall()
    if given >= {"capture", "since", "confidence"}:
        shell.execute(f"from {name}({arguments})").fetchall()


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("cache", ("CacheCacheStatus",)),
        ("countries", ("ClientCountry",)),
        (
            "latency",
            ("EdgeTimeToFirstByteMs|OriginResponseDurationMs|OriginResponseTime",),
        ),
        ("security", ("SecurityAction|SecurityActions|WAFAttackScore",)),
    ],
)
def test_names_the_fields_that_no_capture_recorded(name, missing, tmp_path):
    """A query over fields that no capture holds says which, instead of nothing."""
    write_capture(tmp_path, "a", fields=DEFAULT_FIELDS)
    with (
        open_database(str(tmp_path)) as database,
        pytest.raises(FieldsNotRecorded) as caught,
    ):
        database.run_query_file(name)
    assert caught.value.missing == missing


@pytest.mark.parametrize(
    "name", ["overview", "status", "timeline", "top_paths", "top_clients"]
)
def test_default_preset_answers(name, tmp_path):
    """The service's own nine fields are enough for the basic questions."""
    record = {
        "ClientIP": "192.0.2.1",
        "ClientRequestURI": "/a?b",
        "EdgeResponseBytes": 10,
        "EdgeResponseStatus": 200,
        "EdgeStartTimestamp": "2026-03-01T12:00:01+00:00",
        "sampleInterval": 4,
    }
    write_capture(tmp_path, "a", [record], fields=DEFAULT_FIELDS)
    with open_database(str(tmp_path)) as database:
        rows = database.run_query_file(name).to_pylist()
    assert sum(row["estimate"] for row in rows) == 4


def test_a_timeline_of_old_requests_has_few_buckets(tmp_path):
    """A replay's requests span days, and its window seconds."""
    records = [
        {"EdgeStartTimestamp": f"2025-02-{day:02}T{hour:02}:30:00+00:00"}
        for day in range(1, 29)
        for hour in range(24)
    ]
    write_capture(tmp_path, "a", [*records, {**records[0], **STRAY}])
    with open_database(str(tmp_path)) as database:
        rows = database.run_query_file("timeline").to_pylist()
    assert sum(row["sample_size"] for row in rows) == len(records) + 1
    assert 20 <= len(rows) <= 100
