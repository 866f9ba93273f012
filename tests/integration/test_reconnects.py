"""A lost stream is replaced fast and politely: measured by the emulator's own books."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest

from instant_logs_plugin.capture.options import BusyPolicy, OnBusy
from instant_logs_plugin.capture.record import CaptureOutcome
from instant_logs_plugin.capture.window import Bounds
from instant_logs_plugin.edge.stream import StreamSettings
from instant_logs_plugin.emulator import Emulator, What, parse_fault
from instant_logs_plugin.errors import ReconnectsSpent
from tests.support.recording import (
    assert_accounted,
    losses,
    median_s,
    read_ray_ids,
    record_zone,
    sent_lines,
)

SWIFT = StreamSettings(ping_interval_s=0.4, ping_timeout_s=0.8)
ENDS = (
    ("drop:after=300", "close:after=300,code=1011", "expire:after=300", "drop:after=9"),
    ("close:after=300,code=1001", "close:after=300,code=4000", "drop:after=300"),
)


async def record(
    emulator: Emulator, directory: Path, *, duration_s: float = 4.0, **options: Any
) -> CaptureOutcome:
    return await record_zone(
        emulator,
        directory,
        bounds=Bounds(duration_s=duration_s),
        **{"min_coverage": 0.0, "stream": SWIFT} | options,
    )


def times_of(emulator: Emulator, what: What) -> list[float]:
    return [one.at_s for one in emulator.asked(what)]


@pytest.mark.parametrize("ends", ENDS)
async def test_a_drop_costs_less_than_two_seconds(ends, emulate, tmp_path):
    """Median over ends with and without a close frame, in traffic lost."""
    faults = tuple(
        parse_fault(f"{text},session={number}")
        for number, text in enumerate(ends, start=1)
    )
    emulator = emulate(rate=400.0, faults=faults, keep_sent=True)
    outcome = await record(emulator, tmp_path, duration_s=9.0)
    lines, recorded = sent_lines(emulator), read_ray_ids(tmp_path)
    found = losses(lines, recorded)
    assert len(found) >= 2
    assert median_s(found) <= 2
    assert set(recorded.values()) == {1}
    assert recorded.keys() <= {line.ray_id for line in lines}
    # What a stream delivered before it ended is all there.
    assert sum(loss.records for loss in found) == 0
    assert_accounted(outcome.manifest)


async def test_a_half_open_peer_costs_what_it_takes_to_know(emulate, tmp_path):
    """A dead peer is known by its pings, and then replaced as fast."""
    faults = (parse_fault("half-open:after=300,session=1"),)
    emulator = emulate(rate=400.0, faults=faults, keep_sent=True)
    outcome = await record(emulator, tmp_path, duration_s=5.0)
    (loss,) = losses(sent_lines(emulator), read_ray_ids(tmp_path))
    assert loss.seconds <= SWIFT.ping_interval_s + SWIFT.ping_timeout_s + 2
    assert [gap.reason for gap in outcome.manifest.gaps] == ["stream_lost"]


async def test_a_service_that_is_down_is_not_hammered(emulate, tmp_path):
    """Tries grow rare, and the dead URL is tried once."""
    faults = (
        parse_fault("drop:after=300"),
        parse_fault("post-500:session=2,times=1000"),
    )
    emulator = emulate(rate=400.0, faults=faults)
    outcome = await record(emulator, tmp_path, duration_s=6.0)
    creates = times_of(emulator, What.CREATE)
    assert 3 <= len(creates) <= 15
    assert len(emulator.asked(What.HANDSHAKE)) <= 2
    reasons = {gap.reason for gap in outcome.manifest.gaps}
    assert reasons == {"service_unavailable"}


async def test_a_stream_that_dies_at_once_is_not_hammered(emulate, tmp_path):
    """Each one opens, brings a record and is cut: pauses grow all the same."""
    emulator = emulate(rate=400.0, faults=(parse_fault("drop:after=1,session=0"),))
    outcome = await record(emulator, tmp_path, duration_s=6.0)
    assert len(emulator.asked(What.CREATE)) <= 15
    assert len(emulator.asked(What.HANDSHAKE)) <= 30
    assert_accounted(outcome.manifest)


@pytest.mark.parametrize(
    ("fault", "refused"),
    [
        ("post-429:session=2,times=1,retry=2", What.CREATE),
        ("handshake-429:session=2,times=1,retry=2", What.HANDSHAKE),
    ],
)
async def test_retry_after_is_obeyed(fault, refused, emulate, tmp_path):
    """Nothing is created or joined before the service said so."""
    faults = (parse_fault("drop:after=300"), parse_fault(fault))
    emulator = emulate(rate=400.0, faults=faults)
    outcome = await record(emulator, tmp_path, duration_s=6.0)
    asked = [one for one in emulator.asked() if one.what is not What.LIST]
    told_off = next(
        place
        for place, one in enumerate(asked)
        if one.what is refused and one.status == 429 and one.session != 1
    )
    assert asked[told_off + 1].at_s - asked[told_off].at_s >= 2
    expected = {What.CREATE: "rate_limited", What.HANDSHAKE: "stream_lost"}[refused]
    assert {gap.reason for gap in outcome.manifest.gaps} == {expected}
    assert emulator.sent()[-1].records > 0


@pytest.mark.parametrize("on_second", ["kick", "refuse"])
@pytest.mark.parametrize("refused", [1, 2])
async def test_a_refused_handshake_is_tried_again(
    refused, on_second, emulate, tmp_path
):
    """No other session is created meanwhile; where that is refused, none could be."""
    faults = (
        parse_fault("expire:after=300"),
        parse_fault(f"handshake-429:session={refused},times=2,retry=0"),
    )
    emulator = emulate(rate=400.0, faults=faults, on_second=on_second)
    outcome = await record(emulator, tmp_path, duration_s=4.0)
    assert len(emulator.asked(What.CREATE)) == 2
    assert emulator.sent()[-1].records > 0
    assert_accounted(outcome.manifest)


async def test_a_session_that_lapses_before_its_stream_opens_is_given_up(
    emulate, tmp_path
):
    """The service says the same of it as of one that is to be tried again: 429."""
    faults = (
        parse_fault("expire:after=300"),
        parse_fault("handshake-429:session=2,times=1000,retry=0"),
    )
    emulator = emulate(rate=400.0, faults=faults, time_scale=3600 / 8)
    outcome = await record(emulator, tmp_path, duration_s=5.0)
    assert [one.end_reason for one in emulator.sessions[:2]] == ["expired", "unread"]
    assert len(outcome.manifest.sessions) == 2
    assert emulator.sent()[-1].records > 0
    assert_accounted(outcome.manifest)


@pytest.mark.parametrize("budget", [0, 3])
async def test_a_budget_of_reconnects_is_kept(budget, emulate, tmp_path):
    """One try more than that and the capture ends, committed, with the reason."""
    emulator = emulate(rate=400.0, faults=(parse_fault("drop:after=50,session=0"),))
    outcome = await record(emulator, tmp_path, duration_s=30.0, max_reconnects=budget)
    tries = len(emulator.asked(What.CREATE)) - 1
    rejoins = sum(one.status == 429 for one in emulator.asked(What.HANDSHAKE))
    assert tries + rejoins == budget
    assert isinstance(outcome.error, ReconnectsSpent)
    assert outcome.manifest.state.value == "failed"
    assert outcome.manifest.written >= 50
    assert_accounted(outcome.manifest)


@pytest.mark.parametrize("on_busy", [OnBusy.WAIT, OnBusy.TAKEOVER])
async def test_a_superseded_stream_is_never_taken_back(on_busy, emulate, tmp_path):
    """Not by a create, not by a handshake, not even by one that took it over before."""
    emulator = emulate(rate=400.0)
    ours = asyncio.create_task(
        record(
            emulator,
            tmp_path / "us",
            duration_s=5.0,
            busy=BusyPolicy(on_busy=on_busy, poll_s=0.3),
        )
    )
    await asyncio.sleep(1)
    theirs = await record(
        emulator,
        tmp_path / "them",
        duration_s=2.0,
        busy=BusyPolicy(on_busy=OnBusy.TAKEOVER),
    )
    outcome = await ours
    assert theirs.manifest.coverage == 1.0
    assert sum(attempt.met_stream for attempt in emulator.attempts) == 1
    assert sum(one.session == 1 for one in emulator.asked(What.HANDSHAKE)) == 1
    assert "session_superseded" in {gap.reason for gap in outcome.manifest.gaps}
    assert emulator.sessions[-1].number >= 3, "ours came back when they were gone"


async def test_a_renewal_by_a_compressed_hour_costs_less_than_a_second(
    emulate, tmp_path
):
    """The emulator's hour lasts three seconds; each renewal comes before its end."""
    emulator = emulate(rate=400.0, time_scale=1200.0, keep_sent=True)
    outcome = await record_zone(
        emulator,
        tmp_path,
        bounds=Bounds(duration_s=8.0, renew_after_s=2.4),
        min_coverage=0.0,
    )
    gaps = outcome.manifest.gaps
    assert [gap.reason for gap in gaps] == ["renewal"] * 3
    found = losses(sent_lines(emulator), read_ray_ids(tmp_path))
    assert len(found) == 3
    assert max(loss.seconds for loss in found) <= 1
    assert {session.end_reason for session in emulator.sessions[:-1]} == {"superseded"}
    lengths = [
        (after.opened_at - before.opened_at).total_seconds()
        for before, after in itertools.pairwise(outcome.manifest.sessions)
    ]
    assert all(2.3 < length < 3 for length in lengths)
    assert_accounted(outcome.manifest)


def test_a_lost_stream_is_told(emulate, command_line):
    """Without a terminal too: what ended, and how long nothing was recorded."""
    line = command_line(emulate(rate=400.0, faults=(parse_fault("drop:after=300"),)))
    result = line.run("capture", "a" * 32, "--duration", "3s", "--min-coverage", "0")
    assert result.exit_code == 0, result.stderr
    assert "the stream ended (stream lost); opening another one\n" in result.stderr
    gap = result.document["gaps"][0]
    assert "recording again, behind a gap of " in result.stderr
    assert gap["reason"] == "stream_lost"
