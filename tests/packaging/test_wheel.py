"""The built wheel does the whole job in an environment that holds nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from instant_logs_plugin.emulator import EmulatorConfig, run_emulator
from tests.support.command_line import emulator_environment

ROOT = Path(__file__).parents[2]
ZONE = "0123456789abcdef0123456789abcdef"
SET_UP_TIMEOUT_S = 480.0
RUN_TIMEOUT_S = 240.0

pytestmark = pytest.mark.timeout(SET_UP_TIMEOUT_S + 2 * RUN_TIMEOUT_S)

Run = Callable[..., str]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel as ``make build`` does, with the back end that is installed."""
    target = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "-w", "--no-isolation", "-o", target, ROOT],
        check=True,
        capture_output=True,
        timeout=SET_UP_TIMEOUT_S,
    )
    return next(target.glob("*.whl"))


@pytest.fixture(scope="module")
def run(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Install the wheel in a new environment; return what runs its program."""
    home = tmp_path_factory.mktemp("empty")
    venv.create(home / "venv", with_pip=True)
    programs = home / "venv" / "bin"
    pip = [programs / "python", "-m", "pip", "install", "-q"]
    subprocess.run(
        [*pip, "-c", ROOT / "constraints.txt", wheel],
        check=True,
        timeout=SET_UP_TIMEOUT_S,
    )

    def run_program(*arguments: str, **environment: str) -> str:
        done = subprocess.run(
            [programs / "instant-logs", *arguments],
            cwd=home,
            env={"PATH": os.environ["PATH"], "HOME": str(home), **environment},
            capture_output=True,
            text=True,
            timeout=RUN_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run_program


def test_the_wheel_holds_what_people_read(wheel):
    """Queries, flows and the field catalogue are in it; tests are not."""
    names = zipfile.ZipFile(wheel).namelist()
    for path in (*(ROOT / "sql").rglob("*.sql"), *(ROOT / "flows").glob("*.py")):
        assert f"instant_logs_plugin/{path.relative_to(ROOT)}" in names
    assert "instant_logs_plugin/edge/http_requests_fields.json" in names
    assert not [name for name in names if name.startswith("tests")]


def test_it_records_and_answers(run):
    """A capture, its proof, a summary and SQL, with nothing of the checkout."""
    with run_emulator(EmulatorConfig(rate=500.0, delay_s=0.0)) as emulator:
        manifest = json.loads(
            run("capture", ZONE, "--duration", "2s", **emulator_environment(emulator))
        )
    assert manifest["state"] == "complete"
    assert manifest["received"] == manifest["written"] > 0
    run("captures", "verify")
    assert json.loads(run("summary", "--name", "overview"))
    rows = json.loads(run("query", "select count(*) as n from requests"))
    assert rows == [{"n": manifest["written"]}]
    assert "create" in run("connect")


def test_it_runs_the_flow(run):
    """The flow in the wheel records on a Prefect server of the demo's own."""
    assert "top_paths" in run("demo", "--duration", "2s")
