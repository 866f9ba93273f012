"""``instant-logs compare``: did the change make it worse?"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from instant_logs_plugin.commands.options import FormatOption, StoreOption
from instant_logs_plugin.commands.output import (
    OutputFormat,
    choose_format,
    print_rows,
    write_result,
)
from instant_logs_plugin.errors import InvalidOption

if TYPE_CHECKING:
    from instant_logs_plugin.analysis.compare import CompareSettings, Comparison

__all__ = ["OnInconclusive", "compare"]

_WORSE, _INCONCLUSIVE = 10, 11


class OnInconclusive(StrEnum):
    """How an inconclusive comparison ends."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"


_NAMES = "ids, prefixes, latest[:label=value], comma separated"


def compare(
    baseline: Annotated[
        str, typer.Argument(metavar="BASELINE", help=f"What was before: {_NAMES}.")
    ],
    candidate: Annotated[
        str, typer.Argument(metavar="CANDIDATE", help="What is judged: the same.")
    ],
    metrics: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="TOML: metrics and limits that differ."),
    ] = None,
    baseline_where: Annotated[
        str, typer.Option(metavar="SQL", help="Only the baseline's records of which…")
    ] = "",
    candidate_where: Annotated[
        str, typer.Option(metavar="SQL", help="Only the candidate's records of which…")
    ] = "",
    on_inconclusive: Annotated[
        OnInconclusive,
        typer.Option(help="Exit with 0 (pass) or 11 (fail) when nothing can be said."),
    ] = OnInconclusive.FAIL,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Exit with 0 whatever the verdict is.")
    ] = False,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write JUnit XML too.")
    ] = None,
    store: StoreOption = "./captures",
    output: FormatOption = None,
) -> None:
    """Compare captures: did the change make it worse?

    Exits with 0 (pass), 10 (worse) or 11 (inconclusive); 2 is a wrong question. Worse
    is what is significant over all metrics and large enough to matter. In a GitHub
    workflow the step's summary and outputs are written too.

    instant-logs compare latest:phase=before latest:phase=after

    instant-logs compare 20260301T1200,20260301T1300 latest --junit compare.xml

    instant-logs compare latest latest --baseline-where "host = 'stable.example.com'"
    --candidate-where "host = 'canary.example.com'"
    """
    from instant_logs_plugin.analysis.compare import compare_captures

    comparison = compare_captures(
        store,
        _names("BASELINE", baseline),
        _names("CANDIDATE", candidate),
        settings=_settings(metrics),
        baseline_where=baseline_where,
        candidate_where=candidate_where,
    )
    exit_code = 0 if dry_run else _exit_code(comparison, on_inconclusive)
    _print(comparison, choose_format(output))
    if junit is not None:
        _write_junit(comparison, junit, on_inconclusive)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        _tell_github(comparison, os.environ, exit_code)
    raise typer.Exit(exit_code)


def _names(side: str, text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise InvalidOption(side, text, "names of captures, comma separated")
    return names


def _settings(path: Path | None) -> CompareSettings | None:
    from instant_logs_plugin.analysis.compare import read_settings

    return None if path is None else read_settings(path)


def _exit_code(comparison: Comparison, on_inconclusive: OnInconclusive) -> int:
    match comparison.verdict.value:
        case "pass":
            return 0
        case "fail":
            return _WORSE
        case _:
            return 0 if on_inconclusive is OnInconclusive.PASS else _INCONCLUSIVE


def _print(comparison: Comparison, output: OutputFormat) -> None:
    from instant_logs_plugin.analysis.compare.document import metric_row
    from instant_logs_plugin.analysis.rendering import render_json

    match output:
        case OutputFormat.JSON:
            sys.stdout.write(render_json(comparison.document()))
        case OutputFormat.CSV:
            print_rows([metric_row(one) for one in comparison.metrics], output)
        case OutputFormat.MARKDOWN:
            sys.stdout.write(comparison.markdown())
        case OutputFormat.TABLE:
            _print_tables(comparison)


def _print_tables(comparison: Comparison) -> None:
    from instant_logs_plugin.analysis.compare.markdown import metric_table, path_tables
    from instant_logs_plugin.analysis.rendering import printable

    lines = [f"verdict: {comparison.verdict.value}"]
    lines += [f"  {printable(reason)}" for reason in comparison.reasons]
    lines += [f"  note: {printable(note)}" for note in comparison.notes]
    sys.stdout.write("\n".join(lines) + "\n\n")
    confidence = comparison.settings.confidence
    print_rows(metric_table(comparison.metrics, confidence), OutputFormat.TABLE)
    sys.stdout.write("* critical: fails the comparison when it is worse\n")
    for title, table in path_tables(comparison.paths).items():
        sys.stdout.write(f"\n{title}\n\n")
        print_rows(table, OutputFormat.TABLE)


def _write_junit(
    comparison: Comparison, path: Path, on_inconclusive: OnInconclusive
) -> None:
    from instant_logs_plugin.analysis.compare.junit import render_junit

    text = render_junit(
        comparison,
        is_inconclusive_failure=on_inconclusive is OnInconclusive.FAIL,
    )
    write_result(path, text, option="--junit")


def _tell_github(
    comparison: Comparison, environment: Mapping[str, str], exit_code: int
) -> None:
    """Append to the files that a step of a workflow is given for this."""
    worse = [one.metric.name for one in comparison.metrics if one.outcome == "worse"]
    outputs = {
        "verdict": comparison.verdict.value,
        "exit-code": str(exit_code),
        "worse": ",".join(worse),
    }
    lines = "".join(f"{name}={value}\n" for name, value in outputs.items())
    texts = {"GITHUB_STEP_SUMMARY": comparison.markdown(), "GITHUB_OUTPUT": lines}
    for variable, text in texts.items():
        if path := environment.get(variable):
            _append(Path(path), text)


def _append(path: Path, text: str) -> None:
    """Append; the verdict stands even where it cannot be told there too."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as exc:
        typer.echo(f"warning: cannot write {path}: {exc.strerror}", err=True)
