"""One real server with the shipped settings, the shipped deployments, and a worker."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from instant_logs_plugin.emulator import Emulator, EmulatorConfig, run_emulator
from tests.support.command_line import emulator_environment
from tests.support.deploy_files import DEPLOY, ROOT, read_env_file
from tests.support.server_process import (
    PREFECT,
    PrefectServer,
    run_prefect_server,
    running,
    wait_for,
)

RUN_S = 300.0
_ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@dataclass(frozen=True)
class Site:
    """A server with our deployments and a process worker that runs them.

    Attributes:
        server: The server.
        store: Where captures go.
        environment: What a process needs to use the server.
    """

    server: PrefectServer
    store: Path

    @property
    def environment(self) -> dict[str, str]:
        """Of the server's clients."""
        return dict(self.server.environment)

    def deployment_id(self, name: str) -> str:
        """Return the id of flow/deployment."""
        return str(self.server.get(f"/deployments/name/{name}")["id"])

    def ended(self, run_id: str) -> dict[str, Any]:
        """Wait for a run's end; return its last state."""

        def state() -> dict[str, Any] | None:
            found: dict[str, Any] = self.server.get(f"/flow_runs/{run_id}")["state"]
            return found if found["type"] in _ENDED else None

        last: dict[str, Any] = wait_for(state, RUN_S, f"the end of run {run_id}")
        return last

    def runs(self, **filters: Any) -> list[dict[str, Any]]:
        """Return the flow runs that a filter of the API finds."""
        found: list[dict[str, Any]] = self.server.post("/flow_runs/filter", **filters)
        return found


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """Start a server with the settings that deploy/server.env ships."""
    directory = tmp_path_factory.mktemp("server")
    with run_prefect_server(directory, read_env_file("server.env")) as running_server:
        yield running_server


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """Start the service that the worker's runs record."""
    with run_emulator(EmulatorConfig(rate=1000.0, delay_s=0.0)) as service:
        yield service


@pytest.fixture(scope="session")
def worse(server: PrefectServer) -> Iterator[str]:
    """Start a service whose traffic got worse; return the name of its credentials."""
    config = EmulatorConfig(
        scenario="deploy-regression", onset_s=0.0, rate=1000.0, delay_s=0.0
    )
    save = (
        "from instant_logs_plugin.prefect import CloudflareCredentials as Credentials;"
        "import sys; Credentials(api_token='any', base_url=sys.argv[1]).save('worse')"
    )
    with run_emulator(config) as service:
        command = [sys.executable, "-c", save, service.base_url]
        subprocess.run(command, env=dict(server.environment), check=True, timeout=60)
        yield "cloudflare-credentials/worse"


@pytest.fixture(scope="session")
def deployed(server: PrefectServer) -> PrefectServer:
    """Deploy what deploy/prefect.yaml ships, as its first lines say."""
    server.run("work-pool", "create", "instant-logs", "--type", "process")
    deploy(server, DEPLOY / "prefect.yaml")
    return server


@pytest.fixture(scope="session")
def site(
    deployed: PrefectServer,
    emulator: Emulator,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """Start a process worker for the shipped deployments."""
    directory = tmp_path_factory.mktemp("worker")
    store = directory / "captures"
    environment = {
        **deployed.environment,
        **emulator_environment(emulator),
        "INSTANT_LOGS_STORE": str(store),
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        "XDG_STATE_HOME": str(directory / "state"),
    }
    command = [PREFECT, "worker", "start", "--pool", "instant-logs"]
    with running(command, environment, directory / "worker.log", directory=directory):
        yield Site(deployed, store)


def deploy(server: PrefectServer, path: Path) -> None:
    """Deploy all of a file, from the repository's root."""
    file = str(path)
    server.run("--no-prompt", "deploy", "--all", "--prefect-file", file, directory=ROOT)


@pytest.fixture
def deploy_changed(
    deployed: PrefectServer, tmp_path: Path
) -> Callable[[Callable[[Any], None]], None]:
    """Return what deploys prefect.yaml as an operator changed it."""

    def deploy_it(change: Callable[[Any], None]) -> None:
        document = yaml.safe_load((DEPLOY / "prefect.yaml").read_text())
        change(document)
        path = tmp_path / "prefect.yaml"
        path.write_text(yaml.safe_dump(document))
        deploy(deployed, path)

    return deploy_it
