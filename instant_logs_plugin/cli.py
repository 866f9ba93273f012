"""The command line ``instant-logs``: its verbs, and how errors end it.

Results go to stdout, everything else to stderr. Every error of ours is one line (more
only where DuckDB points into SQL) with a hint and the exit code of its class (design
§7); a traceback means a bug.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from instant_logs_plugin.commands import query, service
from instant_logs_plugin.commands.capture import capture
from instant_logs_plugin.commands.captures import captures_app
from instant_logs_plugin.commands.compare import compare
from instant_logs_plugin.commands.demo import demo
from instant_logs_plugin.commands.doctor import doctor
from instant_logs_plugin.commands.emulate import emulate
from instant_logs_plugin.commands.hints import complete_hint
from instant_logs_plugin.commands.problems import show_store_problems
from instant_logs_plugin.commands.recover import recover
from instant_logs_plugin.commands.report import report
from instant_logs_plugin.commands.streams import prepare_streams
from instant_logs_plugin.errors import InstantLogsError, InvalidQuery
from instant_logs_plugin.failpoints import ENVIRONMENT_NAME, arm

__all__ = ["app", "main"]

_INTERRUPTED = 128 + signal.SIGINT

app = typer.Typer(
    name="instant-logs",
    help="Record Instant Logs of Cloudflare and IBM CIS zones, and ask SQL about them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command()(capture)
app.command()(recover)
app.add_typer(captures_app, name="captures")
app.command()(query.query)
app.command()(query.summary)
app.command()(report)
app.command()(query.connect)
app.command()(compare)
app.command()(service.sessions)
app.command("filter")(service.filter_)
app.command()(service.fields)
app.command()(doctor)
app.command()(emulate)
app.command()(demo)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(version("instant-logs-plugin"))
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print it."
        ),
    ] = False,
) -> None:
    """Record Instant Logs of Cloudflare and IBM CIS zones, and ask SQL about them."""


def main() -> None:
    """Run the command line and exit with the code of what happened."""
    try:
        _configure_libraries()
        prepare_streams()
        show_store_problems()
        arm(os.environ.get(ENVIRONMENT_NAME, ""))
        try:
            app()
        finally:
            sys.stdout.flush()
    except InstantLogsError as exc:
        _print_error(exc)
        sys.exit(exc.exit_code)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


def _configure_libraries() -> None:
    """Set what libraries read from the environment when they are loaded.

    Whoever runs the command may have set it otherwise.
    """
    # Arrow's own allocators keep some 30 MB.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    # NumPy's linear algebra starts threads that spin, 0.1 s each, for nothing here.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _print_error(exc: InstantLogsError) -> None:
    from instant_logs_plugin.analysis.rendering import printable

    lines = str(exc).split("\n") if isinstance(exc, InvalidQuery) else [str(exc)]
    typer.echo("error: " + "\n".join(map(printable, lines)), err=True)
    if exc.hint:
        hint = complete_hint(exc.hint, sys.argv[1:])
        typer.echo(f"hint: {printable(hint)}", err=True)
