"""``instant-logs report``: captures as a page for people."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from instant_logs_plugin.commands.options import StoreOption
from instant_logs_plugin.commands.output import write_result

__all__ = ["report"]


def report(
    capture_id: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID", help="Ids, prefixes, latest[:label=value]."),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Default: report.html, or report.md; - is stdout.",
        ),
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="The gist as Markdown, for a chat.")
    ] = False,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare/--no-compare",
            help="Of exactly two captures: judge the second by the first.",
        ),
    ] = True,
    store: StoreOption = "./captures",
) -> None:
    """Write a report on captures: one HTML file, complete in itself.

    It opens from disk and asks nothing of any network; send it as it is.

    instant-logs report -o report.html

    instant-logs report latest:revision=a1 latest:revision=b2 -o both.html
    """
    from instant_logs_plugin.analysis.report import (
        render_markdown_report,
        render_report,
    )

    render = render_markdown_report if markdown else render_report
    text = render(store, capture_id or [], with_comparison=compare)
    if output == "-":
        sys.stdout.write(text)
        return
    path = Path(output or ("report.md" if markdown else "report.html"))
    write_result(path, text)
    typer.echo(f"wrote {path}, {len(text.encode()):,} bytes", err=True)
