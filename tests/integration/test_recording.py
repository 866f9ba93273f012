"""The recorder on streams that break: what is lost is told, and little is lost."""

from __future__ import annotations

import asyncio
import json
import statistics
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from instant_logs_plugin.capture.options import BusyPolicy, OnBusy
from instant_logs_plugin.capture.record import (
    CaptureOutcome,
)
from instant_logs_plugin.capture.window import Bounds
from instant_logs_plugin.edge.session import (
    ListedSession,
    SecretUrl,
    Session,
    SessionRequest,
)
from instant_logs_plugin.edge.stream import StreamSettings
from instant_logs_plugin.emulator import Emulator, What, parse_fault
from instant_logs_plugin.store.manifest import CaptureState
from tests.support.recording import assert_accounted, record_zone, seconds

Record = Callable[..., Any]


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """Return what records a zone of an emulator in this process."""

    async def run(
        emulator: Emulator | None,
        *,
        api: OneSession | None = None,
        duration_s: float = 2.0,
        renew_after_s: float = 3540.0,
        who: str = "us",
        **options: Any,
    ) -> CaptureOutcome:
        bounds = Bounds(duration_s=duration_s, renew_after_s=renew_after_s)
        directory = tmp_path / who
        return await record_zone(emulator or api, directory, bounds=bounds, **options)

    return run


@pytest.mark.parametrize(
    "options",
    [
        {"binary": True},
        {"fragment": True},
        {"records_per_message": 37},
        {"records_per_message": 5, "trailing_newline": True},
        {"faults": "split"},
        {"faults": "fragment"},
        {"faults": "malformed:every=7"},
        {"faults": "huge:after=50,mb=12"},
        {"times": "unix-ns"},
        {"interval_rule": "absent"},
    ],
    ids=str,
)
async def test_every_form_of_message(options, emulate, record):
    """However lines arrive, each that was sent is written, or a reject."""
    if "faults" in options:
        options = options | {"faults": (parse_fault(options["faults"]),)}
    emulator = emulate(rate=2000.0, limit=600, **options)
    outcome = await record(emulator)
    manifest, sent = outcome.manifest, emulator.sessions[0].sent
    assert outcome.error is None
    assert manifest.state is CaptureState.COMPLETE
    assert (manifest.written, manifest.rejected) == (sent.records, sent.malformed)
    assert_accounted(manifest)


@pytest.mark.parametrize(
    "fault",
    ["drop:after=200", "close:after=200,code=1001", "close:after=200,code=4000"],
)
async def test_lost_streams_are_replaced_fast(fault, emulate, record):
    """A lost stream costs less than two seconds of traffic, as a gap."""
    faults = tuple(parse_fault(f"{fault},session={number}") for number in (1, 2, 3))
    outcome = await record(
        emulate(rate=400.0, faults=faults), duration_s=4.0, min_coverage=0.5
    )
    gaps = outcome.manifest.gaps
    assert len(gaps) == 3
    assert {gap.reason for gap in gaps} == {"stream_lost"}
    assert statistics.median(map(seconds, gaps)) < 2
    assert outcome.manifest.state is CaptureState.PARTIAL
    assert_accounted(outcome.manifest)


async def test_a_lost_stream_joins_its_session_again(record):
    """A session that outlived its connection needs no new one."""
    connections = []

    async def send(connection: ServerConnection) -> None:
        connections.append(connection.request.path)
        await connection.send(json.dumps({"RayID": str(len(connections))}))
        if len(connections) == 1:
            connection.transport.abort()
        await connection.wait_closed()

    async with serve(send, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        api = OneSession(f"ws://127.0.0.1:{port}/secret")
        outcome = await record(None, api=api, duration_s=1.0, min_coverage=0.5)
    assert connections == ["/secret", "/secret"]
    assert api.created == 1
    assert [gap.reason for gap in outcome.manifest.gaps] == ["stream_lost"]
    assert outcome.manifest.written == 2


class OneSession:
    """A session API whose one session has a given URL."""

    def __init__(self, url: str) -> None:
        self.created, self._url = 0, url

    async def create_session(self, request: SessionRequest) -> Session:
        del request
        self.created += 1
        return Session(url=SecretUrl(self._url), fingerprint="0123456789abcdef")

    async def list_sessions(self, zone_id: str) -> tuple[ListedSession, ...]:
        del zone_id
        return (ListedSession(fingerprint="0123456789abcdef"),) * self.created


async def test_renewal(emulate, record):
    """A capture longer than a session runs over several, a second apart at most."""
    emulator = emulate(rate=200.0)
    outcome = await record(
        emulator, duration_s=3.5, renew_after_s=1.2, min_coverage=0.5
    )
    gaps = outcome.manifest.gaps
    assert [gap.reason for gap in gaps] == ["renewal", "renewal"]
    assert max(map(seconds, gaps)) <= 1
    assert len(emulator.sessions) == 3
    assert_accounted(outcome.manifest)


async def test_a_refusing_service_is_renewed_with_a_gap(emulate, record):
    """Where the old session must go first, it does, and a second is enough."""
    emulator = emulate(rate=200.0, on_second="refuse")
    outcome = await record(
        emulator, duration_s=3.0, renew_after_s=1.0, min_coverage=0.5
    )
    gaps = outcome.manifest.gaps
    assert {gap.reason for gap in gaps} == {"renewal"}
    assert max(map(seconds, gaps)) <= 1
    assert len(emulator.sessions) >= 2
    assert_accounted(outcome.manifest)


async def test_a_failing_renewal_costs_nothing_while_the_old_stream_lives(
    emulate, record
):
    """The stream that is there is read on, and the renewal tried again as asked."""
    faults = (parse_fault("post-429:session=2,retry=3"),)
    emulator = emulate(rate=200.0, faults=faults)
    outcome = await record(emulator, duration_s=5.5, renew_after_s=1.0)
    creates = [one.at_s for one in emulator.asked(What.CREATE)]
    assert creates[2] - creates[1] >= 3
    assert outcome.manifest.coverage > 0.9
    assert {gap.reason for gap in outcome.manifest.gaps} <= {"renewal"}
    assert len(emulator.sessions) >= 2


@pytest.mark.parametrize("fault", ["drop:after=300", "stall:after=1000"])
async def test_records_delivered_twice_are_kept_once(fault, emulate, record):
    """Around a loss and a renewal; counted, and no others are taken for them."""
    faults = (parse_fault(fault), parse_fault("repeat:lines=80,session=2"))
    emulator = emulate(rate=400.0, faults=faults, keep_sent=True)
    outcome = await record(
        emulator, duration_s=3.0, renew_after_s=1.5, min_coverage=0.3
    )
    manifest, repeated = outcome.manifest, emulator.sessions[1].sent.repeated
    assert repeated == 80
    # What the client had not taken yet when the first stream ended came only once.
    assert 0 < manifest.duplicates <= repeated
    sent = [line for one in emulator.sent() for line in one.lines]
    assert len(sent) - len(set(sent)) == repeated
    assert manifest.written <= len(set(sent))
    assert_accounted(manifest)


async def test_without_ray_ids_nothing_is_taken_for_a_duplicate(emulate, record):
    """A line that comes twice may be two requests."""
    faults = (parse_fault("drop:after=300"), parse_fault("repeat:lines=80,session=2"))
    outcome = await record(
        emulate(rate=400.0, faults=faults),
        fields=("EdgeResponseStatus",),
        min_coverage=0.3,
    )
    assert outcome.manifest.duplicates == 0
    assert_accounted(outcome.manifest)


async def test_a_deaf_stream_is_found_out(emulate, record):
    """Alive but deaf: pings are answered, nothing comes; a busy zone is not silent."""
    emulator = emulate(rate=500.0, faults=(parse_fault("stall:after=300,times=1"),))
    outcome = await record(
        emulator,
        duration_s=4.0,
        min_coverage=0.1,
        read_deadline_s=1.0,
    )
    (gap,) = outcome.manifest.gaps
    assert gap.reason == "stream_silent"
    assert 0.9 < seconds(gap) < 3
    assert outcome.manifest.received > 600
    assert_accounted(outcome.manifest)


async def test_a_dead_peer_is_found_out(emulate, record):
    """A peer that answers no ping was dead from when it was last heard."""
    fault = parse_fault("half-open:after=300,times=1")
    outcome = await record(
        emulate(rate=500.0, faults=(fault,)),
        duration_s=5.0,
        min_coverage=0.1,
        stream=StreamSettings(ping_interval_s=0.5, ping_timeout_s=1.0),
    )
    (gap,) = outcome.manifest.gaps
    assert gap.reason == "stream_lost"
    assert 1 < seconds(gap) < 4
    assert outcome.manifest.received > 600


async def test_a_quiet_zone_is_no_gap(emulate, record):
    """Silence with our session in the list is a quiet zone."""
    outcome = await record(
        emulate(rate=500.0, limit=10),
        duration_s=3.0,
        read_deadline_s=0.5,
    )
    assert outcome.manifest.gaps == ()
    assert outcome.manifest.coverage == 1.0


async def test_silent_end_of_a_session_is_found_out(emulate, record):
    """A session that ends without a word is missed at the next look at the list."""
    fault = parse_fault("expire:after=50,times=1")
    outcome = await record(
        emulate(rate=500.0, end_by="silence", faults=(fault,)),
        duration_s=4.0,
        min_coverage=0.1,
        read_deadline_s=1.0,
    )
    assert "session_expired" in {gap.reason for gap in outcome.manifest.gaps}
    assert outcome.manifest.received > 100


@pytest.mark.parametrize("end_by", ["drop", "close", "silence"])
async def test_superseded_never_fights(end_by, emulate, record):
    """A stranger's session is waited for; ours comes back when it is gone."""
    emulator = emulate(rate=200.0, end_by=end_by)
    ours = asyncio.create_task(
        record(emulator, duration_s=5.0, min_coverage=0.1, read_deadline_s=0.5)
    )
    await asyncio.sleep(1)
    theirs = await record(
        emulator,
        who="them",
        duration_s=1.0,
        busy=BusyPolicy(on_busy=OnBusy.TAKEOVER),
    )
    outcome = await ours
    assert theirs.error is None
    assert theirs.manifest.coverage == 1.0
    (gap,) = outcome.manifest.gaps
    assert gap.reason == "session_superseded"
    assert 0.9 < seconds(gap) < 4.5
    assert_accounted(outcome.manifest)


@pytest.mark.parametrize(
    "fault", ["post-429:times=2,retry=1", "post-500:times=2", "handshake-429:times=1"]
)
async def test_trouble_while_opening_is_outlived(fault, emulate, record):
    """What passes by itself is waited for, ``Retry-After`` obeyed."""
    outcome = await record(emulate(rate=200.0, faults=(parse_fault(fault),)))
    assert outcome.error is None
    assert outcome.manifest.coverage == 1.0


async def test_cancelling_commits(emulate, record, tmp_path):
    """A cancelled capture is in the store before the cancellation goes on."""
    task = asyncio.create_task(record(emulate(rate=500.0), duration_s=60.0))
    await asyncio.sleep(2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (path,) = (tmp_path / "us" / "captures" / "manifests").iterdir()
    text = path.read_text()
    assert '"state":"interrupted"' in text.replace(" ", "")
    assert not list((tmp_path / "us" / "journal").iterdir())


async def test_records_older_than_their_session_are_counted(emulate, record, tmp_path):
    """Kept all the same, and told in the manifest."""
    now = datetime.now(UTC)
    ages = [3600, 60, 5, 0, 40]
    rows = [
        {
            "RayID": str(age),
            "EdgeStartTimestamp": (now - timedelta(seconds=age)).isoformat(),
            "EdgeResponseStatus": 200,
        }
        for age in ages
    ]
    replay = tmp_path / "replay.ndjson"
    replay.write_text("\n".join(map(json.dumps, rows)))
    outcome = await record(emulate(replay=replay, rate=0.0), duration_s=1.0)
    assert (outcome.manifest.written, outcome.manifest.late) == (5, 3)
