"""A Prefect server as deploy/compose.yaml ships it, without containers.

PostgreSQL and Redis are started in a directory of their own, if they are installed; the
API and its services are two processes with the environment that compose gives them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.deploy_files import compose_environment
from tests.support.server_process import (
    PrefectServer,
    free_port,
    run_prefect_server,
    running,
    wait_for,
)

__all__ = ["needs_databases", "run_split_server"]

_PASSWORD = "not-a-secret"
_START_S = 60.0


def _find_postgres() -> Path | None:
    """Return the directory of PostgreSQL's programs; Debian keeps it off PATH."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return versions[-1].parent if versions else None


POSTGRES, REDIS = _find_postgres(), shutil.which("redis-server")

needs_databases = pytest.mark.skipif(
    POSTGRES is None or REDIS is None, reason="no PostgreSQL or no Redis here"
)


@contextlib.contextmanager
def run_split_server(directory: Path) -> Iterator[PrefectServer]:
    """Run the API and the services of a server apart, for the time of the block."""
    directory.mkdir(parents=True, exist_ok=True)
    with _run_redis(directory) as redis_port, _run_postgres(directory) as postgres_port:
        # What both services of compose share; the addresses are this machine's.
        shared = dict(
            compose_environment("server").items()
            & compose_environment("services").items()
        )
        settings = {
            name: value.replace("redis:6379", f"127.0.0.1:{redis_port}")
            for name, value in shared.items()
        } | {
            "PREFECT_SERVER_DATABASE_HOST": "127.0.0.1",
            "PREFECT_SERVER_DATABASE_PORT": str(postgres_port),
            "PREFECT_SERVER_DATABASE_PASSWORD": _PASSWORD,
        }
        with run_prefect_server(directory, settings, has_own_services=False) as server:
            yield server


@contextlib.contextmanager
def _run_redis(directory: Path) -> Iterator[int]:
    port, home = free_port(), directory / "redis"
    home.mkdir()
    command = [REDIS, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(home)]
    environment = {"PATH": os.environ["PATH"]}
    with running([*command, "--appendonly", "yes"], environment, home / "log"):
        wait_for(lambda: _listens(port), _START_S, "Redis")
        yield port


@contextlib.contextmanager
def _run_postgres(directory: Path) -> Iterator[int]:
    assert POSTGRES is not None
    port, home = free_port(), directory / "postgres"
    home.mkdir()
    (directory / "password").write_text(_PASSWORD)
    as_owner = _as_owner(home, directory)
    subprocess.run(
        [
            *as_owner,
            POSTGRES / "initdb",
            "--pgdata",
            home,
            "--username=prefect",
            f"--pwfile={directory / 'password'}",
            "--auth=scram-sha-256",
        ],
        check=True,
        capture_output=True,
        cwd=directory,
    )
    start = [*as_owner, POSTGRES / "postgres", "-D", home, "-p", str(port)]
    options = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
    environment = {"PATH": os.environ["PATH"]}
    log = directory / "postgres.log"
    with running([*start, *options], environment, log):
        wait_for(lambda: _listens(port), _START_S, "PostgreSQL")
        _create_database(port)
        yield port


def _as_owner(home: Path, directory: Path) -> list[str]:
    """PostgreSQL refuses to run as root: hand its directory to its own user."""
    if os.geteuid() != 0:
        return []
    shutil.chown(home, "postgres")
    shutil.chown(directory / "password", "postgres")
    for parent in [directory, *directory.parents][:4]:
        parent.chmod(parent.stat().st_mode | 0o011)
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


def _create_database(port: int) -> None:
    assert POSTGRES is not None
    command = [POSTGRES / "createdb", "-h", "127.0.0.1", "-p", str(port)]
    environment = {"PATH": os.environ["PATH"], "PGPASSWORD": _PASSWORD}

    def create() -> bool:
        done = subprocess.run(
            [*command, "-U", "prefect", "prefect"],
            env=environment,
            capture_output=True,
            check=False,
        )
        return done.returncode == 0

    wait_for(create, _START_S, "the database")


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False
