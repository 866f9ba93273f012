"""One real Prefect server for all flow tests, with a home of its own."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from instant_logs_plugin.emulator import Emulator

ENVIRONMENT = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_TO_API_ENABLED": "true",
}


@pytest.fixture(scope="session", autouse=True)
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Start the server before the first flow test, end it after the last."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect")))
        # Prefect looks for its home when it is imported.
        from prefect.testing.utilities import prefect_test_harness  # noqa: PLC0415

        # The default of 30 s is what a first start takes on a small machine.
        with prefect_test_harness(server_startup_timeout=120):
            yield


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """Point flows at places in ``tmp_path``; returns them by name."""
    store = tmp_path / "captures"
    monkeypatch.setenv("INSTANT_LOGS_STORE", str(store))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("INSTANT_LOGS_JOURNAL", raising=False)
    return {"store": store}


@pytest.fixture
def point_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[Emulator], None]:
    """Return what points the environment at an emulator."""

    def point(emulator: Emulator) -> None:
        monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "any")
        monkeypatch.setenv("CLOUDFLARE_BASE_URL", emulator.base_url)

    return point


@pytest.fixture(autouse=True)
def _collect_leaks() -> Iterator[None]:
    """Meet Prefect's own unclosed sockets here, where their warnings are ignored."""
    yield
    gc.collect()
