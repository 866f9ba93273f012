"""``instant-logs recover``: finish what a crash left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from instant_logs_plugin.commands.options import (
    FormatOption,
    JournalOption,
    StoreOption,
)
from instant_logs_plugin.commands.output import print_rows, printable
from instant_logs_plugin.settings import journal_root

if TYPE_CHECKING:
    from instant_logs_plugin.capture.recovery import RecoveredCapture

__all__ = ["recover"]


def recover(
    store: StoreOption = "./captures",
    journal: JournalOption = None,
    output: FormatOption = None,
) -> None:
    """Finish the captures of a store that a crash or a full disk left unfinished.

    Every line that reached the journal is brought to the store, once; what cannot be
    used is set aside under .damaged in the journal, and told. Journals of captures
    that still run are left alone. Running it again does no harm; the next capture of
    the same store does the same by itself.

    Exits with 6 when a journal could not be finished; it is kept to be tried again.
    """
    from instant_logs_plugin.capture.recovery import Outcome, recover_captures
    from instant_logs_plugin.errors import RecoveryFailed
    from instant_logs_plugin.store.filesystem import open_store

    opened = open_store(store)
    root = journal_root(opened, journal)
    report = recover_captures(opened, root)
    print_rows([_row(one) for one in report.captures], output)
    if not report.captures:
        typer.echo(f"nothing to recover in {root}", err=True)
    for one in report.captures:
        for problem in one.problems:
            typer.echo(f"warning: {one.capture_id}: {printable(problem)}", err=True)
    failed = report.of(Outcome.FAILED)
    if failed:
        raise RecoveryFailed(failed[0].capture_id, failed[0].problems, len(failed))


def _row(one: RecoveredCapture) -> dict[str, Any]:
    manifest = one.manifest
    return {
        "capture_id": one.capture_id,
        "outcome": one.outcome.value,
        "received": manifest.received if manifest else None,
        "written": manifest.written if manifest else None,
        "rejected": manifest.rejected if manifest else None,
        "coverage": manifest.coverage if manifest else None,
        "problems": list(one.problems),
        "set_aside": list(one.set_aside),
    }
