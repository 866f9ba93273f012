"""What the tests of all rules share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from instant_logs_plugin.emulator import Emulator, EmulatorConfig, run_emulator
from tests.contract.service import HTTP


@pytest.fixture(scope="session", autouse=True)
def _close_http() -> Iterator[None]:
    yield
    HTTP.close()


@pytest.fixture(scope="session")
def guarded() -> Iterator[Emulator]:
    """Give an emulator that takes one token only."""
    with run_emulator(EmulatorConfig(token="s3cret")) as emulator:
        yield emulator
