"""The database as a whole: what it refuses, how it fails, what it leaves behind."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from instant_logs_plugin.analysis.database import init_sql, open_database
from instant_logs_plugin.errors import (
    CaptureNotFound,
    InvalidOption,
    InvalidQuery,
    UnknownQuery,
)
from tests.sql.stores import write_capture, write_text


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("store")
    write_capture(root, "a", [{"ClientRequestURI": "/a"}] * 3)
    return root


@pytest.fixture(scope="module")
def database(store):
    # Opening takes longer than any question; what is refused must leave no trace.
    with open_database(str(store)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("select 1", 1),
        ("from requests", 3),
        ("  /* a */ -- b\n select 1;", 1),
        ("with x as (select 1) from x", 1),
        ("values (1), (2)", 2),
        ("describe requests", None),
        ("summarize requests", None),
        ("show tables", None),
        ("explain from requests", 1),
        ("explain analyze from requests", 1),
        ("explain (format json) select 1", 1),
        ("pivot requests on path using sum(weight)", 1),
        ("from (pivot requests on path using sum(weight))", 1),
        ("from top_paths(5)", 1),
    ],
)
def test_reading_statements_are_answered(sql, rows, database):
    """Whatever only reads is answered as an Arrow table."""
    answer = database.query(sql)
    assert isinstance(answer, pa.Table)
    assert rows is None or answer.num_rows == rows


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "-- nothing",
        "select 1; select 2",
        "copy (select 1) to '{store}/x.csv'",
        "copy (pivot requests on path using sum(weight)) to '{store}/x.csv'",
        "explain analyze copy (select 1) to '{store}/x.csv'",
        "explain /* a */ analyze copy (select 1) to '{store}/x.csv'",
        "/* a */ explain (analyze) copy (select 1) to '{store}/x.csv'",
        "copy (select 1) to '/tmp/x.csv'",
        "export database '{store}/x'",
        "attach '{store}/x.db'",
        "create table x(i int)",
        "create or replace view requests as select 1",
        "drop view requests",
        "insert into manifests values ('x', '{{}}')",
        "delete from manifests",
        "set threads = 1",
        "set enable_external_access = true",
        "reset lock_configuration",
        "pragma enable_profiling",
        "install httpfs",
        "load httpfs",
        "call enable_logging()",
        "from enable_logging(storage = 'file', storage_path = '{store}/log')",
        "prepare x as select 1",
        "from query('copy (select 1) to ''{store}/x.csv''')",
        "from read_text('/etc/hostname')",
        "from '/etc/hostname'",
        "from glob('/etc/*')",
        "from read_csv('/etc/passwd')",
        "from read_text('{store}/../outside.txt')",
        "from 'https://127.0.0.1:1/x.parquet'",
        "from duckdb_secrets()",
    ],
)
def test_everything_else_is_refused(sql, database, store):
    """Nothing outside the store is read, and nothing is written, set or loaded."""
    write_text(store.parent / "outside.txt", "x")
    before = sorted(store.rglob("*"))
    with pytest.raises(InvalidQuery):
        database.query(sql.format(store=store))
    assert sorted(store.rglob("*")) == before
    assert database.query("from requests").num_rows == 3


def test_python_variables_are_no_tables(database):
    """A name in SQL never means a variable of the caller."""
    secret = pa.table({"x": [1]})
    with pytest.raises(InvalidQuery, match="secret does not exist"):
        database.query("from secret")
    assert secret.num_rows == 1


def test_symbolic_links_are_judged_by_where_they_stand(database, store):
    """The connection itself is confined to the store too."""
    with pytest.raises(duckdb.PermissionException):
        database.connection.execute(f"copy (select 1) to '{store.parent}/x.csv'")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select pathh from requests", r'(?s)pathh.*"path"'),
        ("selec 1", r'(?s)syntax error.*LINE 1.*\^.*Did you mean "select"'),
        ("select 1 from requests wher status > 1", r"(?s)LINE 1.*\^"),
        ("from request", r"(?s)request does not exist.*requests"),
        ("select 1 +", "syntax error"),
        ("select 1 with 2", r'(?s)at or near "with"(?!.*mean)'),
        ("select 'x'::int", "Could not convert string 'x'"),
        ("select error('no')", "no"),
    ],
)
def test_errors_are_duckdbs_own_words(sql, expected, database):
    """A refused statement shows the line, a caret and a close match."""
    with pytest.raises(InvalidQuery, match=expected) as caught:
        database.query(sql)
    assert caught.value.exit_code == 2
    assert len(str(caught.value).splitlines()) <= 12


def test_parameters_are_bound(database):
    """A parameter's value is a value, whatever it looks like."""
    hostile = "'; drop view requests; --"
    answer = database.query("select $text as t, $n + 1 as n", {"text": hostile, "n": 1})
    assert answer.to_pylist() == [{"t": hostile, "n": 2}]


@pytest.mark.parametrize("params", [{}, {"x": 1, "y": 2}, {"x": object()}])
def test_wrong_parameters_are_an_invalid_query(params, database):
    """A missing, a surplus and an unbindable parameter are our error."""
    with pytest.raises(InvalidQuery):
        database.query("select $x + 1", params)


def test_times_are_utc(database):
    """The session's time zone is UTC, whatever the machine's is."""
    sql = "select '2026-03-01 12:00:00'::timestamptz::varchar as t"
    assert database.query(sql).to_pylist() == [{"t": "2026-03-01 12:00:00+00"}]


def test_query_file_from_disk(database, tmp_path):
    """A file runs with its header's defaults, or, without one, as it stands."""
    write_text(tmp_path / "mine.sql", "select $x::int as x;\n")
    rows = database.run_query_file(tmp_path / "mine.sql", {"x": "4"}).to_pylist()
    assert rows == [{"x": 4}]
    rows = database.run_query_file("top_paths", {"limit": "1"}).to_pylist()
    assert [(row["path"], row["sample_size"]) for row in rows] == [("/a", 3)]


@pytest.mark.parametrize(
    ("name", "params", "error"),
    [
        ("top_path", {}, UnknownQuery),
        ("/none/x.sql", {}, UnknownQuery),
        (Path("/none/x"), {}, UnknownQuery),
        ("top_paths", {"limit": "many"}, InvalidOption),
        ("top_paths", {"limit": 0}, InvalidOption),
        ("top_paths", {"since": "yesterday"}, InvalidOption),
        ("top_paths", {"limits": 1}, InvalidQuery),
    ],
)
def test_wrong_query_files_and_parameters(name, params, error, database):
    """A wrong name or parameter is said before anything is asked."""
    with pytest.raises(error):
        database.run_query_file(name, params)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"captures": ["a", "none"]}, CaptureNotFound),
        ({"memory_limit": "much"}, InvalidQuery),
    ],
)
def test_open_refuses(options, error, store, monkeypatch, tmp_path):
    """A wrong option fails at once and leaves no spill directory."""
    spill = tmp_path / "spill"
    spill.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spill))
    with pytest.raises(error):
        open_database(str(store), **options)
    assert list(spill.iterdir()) == []


def test_bucket_is_not_read_yet():
    """A store that is no directory is refused by name."""
    with pytest.raises(InvalidOption):
        open_database("s3://bucket/captures")


def test_memory_limit_is_obeyed(tmp_path):
    """A query over the limit fails as an invalid query, or spills; it never dies."""
    with open_database(str(tmp_path), memory_limit="64MB") as database:
        limit = database.query("select current_setting('memory_limit') as m")
        assert limit.to_pylist()[0]["m"].startswith("61")
        with pytest.raises(InvalidQuery, match=r"(?i)memory"):
            database.query("select list(range) from range(30000000)")


def test_problems_are_logged(tmp_path, caplog):
    """What is left out is an event with its facts."""
    write_text(tmp_path / "manifests" / "bad.json", "{")
    with caplog.at_level(logging.WARNING):
        open_database(str(tmp_path)).close()
    (record,) = caplog.records
    assert record.message == "instant_logs.store_problem_found"
    assert "bad.json" in record.problem


def test_close_may_be_called_again(tmp_path):
    """Closing twice is closing once."""
    database = open_database(str(tmp_path))
    database.close()
    database.close()


def test_init_sql_stands_alone_and_runs_again(tmp_path):
    """The text makes the same views in a plain shell, twice if it must."""
    reject = {"reason": "x", "received_at": "2026-03-01T12:00:00Z", "line": "x"}
    write_capture(tmp_path, "a", [{"RayID": "1"}], rejects=[reject])
    write_capture(tmp_path, "b", [{"ClientIP": "::1"}])
    text = init_sql(str(tmp_path))
    with duckdb.connect() as shell, open_database(str(tmp_path)) as database:
        shell.execute(text)
        shell.execute(text)
        for view in ("requests", "captures", "gaps", "rejects"):
            described = shell.execute(f"describe {view}").fetchall()
            assert {row[0]: row[1] for row in described} == database.columns(view)
            count = shell.execute(f"select count(*) from {view}").fetchone()
            assert count == (database.query(f"from {view}").num_rows,)
        setting = shell.execute("select current_setting('timezone')").fetchone()
        assert setting == ("UTC",)


def test_init_sql_restricted_to_captures(tmp_path):
    """The text can be about some captures only."""
    write_capture(tmp_path, "a", [{"RayID": "1"}])
    write_capture(tmp_path, "b", [{"RayID": "2"}])
    with duckdb.connect() as shell:
        shell.execute(init_sql(str(tmp_path), captures=["b"]))
        assert shell.execute("select RayID from requests").fetchall() == [("2",)]
