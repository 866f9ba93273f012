"""A session of ours that nobody will read is never taken for somebody else's."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from instant_logs_plugin.capture.options import BusyPolicy, OnBusy
from instant_logs_plugin.capture.recovery import Outcome, recover_captures
from instant_logs_plugin.capture.window import Bounds
from instant_logs_plugin.edge.session import session_fingerprint
from instant_logs_plugin.emulator import Emulator, parse_fault
from instant_logs_plugin.emulator.registry import UNREAD_S
from instant_logs_plugin.emulator.requests import What
from instant_logs_plugin.errors import StreamRefused, ZoneBusy
from instant_logs_plugin.failpoints import armed
from instant_logs_plugin.store.catalog import list_captures
from instant_logs_plugin.store.filesystem import open_store
from instant_logs_plugin.store.manifest import CaptureState
from tests.support.command_line import CommandLine
from tests.support.recording import ZONE, record_zone

FAIL = BusyPolicy(on_busy=OnBusy.FAIL)
SOON = Bounds(duration_s=0.5)
REFUSED = parse_fault("handshake-429:times=99,retry=1")
CAPTURE = ("capture", ZONE, "--fields=RayID", "--on-busy=fail")
ENDS_WITHIN_S = 7.0
"""A stop takes two seconds, longer where other tests run; a slow answer takes nine."""


def capture(line: CommandLine) -> tuple[int, str]:
    """Run a short capture that does not wait for a zone; return code and errors."""
    ended = line.run(*CAPTURE, "--duration=500ms", "--quiet")
    return ended.exit_code, ended.stderr


def wait_until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


async def poll_until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110 - the emulator runs in another thread
            await asyncio.sleep(0.005)


def is_joined(emulator: Emulator) -> bool:
    """Tell whether a handshake has begun."""
    return bool(emulator.sessions) and emulator.sessions[0].handshakes > 0


def journal_names(emulator: Emulator, journal: Path) -> bool:
    """Tell whether a journal knows the emulator's first session."""
    name = session_fingerprint(emulator.sessions[0].session_id)
    return any(name in path.read_text() for path in journal.glob("*/capture.json"))


def kept(journal: Path) -> list[str]:
    return sorted(path.name for path in journal.glob(".sessions/*"))


async def refuse_handshakes(emulator: Emulator, directory: Path) -> None:
    """Record until the service has refused a session's stream three times."""
    with pytest.raises(StreamRefused):
        await record_zone(emulator, directory, bounds=SOON, open_timeout_s=2.5)
    (session,) = emulator.sessions
    assert session.handshakes == 3


async def test_refused_handshakes_leave_the_zone_free_to_us(emulate, tmp_path):
    """The next capture creates at once, whatever the service still lists."""
    emulator = emulate(faults=(REFUSED,))
    await refuse_handshakes(emulator, tmp_path)
    outcome = await record_zone(emulator, tmp_path, bounds=SOON, busy=FAIL)
    assert outcome.manifest.state is CaptureState.COMPLETE
    assert emulator.attempts[-1].met is emulator.sessions[0]


async def test_what_is_kept_goes_once_it_cannot_be_listed(emulate, tmp_path):
    """One small file a capture, until no session of then can be alive."""
    emulator = emulate(faults=(REFUSED,))
    await refuse_handshakes(emulator, tmp_path)
    journal, store = tmp_path / "journal", open_store(str(tmp_path / "captures"))
    assert [path.name for path in journal.iterdir()] == [".sessions"]
    first = session_fingerprint(emulator.sessions[0].session_id)
    assert kept(journal) == [f"{first}.json"]
    now = datetime.now(UTC)
    for minutes, is_kept in ((0, True), (6, True), (64, True), (66, False)):
        at = now + timedelta(minutes=minutes)
        report = recover_captures(store, journal, now=lambda at=at: at)
        assert report.captures == ()
        assert bool(kept(journal)) is is_kept
    assert list(journal.iterdir()) == []


async def test_a_capture_that_opened_its_stream_keeps_nothing(emulate, tmp_path):
    """Its manifest names its session."""
    await record_zone(emulate(), tmp_path, bounds=SOON)
    assert list((tmp_path / "journal").iterdir()) == []


async def test_the_service_may_keep_the_zone_for_our_orphan(emulate, tmp_path):
    """Where it refuses a second session it is told whose the first one is."""
    emulator = emulate(on_second="refuse", faults=(REFUSED,))
    with pytest.raises(StreamRefused):
        await record_zone(emulator, tmp_path, bounds=SOON, open_timeout_s=0.5)
    with pytest.raises(ZoneBusy, match="held by our capture 2"):
        await record_zone(emulator, tmp_path, bounds=SOON, busy=FAIL)
    assert len(emulator.attempts) == 2


async def test_an_orphan_that_the_service_keeps_is_waited_out(emulate, tmp_path):
    """Until the service drops it, unread for five minutes; here in three seconds."""
    emulator = emulate(
        on_second="refuse", faults=(REFUSED,), time_scale=UNREAD_S / 3, lapse_s=60
    )
    with pytest.raises(StreamRefused):
        await record_zone(emulator, tmp_path, bounds=SOON, open_timeout_s=0.5)
    patient = BusyPolicy(timeout_s=30, poll_s=0.2)
    outcome = await record_zone(emulator, tmp_path, bounds=SOON, busy=patient)
    assert outcome.manifest.state is CaptureState.COMPLETE
    assert emulator.sessions[0].end_reason == "unread"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("fault", ["handshake-slow:ms=9000", "post-slow:ms=600"])
def test_stopped_while_a_session_is_opened(fault, number, emulate, command_line):
    """Between create and handshake, or within the create: its name is learnt."""
    emulator = emulate(faults=(parse_fault(fault),))
    line = command_line(emulator)
    process = line.start(*CAPTURE, "--duration=30s")
    is_posting = fault.startswith("post")
    wait_until(lambda: emulator.sessions if is_posting else is_joined(emulator))
    asked_at = time.monotonic()
    process.send_signal(number)
    assert line.end(process).exit_code == 128 + number
    assert time.monotonic() - asked_at < ENDS_WITHIN_S
    code, errors = capture(line)
    assert code == 0, errors
    assert emulator.attempts[-1].met is emulator.sessions[0]


def test_a_create_that_is_not_answered_holds_up_no_stop(emulate, command_line):
    """Beyond a second its session stays unknown: it counts as a stranger's."""
    emulator = emulate(faults=(parse_fault("post-slow:ms=9000"),))
    line = command_line(emulator)
    process = line.start(*CAPTURE, "--duration=30s")
    wait_until(lambda: emulator.sessions)
    asked_at = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert line.end(process).exit_code == 128 + signal.SIGTERM
    assert time.monotonic() - asked_at < ENDS_WITHIN_S
    code, errors = capture(line)
    assert code == 4, errors
    assert "of somebody else" in errors


@pytest.mark.parametrize("fault", ["handshake-slow:ms=9000", "post-slow:ms=600"])
async def test_cancelled_while_a_session_is_opened(fault, emulate, tmp_path):
    """A cancellation, as Prefect's, is no other than a signal."""
    emulator = emulate(faults=(parse_fault(fault),))
    running = asyncio.create_task(record_zone(emulator, tmp_path, bounds=SOON))
    is_posting = fault.startswith("post")
    await poll_until(lambda: emulator.sessions if is_posting else is_joined(emulator))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    outcome = await record_zone(emulator, tmp_path, bounds=SOON, busy=FAIL)
    assert outcome.manifest.state is CaptureState.COMPLETE


async def test_cancelled_while_a_lost_stream_is_replaced(emulate, tmp_path):
    """What was received is committed; the session that was being made is ours."""
    faults = ("drop:after=200,session=1", "post-slow:session=2,ms=600")
    emulator = emulate(faults=tuple(map(parse_fault, faults)), rate=500)
    bounds = Bounds(duration_s=30)
    running = asyncio.create_task(record_zone(emulator, tmp_path, bounds=bounds))
    await poll_until(lambda: len(emulator.sessions) == 2)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    (left,) = list_captures(open_store(str(tmp_path / "captures"))).manifests
    assert (left.state, left.written) == (CaptureState.INTERRUPTED, 200)
    outcome = await record_zone(emulator, tmp_path, bounds=SOON, busy=FAIL)
    assert outcome.manifest.state is CaptureState.COMPLETE
    assert emulator.attempts[-1].met is emulator.sessions[1]


@pytest.mark.parametrize("on_second", ["kick", "refuse"])
@pytest.mark.parametrize("is_recovered", [False, True], ids=["left", "recovered"])
def test_killed_while_a_stream_is_opened(
    on_second, is_recovered, emulate, command_line
):
    """Its journal says whose the session is, and what is kept once that is gone."""
    faults = (parse_fault("handshake-slow:ms=9000"),)
    emulator = emulate(faults=faults, on_second=on_second)
    line = command_line(emulator)
    journal = line.directory / "captures" / ".journal"
    process = line.start(*CAPTURE, "--duration=30s")
    wait_until(lambda: is_joined(emulator) and journal_names(emulator, journal))
    process.kill()
    line.end(process)
    if is_recovered:
        report = line.run("recover", "--format=json")
        assert [one["outcome"] for one in report.document] == [Outcome.EMPTY]
        assert [path.name for path in journal.iterdir()] == [".sessions"]
        finding = line.run("recover")
        assert (finding.exit_code, "nothing to recover" in finding.stderr) == (0, True)
    code, errors = capture(line)
    assert emulator.asked(What.CREATE)[-1].status == (201, 403)[on_second == "refuse"]
    assert (code, "our capture" in errors) == ((0, False), (4, True))[
        on_second == "refuse"
    ]


@pytest.mark.parametrize(
    "slow", ["journal.sessions:create", "journal.directory:remove"]
)
async def test_a_journal_that_is_being_recovered_is_no_gap(slow, emulate, tmp_path):
    """Recovery runs beside the look at the zone: its lock hides no session."""
    emulator = emulate(faults=(parse_fault("handshake-slow:ms=3000"),))
    running = asyncio.create_task(record_zone(emulator, tmp_path, bounds=SOON))
    journal = tmp_path / "journal"
    await poll_until(lambda: is_joined(emulator) and journal_names(emulator, journal))
    (header,) = journal.glob("*/capture.json")
    left = header.read_bytes()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    # As a kill would have left it: with its journal, and nothing kept elsewhere.
    (aside,) = journal.glob(".sessions/*")
    aside.unlink()
    header.parent.mkdir()
    header.write_bytes(left)
    with armed(f"{slow}=slow+"):
        outcome = await record_zone(emulator, tmp_path, bounds=SOON, busy=FAIL)
    assert outcome.manifest.state is CaptureState.COMPLETE
