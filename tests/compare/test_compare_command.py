"""``instant-logs compare``: exit codes, formats, and what pipelines are given."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from instant_logs_plugin.cli import app
from instant_logs_plugin.emulator.scenarios import Conditions
from instant_logs_plugin.errors import InstantLogsError
from tests.support.synthetic import START, Synthetic, write_synthetic

AFTER = Synthetic(number=2, started_at=START + timedelta(hours=1))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store of a baseline, the same again, errors, and too little."""
    root = str(tmp_path_factory.mktemp("store"))
    errors = Conditions(error_share=0.30)
    write_synthetic(root, "before", replace(Synthetic(), records=1_000))
    write_synthetic(root, "same", replace(AFTER, records=1_000))
    write_synthetic(
        root, "errors", replace(AFTER, records=1_000, conditions=lambda _: errors)
    )
    write_synthetic(root, "few", replace(AFTER, records=50))
    return root


@pytest.fixture
def run(store, tmp_path, monkeypatch):
    """Run compare on the store, outside of any workflow, in an empty directory."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        monkeypatch.delenv(name, raising=False)

    def start(*arguments, **environment):
        return CliRunner().invoke(
            app, ["compare", *arguments, "--store", store], env=environment
        )

    return start


@pytest.mark.parametrize(
    ("candidate", "options", "exit_code", "verdict"),
    [
        ("same", [], 0, "pass"),
        ("errors", [], 10, "fail"),
        ("few", [], 11, "inconclusive"),
        ("few", ["--on-inconclusive", "fail"], 11, "inconclusive"),
        ("few", ["--on-inconclusive", "pass"], 0, "inconclusive"),
        ("errors", ["--on-inconclusive", "pass"], 10, "fail"),
        ("errors", ["--dry-run"], 0, "fail"),
        ("few", ["--dry-run"], 0, "inconclusive"),
    ],
)
def test_exit_codes(candidate, options, exit_code, verdict, run):
    """The exit code is the verdict's; --dry-run changes it alone, not the truth."""
    result = run("before", candidate, *options)
    assert result.exit_code == exit_code
    assert json.loads(result.stdout)["verdict"] == verdict


def test_table_and_markdown_say_the_same(run):
    """People get verdict, reasons, figures and paths in either form."""
    for output in ("table", "markdown"):
        text = run("before", "errors", "--format", output).stdout
        assert "fail" in text.split("\n")[0]
        assert "edge_5xx_rate got worse: " in text
        assert "ttfb_p95 *" in text
        assert "Paths that got worse the most" in text


def test_csv_is_one_row_by_metric(run):
    """Numbers stay numbers, and a metric that was not computed has its reason."""
    rows = list(
        csv.DictReader(io.StringIO(run("before", "same", "--format", "csv").stdout))
    )
    assert rows[0]["metric"] == "edge_5xx_rate"
    assert float(rows[0]["candidate"]) < 0.02
    assert len(rows) == 12


def test_several_captures_on_a_side(run):
    """Names are separated by commas; blanks around them do not matter."""
    document = json.loads(run("before, same", "errors").stdout)
    ids = [one["capture_id"] for one in document["baseline"]["captures"]]
    assert ids == ["before", "same"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("before", "before"),
        ("before", "nothing"),
        ("before,", "same"),
        ("before", ""),
        ("before", "same", "--metrics", "none.toml"),
        ("before", "same", "--junit", "no/such/directory.xml"),
    ],
)
def test_wrong_questions(arguments, run):
    """Each is one line of ours, and exit code 2."""
    error = run(*arguments).exception
    assert isinstance(error, InstantLogsError)
    assert error.exit_code == 2
    assert str(error).isprintable()


def test_unknown_choice_is_wrong_usage(run):
    """The error lists the choices."""
    result = run("before", "same", "--on-inconclusive", "ignore")
    assert result.exit_code == 2
    assert "pass" in result.stderr


def test_metrics_file(run, tmp_path):
    """A file changes what is compared, and by which limits."""
    (tmp_path / "m.toml").write_text("[metrics.edge_5xx_rate]\nmin_effect = 0.5\n")
    document = json.loads(run("before", "errors", "--metrics", "m.toml").stdout)
    assert document["metrics"][0]["outcome"] == "unchanged"
    assert document["metrics"][0]["min_effect"] == 0.5


CASES = {"failure", "skipped", "system-out"}


@pytest.mark.parametrize(
    ("candidate", "options", "verdict_case"),
    [
        ("same", [], None),
        ("errors", [], "failure"),
        ("few", [], "failure"),
        ("few", ["--on-inconclusive", "pass"], "skipped"),
    ],
)
def test_junit(candidate, options, verdict_case, run, tmp_path):
    """The document has the form that CI systems read, and counts what it holds."""
    run("before", candidate, "--junit", "out.xml", *options)
    root = ET.fromstring((tmp_path / "out.xml").read_text())
    assert root.tag == "testsuites"
    (suite,) = root
    assert (suite.tag, root.attrib) == ("testsuite", suite.attrib)
    cases = suite.findall("testcase")
    assert list(suite) == cases
    for case in cases:
        assert set(case.attrib) == {"classname", "name", "time"}
        assert [one.tag for one in case][-1] == "system-out"
        assert {one.tag for one in case} <= CASES
        for mark in (*case.findall("failure"), *case.findall("skipped")):
            assert mark.attrib["message"]
    counted = {
        "tests": len(cases),
        "failures": len(suite.findall("testcase/failure")),
        "errors": 0,
        "skipped": len(suite.findall("testcase/skipped")),
    }
    assert {key: int(suite.attrib[key]) for key in counted} == counted
    marks = [one.tag for one in cases[0] if one.tag != "system-out"]
    assert marks == ([verdict_case] if verdict_case else [])
    assert not list(tmp_path.glob(".*"))


def test_github(run, tmp_path):
    """A step of a workflow gets a summary and outputs, after what is there already."""
    summary, outputs = tmp_path / "summary", tmp_path / "outputs"
    summary.write_text("before\n")
    result = run(
        "before",
        "errors",
        GITHUB_ACTIONS="true",
        GITHUB_STEP_SUMMARY=str(summary),
        GITHUB_OUTPUT=str(outputs),
    )
    assert result.exit_code == 10
    assert summary.read_text().startswith("before\n# Comparison: fail\n")
    assert outputs.read_text() == (
        "verdict=fail\nexit-code=10\nworse=edge_5xx_rate,origin_5xx_rate\n"
    )


def test_github_files_that_cannot_be_written(run):
    """The verdict stands where it cannot be told there too."""
    missing = {"GITHUB_STEP_SUMMARY": "/no/such/file", "GITHUB_ACTIONS": "true"}
    result = run("before", "same", **missing)
    assert result.exit_code == 0
    assert "warning: cannot write /no/such/file" in result.stderr
    assert json.loads(result.stdout)["verdict"] == "pass"


def test_nothing_is_told_outside_of_a_workflow(run, tmp_path):
    """The variables alone do not make a workflow."""
    run("before", "same", GITHUB_STEP_SUMMARY=str(tmp_path / "summary"))
    assert not (tmp_path / "summary").exists()
