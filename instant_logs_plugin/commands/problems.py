"""What a question leaves out of a store, said on stderr with its path and reason."""

from __future__ import annotations

import logging

import typer

__all__ = ["show_store_problems"]

_LOGGER = "instant_logs_plugin.analysis"


def show_store_problems() -> None:
    """Say what is left out; Python alone would print the event's name and no more.

    Doing it again changes nothing.
    """
    logger = logging.getLogger(_LOGGER)
    if not any(isinstance(one, _Shown) for one in logger.handlers):
        logger.addHandler(_Shown(logging.WARNING))


class _Shown(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        from instant_logs_plugin.analysis.rendering import printable

        words = getattr(record, "problem", None) or record.getMessage()
        typer.echo(f"warning: {printable(words)}", err=True)
