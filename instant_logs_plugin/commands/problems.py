"""What a question leaves out of a store, said on stderr with its path and reason."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

from instant_logs_plugin.commands.hints import complete_hint

if TYPE_CHECKING:
    from instant_logs_plugin.store.manifest import Manifest

__all__ = ["show_store_problems", "warn_of_unfinished"]

_LOGGER = "instant_logs_plugin.analysis"


def show_store_problems() -> None:
    """Say what is left out; Python alone would print the event's name and no more.

    Doing it again changes nothing.
    """
    logger = logging.getLogger(_LOGGER)
    if not any(isinstance(one, _Shown) for one in logger.handlers):
        logger.addHandler(_Shown(logging.WARNING))


def warn_of_unfinished(manifests: Iterable[Manifest]) -> None:
    """Say which captures run or were killed: what they recorded is not known yet."""
    from instant_logs_plugin.store.manifest import CaptureState

    found = [one for one in manifests if one.state is CaptureState.RECORDING]
    if not found:
        return
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    hint = complete_hint("'instant-logs recover' finishes it", sys.argv[1:])
    typer.echo(
        f"warning: capture {found[0].capture_id} is not finished{more}: it still runs, "
        f"or its process was killed; then {hint}",
        err=True,
    )


class _Shown(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        from instant_logs_plugin.analysis.rendering import printable

        words = getattr(record, "problem", None) or record.getMessage()
        typer.echo(f"warning: {printable(words)}", err=True)
