"""The verbs that ask: query, summary and connect, as people type them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from instant_logs_plugin import open_database, open_store
from instant_logs_plugin.analysis.checks import run_checks
from instant_logs_plugin.analysis.view_sql import library_queries
from instant_logs_plugin.cli import app
from instant_logs_plugin.errors import (
    CaptureNotFound,
    InvalidOption,
    InvalidQuery,
    VerificationFailed,
)
from tests.sql.stores import write_capture

GAP = {
    "started_at": "2026-03-01T12:00:10.000000Z",
    "ended_at": "2026-03-01T12:00:20.000000Z",
    "reason": "stream_lost",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Three captures: two of production, the second with a gap, and one of a test."""
    root = tmp_path_factory.mktemp("store")
    for index, (name, label, gaps) in enumerate(
        [("a", "prod", []), ("b", "prod", [GAP]), ("c", "test", [])]
    ):
        start = f"2026-03-0{index + 1}T12:00:00+00:00"
        records = [{"EdgeStartTimestamp": start, "EdgeResponseStatus": 200 + index}]
        manifest = {
            "labels": {"env": label},
            "gaps": gaps,
            "coverage": 1 - len(gaps) / 6,
            "started_at": start,
        }
        write_capture(root, name, records, manifest=manifest)
    return str(root)


def run(store, *arguments):
    result = CliRunner().invoke(app, [*arguments, "--store", store])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def rows(result):
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ["a", "b", "c"]),
        (["--capture", "latest"], ["c"]),
        (["--capture", "a", "--capture", "c"], ["a", "c"]),
        (["--label", "env=prod"], ["a", "b"]),
        (["--capture", "latest:env=prod"], ["b"]),
    ],
)
def test_captures_are_chosen(options, expected, store):
    """A question is about one capture, several, those with a label, or all."""
    sql = "select capture_id from requests order by 1"
    answer = rows(run(store, "query", sql, *options))
    assert [row["capture_id"] for row in answer] == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], [202]),
        (["a"], [200]),
        (["--all"], [200, 201, 202]),
        (["--label", "env=prod"], [200, 201]),
        (["--since", "2026-03-02", "--until", "2026-03-03T00:00:00Z"], [201]),
        (["a", "--since", "2026-03-02"], []),
    ],
)
def test_summary_of_what_is_asked(options, expected, store):
    """A summary is of the latest capture, or of what the options say."""
    answer = rows(run(store, "summary", "--name", "status", *options))
    assert sorted(row["status"] for row in answer["status"]) == expected


@pytest.mark.parametrize("output", ["table", "markdown", "json", "csv"])
def test_gaps_come_first(output, store):
    """The first thing that a summary says is how much was not recorded."""
    result = run(store, "summary", "b", "--name", "status", "--format", output)
    text = result.stdout if output in {"table", "markdown"} else result.stderr
    assert "1 gap, 10.0 s not recorded, coverage 83.3 %" in text.splitlines()[0]
    asked = run(store, "query", "--name", "status", "--capture", "b")
    assert "1 gap" in asked.stderr
    assert "gap" not in run(store, "summary", "a", "--name", "status").stderr


def test_a_ready_question_is_answered_for_people(store):
    """As a table: the question, labels and units; by either command the same."""
    table = run(store, "summary", "a", "--name", "status", "--format", "table").stdout
    heading, _, labels = table.splitlines()[:3]
    assert heading.startswith("status: Which statuses did clients get")
    assert labels.split()[0] == "Status"
    assert labels.split()[-2:] == ["Share", "Records"]
    assert "%" in table
    asked = run(store, "query", "--name", "status", "--capture", "a", "--format=table")
    assert asked.stdout == table
    markdown = run(store, "summary", "a", "--name=status", "--format=markdown").stdout
    assert markdown.startswith("## status\n\nWhich statuses did clients get")
    assert "| Share | Records |" in markdown


def test_markdown_is_for_people(store):
    """Units and labels, of one query as of several, and of captures."""
    asked = ("--name", "status", "--format", "markdown")
    answer = run(store, "query", "--capture", "a", *asked).stdout
    assert answer == run(store, "summary", "a", *asked).stdout
    listed = run(store, "captures", "list", "--format", "markdown").stdout
    assert listed.startswith("| Capture | State | Window | Records |")


@pytest.mark.parametrize("output", ["table", "markdown"])
def test_a_passed_check_is_no_lack_of_records(output, store):
    """Its rows are problems."""
    asked = ("query", "--name", "check_ledger", "--capture", "a", "--format", output)
    assert "no problems found" in run(store, *asked).stdout


def test_nothing_recorded_is_said(store):
    """A question without an answer is no silence."""
    early = ("--until", "2020-01-01", "--name", "status")
    for output in ("table", "markdown"):
        result = run(store, "summary", "a", *early, "--format", output)
        assert "nothing of this kind was recorded" in result.stdout, result.stderr


def test_answer_as_parquet(store, tmp_path):
    """An answer becomes a Parquet file, whole, with nothing on stdout."""
    path = tmp_path / "answer.parquet"
    result = run(store, "query", "from requests", "-o", str(path))
    assert result.stdout == ""
    assert pq.read_table(path).num_rows == 3
    assert [one.name for one in tmp_path.iterdir()] == ["answer.parquet"]


@pytest.mark.parametrize("path", ["/none/x.parquet", "x.csv"])
def test_answer_that_cannot_be_written(path, store):
    """A wrong place or suffix is said, and nothing is left behind."""
    with pytest.raises(InvalidOption):
        run(store, "query", "select 1", "-o", path)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["query", "select 1", "--label", "env=none"], CaptureNotFound),
        (["query", "select 1", "--label", "env"], InvalidOption),
        (["query", "select 1", "--capture", "z"], CaptureNotFound),
        (["query", "select 1", "--memory-limit", "much"], InvalidQuery),
        (["query", "select 1", "--name", "status"], InvalidOption),
        (["query", "select 1", "-o", "x.parquet", "--format", "csv"], InvalidOption),
        (["summary", "--since", "yesterday"], InvalidOption),
        (["summary", "--since", "2026-03-02", "--until", "2026-03-02"], InvalidOption),
        (["summary", "a", "--all"], InvalidOption),
    ],
)
def test_wrong_options(arguments, error, store):
    """A wrong option is named before anything is asked."""
    with pytest.raises(error):
        run(store, *arguments)


def test_list_names_every_query_with_its_question(tmp_path):
    """The library is listed without any store."""
    answer = rows(run(str(tmp_path / "none"), "query", "--list"))
    questions = {name: query.question for name, query in library_queries().items()}
    assert {row["name"]: row["question"] for row in answer} == questions


def test_connect_to_some_captures(store):
    """The shell's views hold what was chosen, and its queries run."""
    script = run(store, "connect", "--label", "env=prod").stdout
    with duckdb.connect() as shell:
        shell.execute(script)
        assert shell.execute("select sum(estimate) from status()").fetchall() == [(2,)]
        one = "select sum(estimate) from status(\"capture\" := 'latest')"
        assert shell.execute(one).fetchall() == [(1,)]


def test_checks_of_a_store(store):
    """Verifying runs the checks too: failures are problems, the rest are warnings."""
    with pytest.raises(VerificationFailed) as caught:
        run(store, "captures", "verify", "b", "--checks")
    assert caught.value.exit_code == 6
    with open_database(store) as database:
        findings = run_checks(database)
    assert [(one.check, one.level, one.capture_id) for one in findings] == [
        ("check_coverage", "warn", "b"),
        ("check_window", "warn", "b"),
        ("check_window", "warn", "c"),
    ]


def test_store_of_python(store):
    """A store answers in Arrow, and hands out a connection that is the caller's."""
    opened = open_store(store)
    answer = opened.query("select $x::int as x, count(*) as n from requests", {"x": 1})
    assert answer.to_pylist() == [{"x": 1, "n": 3}]
    assert opened.query("from requests", captures=["a"]).num_rows == 1
    with pytest.raises(InvalidQuery):
        opened.query("copy (select 1) to 'x.csv'")
    with opened.duckdb(captures=["a", "b"]) as connection:
        count = connection.execute("select sum(estimate) from status()").fetchall()
    assert count == [(2,)]


def test_interrupt_cancels_a_query(store, tmp_path):
    """One Ctrl-C ends a long query at once, with 130 and no traceback."""
    program = Path(sys.executable).with_name("instant-logs")
    fifo = tmp_path / "long.sql"
    os.mkfifo(fifo)
    arguments = [program, "query", "--file", str(fifo), "--store", store]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        # This waits for the reader: from then on the program can be interrupted.
        many = "range(9000000)"
        fifo.write_text(f"select sum(a.range * b.range) from {many} a, {many} b")
        time.sleep(1)  # most often it is in the statement then; it need not be
        process.send_signal(signal.SIGINT)
        try:
            stdout, stderr = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, stdout) == (130, "")
    assert "Traceback" not in stderr
