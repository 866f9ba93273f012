"""Starting and ending: at once, and without a word or a secret."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from instant_logs_plugin.emulator import EmulatorConfig, parse_fault, run_emulator
from instant_logs_plugin.errors import InvalidOption
from tests.contract.service import (
    DEADLINE_S,
    FAST,
    JOBS,
    create,
    get,
    open_url,
    read,
    stream,
    until,
)


async def test_it_stops_at_once_under_flood() -> None:
    """However much is queued for a client that does not read."""
    cm = run_emulator(EmulatorConfig(rate=50_000))
    emulator = await asyncio.to_thread(cm.__enter__)
    async with stream(await asyncio.to_thread(open_url, emulator)) as connection:
        await connection.recv()
        await until(lambda: emulator.sent()[0].records > 5000)
        started_at = time.monotonic()
        await asyncio.to_thread(cm.__exit__, None, None, None)
        assert time.monotonic() - started_at < 0.5


async def test_its_state_and_its_logs_hold_no_secret(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever the level; and a cut connection leaves no noise."""
    caplog.set_level(logging.DEBUG)
    config = EmulatorConfig(token="any", faults=(parse_fault("drop:after=5"),), **FAST)
    with run_emulator(config) as emulator:
        url = open_url(emulator)
        await read(url, 5)
        await until(lambda: emulator.state[0]["end_reason"])
        state = get(f"{emulator.url}/emulator/state").text
        await asyncio.to_thread(create, emulator)
    gc.collect()
    own = [one for one in caplog.records if one.name.startswith("instant_logs_plugin")]
    warned = [one for one in caplog.records if one.levelno >= logging.WARNING]
    secret = url.rpartition("/")[2]
    shown = state + repr(emulator.state) + repr(emulator.sessions) + repr(config)
    assert json.loads(state)["sessions"][0]["records"] == 5
    assert secret not in shown + "".join(one.getMessage() for one in own)
    assert own == warned == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("option", ["port", "stream_port"])
def test_a_taken_port_is_told(option: str) -> None:
    """Nothing keeps running."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        with pytest.raises(InvalidOption) as caught:
            run_emulator(EmulatorConfig(**{option: number})).__enter__()
    assert (caught.value.option, caught.value.value) == (option, number)


_SERVE = """
from instant_logs_plugin.emulator import EmulatorConfig, serve
serve(EmulatorConfig(), ready=lambda emulator: print(emulator.base_url, flush=True))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_ends_with_a_signal(number: signal.Signals) -> None:
    """Quickly, without a word, as done."""
    command = [sys.executable, "-c", _SERVE]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().decode().strip()
        assert get(url + JOBS).json()["result"] == []
        os.kill(process.pid, number)
        _, errors = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, errors) == (0, b"")
