"""The storm of 'make soak': command lines and flows, for five minutes, on two servers.

One is a single process on SQLite with the settings of deploy/server.env; the other is
API and services apart on PostgreSQL and Redis with the settings of deploy/compose.yaml.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from instant_logs_plugin.emulator import EmulatorConfig, run_emulator
from tests.support.deploy_files import read_env_file
from tests.support.server_process import PrefectServer, run_prefect_server
from tests.support.split_server import needs_databases, run_split_server
from tests.support.storm import Storm, Weather
from tests.support.storm_books import Books

ZONES = tuple(f"{number:032x}" for number in range(1, 4))
DURATION_S = float(os.environ.get("STORM_S", "300"))
FREE_WITHIN_S = 75.0
ServerStart = Callable[[Path], AbstractContextManager[PrefectServer]]


@contextmanager
def run_single_server(directory: Path) -> Iterator[PrefectServer]:
    """Run one process on SQLite, with leases on disk."""
    with run_prefect_server(directory, read_env_file("server.env")) as server:
        yield server


@pytest.mark.soak
@pytest.mark.timeout(DURATION_S + 600)
@pytest.mark.parametrize("on_second", ["kick", "refuse"])
@pytest.mark.parametrize(
    "start",
    [run_single_server, pytest.param(run_split_server, marks=needs_databases)],
)
def test_a_storm(start: ServerStart, on_second: str, tmp_path: Path) -> None:
    """Nobody of ours ends another's stream, the dead let go, no line is lost."""
    config = EmulatorConfig(
        on_second=on_second, keep_sent=True, delay_s=0.0, lapse_s=2.0, rate=50.0
    )
    with start(tmp_path / "server") as server, run_emulator(config) as emulator:
        weather = Weather(
            duration_s=DURATION_S,
            zones=ZONES,
            flows=4,
            server=server.environment,
            kill_every_s=8,
            busy_timeout_s=90,
        )
        storm = Storm(weather, emulator, tmp_path)
        storm.run()
        books = Books(storm)
    print(json.dumps({"start": start.__name__, "mode": on_second} | books.figures()))
    assert books.fights() == []
    assert books.rudeness() == []
    assert books.problems() == []
    assert books.unfinished() == []
    assert {free.kind for free in storm.frees} == {"command-line", "flow"}
    assert max(free.after_s for free in storm.frees) <= FREE_WITHIN_S
