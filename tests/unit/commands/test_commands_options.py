"""The command line's own promises: verbs, options, environment, errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from instant_logs_plugin.cli import app, main
from instant_logs_plugin.errors import (
    InstantLogsError,
    InvalidOption,
    VerificationFailed,
)
from tests.sql.stores import write_capture

ROOT = typer.main.get_command(app)
PROMISED = {
    "capture": """--duration --max-records --max-bytes --fields --filter --sample
        --store --journal --label --on-busy --busy-timeout --min-coverage
        --anonymize-ip --format""",
    "captures list": "--store --format",
    "captures show": "--store",
    "captures verify": "--store --format",
    "query": "--file --name --param --store --format",
    "summary": "--store --format",
    "connect": "--store",
    "compare": """--metrics --baseline-where --candidate-where --on-inconclusive
        --dry-run --junit --store --format""",
    "sessions": "--format",
    "filter": "",
    "fields": "--format",
    "emulate": "--port --scenario --rate --seed --fault",
    "demo": "",
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run the command line in an empty directory, with no settings of this machine."""
    monkeypatch.chdir(tmp_path)
    for name in ("INSTANT_LOGS_STORE", "INSTANT_LOGS_JOURNAL", "CLOUDFLARE_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)

    def start(*arguments: str, **environment: str):
        return CliRunner().invoke(app, arguments, env=environment)

    return start


def verb(name: str) -> Any:
    found: Any = ROOT
    for word in name.split():
        found = found.commands[word]
    return found


@pytest.mark.parametrize("name", PROMISED)
def test_verbs_have_the_options_promised(name: str) -> None:
    """Each verb of design §7 explains itself and each of its options."""
    command = verb(name)
    options = [one for one in command.params if one.param_type_name == "option"]
    spelled = {text for one in options for text in one.opts}
    assert set(PROMISED[name].split()) <= spelled
    assert command.help
    assert all(one.help for one in options)


def test_settings_have_their_variables() -> None:
    """Store and journal are the same setting, wherever a verb takes them."""
    variables = {"--store": "INSTANT_LOGS_STORE", "--journal": "INSTANT_LOGS_JOURNAL"}
    for name in PROMISED:
        for one in verb(name).params:
            for text in set(one.opts) & set(variables):
                assert one.envvar == variables[text], name


def test_flag_wins_over_environment_over_default(run, tmp_path: Path) -> None:
    """The three places that a setting can come from, in this order."""
    flag, variable = str(tmp_path / "flag"), str(tmp_path / "variable")
    assert "in ./captures\n" in run("captures", "list").stderr
    given = {"INSTANT_LOGS_STORE": variable}
    assert f"in {variable}\n" in run("captures", "list", **given).stderr
    shown = run("captures", "list", "--store", flag, **given).stderr
    assert f"in {flag}\n" in shown
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("output", ["yaml", "JSON", ""])
def test_unknown_formats_are_wrong_usage(output: str, run) -> None:
    """The error lists the formats that there are."""
    result = run("fields", "--format", output)
    assert result.exit_code == 2
    assert all(name in result.stderr for name in ("table", "json", "csv", "markdown"))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--max-bytes", ""),
        ("--duration", ""),
        ("--busy-timeout", "-1s"),
        ("--store", ""),
        ("--store", "s3://bucket/captures"),
    ],
)
def test_an_empty_or_wrong_value_is_not_ignored(option: str, value: str, run) -> None:
    """An unset shell variable never makes a bound or a place go away."""
    result = run("capture", "z", option, value)
    assert isinstance(result.exception, InvalidOption)
    assert result.exception.option in {option, option.removeprefix("--")}


def test_verify_names_files_of_no_manifest(run, tmp_path: Path) -> None:
    """A stray file fails the check of the whole store, though no capture names it."""
    stray = tmp_path / "captures/requests/zone_id=z/date=2026-03-01/c-00000.parquet"
    assert run("captures", "verify").exit_code == 0
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"PAR1")
    result = run("captures", "verify", "--format", "json")
    assert json.loads(result.stdout) == []
    assert isinstance(result.exception, VerificationFailed)
    assert result.exception.capture_id == "c"
    assert result.exception.exit_code == 6


def test_what_a_running_capture_has_is_not_claimed(run, tmp_path: Path) -> None:
    """Neither that it is whole, nor that it has nothing; it may have been killed."""
    running = {"state": "recording", "ended_at": None, "received": 0, "coverage": 0.0}
    write_capture(tmp_path / "captures", "a", fields=["RayID"], manifest=running)
    result = run("captures", "verify", "--checks", "--format", "json")
    (row,) = json.loads(result.stdout)
    assert (row["verified"], row["rows"], row["problems"]) == (None, None, [])
    assert "'instant-logs recover'" in result.stderr
    result = run("captures", "list", "--format", "json")
    (row,) = json.loads(result.stdout)
    assert (row["received"], row["coverage"]) == (None, None)
    assert "'instant-logs recover'" in result.stderr
    shown = run("summary", "--name", "top_paths", "--format", "json").stderr
    assert "not finished" in shown


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["query", "selec 1"], 5),
        (["captures", "show", "\x1b[31m\nx"], 1),
    ],
)
def test_errors_are_shown_not_obeyed(
    arguments: list[str],
    lines: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One line and a hint; DuckDB's has its lines, so that its caret points."""
    monkeypatch.setattr("sys.argv", ["instant-logs", *arguments])
    monkeypatch.setenv("INSTANT_LOGS_STORE", str(tmp_path))
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert "\x1b" not in err
    shown = err.splitlines()
    assert len(shown) == lines + 1
    assert shown[-1].startswith("hint: ")


def test_an_error_that_is_not_ours_is_no_exit_code() -> None:
    """1 is left to the unexpected: our root has it, and raises it never."""
    assert InstantLogsError.exit_code == 1
