"""The API token and the session URL appear nowhere: not on a terminal, not on disk.

A session's URL ends in its session id, so the id is what is searched for.
"""

from __future__ import annotations

import asyncio
import logging
import logging.config
import traceback
from collections.abc import Iterable
from pathlib import Path

import pytest

from instant_logs_plugin.capture.journal import JournalSettings
from instant_logs_plugin.capture.options import CaptureOptions
from instant_logs_plugin.capture.record import CaptureSetup, record_capture
from instant_logs_plugin.capture.window import Bounds
from instant_logs_plugin.emulator import Emulator, parse_fault
from instant_logs_plugin.errors import InstantLogsError
from instant_logs_plugin.lease.file_lock import hold_on_host
from instant_logs_plugin.settings import open_client
from instant_logs_plugin.store.filesystem import open_store
from tests.support.command_line import emulator_environment

ZONE = "0123456789abcdef0123456789abcdef"
TOKEN = "t0ken-that-nobody-may-see"
TROUBLE = [
    "post-429:retry=0",
    "post-500",
    "post-html",
    "handshake-429:times=1,retry=0",
    "drop:after=100",
    "close:after=100,code=1011",
    "huge:after=10,mb=70",
    "malformed:every=10",
]


def files_below(directory: Path) -> Iterable[bytes]:
    return (path.read_bytes() for path in directory.rglob("*") if path.is_file())


@pytest.mark.parametrize("fault", TROUBLE)
def test_command_line(fault, emulate, command_line, tmp_path):
    """Whatever goes wrong, no secret is printed or written."""
    emulator = emulate(rate=500.0, token=TOKEN, faults=(parse_fault(fault),))
    line = command_line(emulator, TOKEN)
    result = line.run("capture", ZONE, "--duration", "1s", "--open-timeout", "5s")
    assert "Traceback" not in result.stderr
    ids = [session.session_id for session in emulator.sessions]
    assert ids, "no session was created: nothing was tested"
    texts = [result.stdout.encode(), result.stderr.encode(), *files_below(tmp_path)]
    for secret in [TOKEN, *ids]:
        assert not [text for text in texts if secret.encode() in text]


@pytest.mark.parametrize("fault", TROUBLE)
async def test_logs_at_debug(fault, emulate, tmp_path, caplog):
    """With every logger at DEBUG, ours and the libraries' hold no secret.

    Configuring logging, as Prefect does when it starts, wakes disabled loggers up.
    """
    caplog.set_level(logging.DEBUG)
    logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})
    for name in ("httpx", "httpcore", "websockets", "asyncio", "instant_logs_plugin"):
        caplog.set_level(logging.DEBUG, logger=name)
    emulator = emulate(rate=500.0, token=TOKEN, faults=(parse_fault(fault),))
    texts = []
    try:
        outcome = await record(emulator, tmp_path)
        texts += [repr(outcome), repr(outcome.error)]
    except InstantLogsError as exc:
        texts += [*traceback.format_exception(exc), repr(exc), exc.hint]
    texts += [record.getMessage() + repr(vars(record)) for record in caplog.records]
    ids = [session.session_id for session in emulator.sessions]
    assert ids
    assert len(texts) > 1
    for secret in [TOKEN, *ids]:
        assert not [text for text in texts if secret in text]


async def record(emulator: Emulator, directory: Path):
    options = CaptureOptions(
        zone_id=ZONE,
        fields=("RayID", "ClientIP"),
        bounds=Bounds(duration_s=1.0),
        open_timeout_s=5.0,
    )
    environment = emulator_environment(emulator, TOKEN)
    async with asyncio.timeout(30), open_client(environment) as client:
        setup = CaptureSetup(
            api=client,
            store=open_store(str(directory / "captures")),
            journal_root=directory / "journal",
            hold=hold_on_host(directory / "leases"),
            journal=JournalSettings(),
        )
        return await record_capture(options, setup)
