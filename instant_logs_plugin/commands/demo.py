"""``instant-logs demo``: the whole way of the data, on the emulator, in one command."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from instant_logs_plugin.commands.values import parse_duration
from instant_logs_plugin.errors import InvalidOption

if TYPE_CHECKING:
    from instant_logs_plugin.emulator import Emulator

__all__ = ["demo"]

_ZONE = "0123456789abcdef0123456789abcdef"
_RATE = 200.0


def demo(
    duration: Annotated[
        str, typer.Option(metavar="TIME", help="How long to record.")
    ] = "10s",
    directory: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Where the demo's store and Prefect server live."
        ),
    ] = Path(".demo"),
) -> None:
    """Record the emulator through the Prefect flow and print the summary.

    Needs no account and no network: the service is emulated on this machine, and a
    Prefect server of its own starts for the time of the flow.
    """
    from instant_logs_plugin.emulator import EmulatorConfig, run_emulator

    seconds = parse_duration("--duration", duration)
    if seconds <= 0:
        raise InvalidOption("--duration", duration, "above 0 s")
    home = _make_home(directory)
    signal.signal(signal.SIGTERM, _end)
    config = EmulatorConfig(scenario="deploy-regression", rate=_RATE, seed=1)
    _say(f"starting the emulator: {_RATE:.0f} requests/s, an emulated deployment")
    with run_emulator(config) as emulator:
        _prepare_environment(home, emulator)
        _say(f"recording {seconds:g} s with the flow traffic-snapshot")
        _say("(its Prefect server takes half a minute to start the first time)")
        manifest = _record(seconds)
    _print_summary(home / "captures", manifest["capture_id"])
    _say_next(home / "captures", manifest)


def _make_home(directory: Path) -> Path:
    """Return where the demo lives; Prefect makes no directories above its own."""
    try:
        (directory / "prefect").mkdir(parents=True, exist_ok=True)
        return directory.absolute()
    except OSError as exc:
        reason = f"writable: {exc.strerror}"
        raise InvalidOption("--directory", str(directory), reason) from exc


def _prepare_environment(home: Path, emulator: Emulator) -> None:
    """Point everything at the demo's own places; Prefect reads this at import."""
    for name in ("PREFECT_API_URL", "PREFECT_API_KEY", "PREFECT_PROFILE"):
        os.environ.pop(name, None)
    os.environ |= {
        "CLOUDFLARE_API_TOKEN": "demo-token",
        "CLOUDFLARE_BASE_URL": emulator.base_url,
        "INSTANT_LOGS_PROVIDER": "cloudflare",
        "INSTANT_LOGS_STORE": str(home / "captures"),
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    }
    os.environ.pop("INSTANT_LOGS_JOURNAL", None)


def _record(seconds: float) -> dict[str, Any]:
    from instant_logs_plugin.prefect.termination import exit_on_termination

    with exit_on_termination():
        return asyncio.run(_run_flow(seconds))


async def _run_flow(seconds: float) -> dict[str, Any]:
    from instant_logs_plugin.prefect import CaptureParameters, load_flow

    capture = CaptureParameters(
        zone_id=_ZONE,
        duration_s=seconds,
        fields="default,performance",
        labels={"demo": "true"},
    )
    flow: Callable[..., Awaitable[dict[str, Any]]] = load_flow(
        "snapshot:traffic_snapshot"
    )
    return await flow(capture)


def _print_summary(store: Path, capture_id: str) -> None:
    from instant_logs_plugin.commands.output import OutputFormat
    from instant_logs_plugin.commands.query import summary

    summary(capture_id, store=str(store), output=OutputFormat.TABLE)


def _say_next(store: Path, manifest: dict[str, Any]) -> None:
    _say(
        f"recorded {manifest['received']:,} lines: {manifest['written']:,} written, "
        f"{manifest['rejected']:,} rejected; coverage {manifest['coverage']:.1%}"
    )
    shown = os.path.relpath(store)
    _say(f"""next:
  instant-logs captures verify --store {shown}
  instant-logs query --store {shown} --name top_paths --param limit=5
  instant-logs query --store {shown} "from requests select status, path limit 5"
  instant-logs capture ZONE --duration 60s      (with CLOUDFLARE_API_TOKEN set)""")


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """End in order: the Prefect server is a process of its own, and is ended, too."""
    del frame
    raise SystemExit(128 + number)


def _say(text: str) -> None:
    typer.echo(text, err=True)
