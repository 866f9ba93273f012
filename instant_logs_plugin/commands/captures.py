"""``instant-logs captures list|show|verify``: what the store holds."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from instant_logs_plugin.commands.options import FormatOption, StoreOption
from instant_logs_plugin.commands.output import (
    OutputFormat,
    choose_format,
    print_rows,
    print_table,
    printable,
)
from instant_logs_plugin.commands.problems import warn_of_unfinished

if TYPE_CHECKING:
    from collections.abc import Sequence

    from instant_logs_plugin.store.manifest import Manifest

__all__ = ["captures_app", "print_captures"]

captures_app = typer.Typer(help="List, show and verify captures.", no_args_is_help=True)

IdArgument = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="An id, a unique prefix, latest, or latest:label=value."
    ),
]


@captures_app.command("list")
def list_(store: StoreOption = "./captures", output: FormatOption = None) -> None:
    """List captures, oldest first."""
    from instant_logs_plugin.store.catalog import list_captures
    from instant_logs_plugin.store.filesystem import open_store

    listing = list_captures(open_store(store))
    print_captures(listing.manifests, output)
    warn_of_unfinished(listing.manifests)
    for problem in listing.unreadable:
        typer.echo(f"warning: {problem}", err=True)
    if not (listing.manifests or listing.unreadable):
        typer.echo(f"no captures in {store}", err=True)


@captures_app.command()
def show(capture_id: IdArgument, store: StoreOption = "./captures") -> None:
    """Print a capture's manifest."""
    from instant_logs_plugin.store.catalog import find_capture
    from instant_logs_plugin.store.filesystem import open_store
    from instant_logs_plugin.store.manifest import format_manifest

    manifest = find_capture(open_store(store), capture_id)
    sys.stdout.write(format_manifest(manifest))


@captures_app.command()
def verify(
    capture_id: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="One capture; without it, all of them."),
    ] = None,
    checks: Annotated[
        bool,
        typer.Option(
            "--checks", help="Run the SQL checks too; 'query --list' has them."
        ),
    ] = False,
    store: StoreOption = "./captures",
    output: FormatOption = None,
) -> None:
    """Compare files with manifests: sizes, row counts, SHA-256, and the ledger.

    Files that no manifest names are found too. With --checks, what a check of level
    fail finds is a problem, and what one of level warn finds is shown.

    Exits with 6 when anything is not as it was committed.
    """
    from instant_logs_plugin.errors import VerificationFailed
    from instant_logs_plugin.store.catalog import (
        capture_problems,
        find_capture,
        list_captures,
        stray_problems,
    )
    from instant_logs_plugin.store.filesystem import open_store
    from instant_logs_plugin.store.layout import manifest_path

    opened = open_store(store)
    if capture_id is None:
        listing = list_captures(opened)
        manifests, bad = listing.manifests, listing.unreadable
    else:
        manifests, bad = (find_capture(opened, capture_id),), ()
    strays = stray_problems(opened)

    def is_gone(capture_id: str) -> bool:
        return opened.size(manifest_path(capture_id)) is None

    found = {
        m.capture_id: capture_problems(opened, m) + strays.pop(m.capture_id, [])
        for m in manifests
    }
    # What was pruned meanwhile was whole until then, and misses nothing now.
    found = {one: own for one, own in found.items() if not (own and is_gone(one))}
    manifests = tuple(m for m in manifests if m.capture_id in found)
    rows = [_verdict(m, found[m.capture_id]) for m in manifests]
    if checks:
        _check(store, rows)
    print_rows(rows, output)
    warn_of_unfinished(manifests)
    for problem in bad:
        raise problem
    for one, problems in (found | (strays if capture_id is None else {})).items():
        if problems:
            raise VerificationFailed(one, tuple(problems))


def _check(store: str, rows: list[dict[str, Any]]) -> None:
    """Add what the SQL checks find to the rows: failures to their problems."""
    from instant_logs_plugin.analysis.checks import run_checks
    from instant_logs_plugin.analysis.database import open_database

    with open_database(store, captures=[row["capture_id"] for row in rows]) as database:
        findings = run_checks(database)
    for row in rows:
        own = [one for one in findings if one.capture_id == row["capture_id"]]
        texts = {
            level: [f"{one.check}: {one.problem}" for one in own if one.level == level]
            for level in ("fail", "warn")
        }
        row["problems"] += texts["fail"]
        row["verified"] = False if row["problems"] else row["verified"]
        row["warnings"] = texts["warn"]


def print_captures(manifests: Sequence[Manifest], output: OutputFormat | None) -> None:
    """Print a row for each capture."""
    from instant_logs_plugin.analysis.tables.captures import capture_table
    from instant_logs_plugin.analysis.tables.parts import readable_rows

    if choose_format(output) is OutputFormat.MARKDOWN:
        print_rows(readable_rows(capture_table(manifests)), output)
    elif manifests and choose_format(output) is OutputFormat.TABLE:
        zones = list(dict.fromkeys(one.zone_id for one in manifests))
        heading = f"Zone {zones[0]}" if len(zones) == 1 else f"{len(zones)} zones"
        typer.echo(f"{printable(heading)}\n")
        print_table(capture_table(manifests))
    else:
        print_rows([_facts(manifest) for manifest in manifests], output)


def _is_unfinished(manifest: Manifest) -> bool:
    from instant_logs_plugin.store.manifest import CaptureState

    return manifest.state is CaptureState.RECORDING


def _facts(manifest: Manifest) -> dict[str, Any]:
    counts = {
        "received": manifest.received,
        "written": manifest.written,
        "rejected": manifest.rejected,
        "coverage": manifest.coverage,
        "gaps": len(manifest.gaps),
    }
    return {
        "capture_id": manifest.capture_id,
        "zone_id": manifest.zone_id,
        "state": manifest.state.value,
        "end_reason": manifest.end_reason,
        **(dict.fromkeys(counts) if _is_unfinished(manifest) else counts),
        "labels": manifest.labels,
    }


def _verdict(manifest: Manifest, problems: list[str]) -> dict[str, Any]:
    """Return what verification found; nothing is verified of what still runs."""
    is_unfinished = _is_unfinished(manifest)
    return {
        "capture_id": manifest.capture_id,
        "state": manifest.state.value,
        "segments": len(manifest.segments),
        "rows": None if is_unfinished else manifest.written,
        "verified": None if is_unfinished and not problems else not problems,
        "problems": problems,
    }
