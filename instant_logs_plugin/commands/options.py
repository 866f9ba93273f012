"""Options that several verbs share, each spelled and explained once."""

from __future__ import annotations

from typing import Annotated

import typer

from instant_logs_plugin.commands.output import OutputFormat

__all__ = [
    "FieldsOption",
    "FilterOption",
    "FormatOption",
    "JournalOption",
    "StoreOption",
    "UnknownFieldsOption",
]

StoreOption = Annotated[
    str,
    typer.Option(
        metavar="DIR",
        envvar="INSTANT_LOGS_STORE",
        help="Where captures are: a directory.",
    ),
]
JournalOption = Annotated[
    str | None,
    typer.Option(
        metavar="DIR",
        envvar="INSTANT_LOGS_JOURNAL",
        help="Where raw lines wait; default: .journal in the store.",
    ),
]
FormatOption = Annotated[
    OutputFormat | None,
    typer.Option("--format", help="Default: a table on a terminal, else JSON."),
]
FieldsOption = Annotated[
    str,
    typer.Option(
        metavar="PRESET|NAMES", help="A preset, names, or both, comma separated."
    ),
]
UnknownFieldsOption = Annotated[
    bool,
    typer.Option(
        "--allow-unknown-fields", help="Ask for fields the catalogue does not know."
    ),
]
FilterOption = Annotated[
    str,
    typer.Option(
        "--filter", metavar="EXPR|JSON", help="An expression or the service's JSON."
    ),
]
