"""What the emulator tells of what it was asked for and what it sent."""

from __future__ import annotations

import json
import time
from pathlib import Path

from instant_logs_plugin.emulator import EmulatorConfig, What, parse_fault, run_emulator
from tests.contract.service import (
    FAST,
    JOBS,
    ZONE,
    create,
    expect_silence,
    get,
    open_url,
    read,
    refusal_of,
    sent_lines,
    stream,
    until,
)


async def test_a_replay_is_sent_whole_and_then_stays_silent(tmp_path: Path) -> None:
    """As fast as it is read, by default with the stream left open."""
    records = [{"RayID": f"{n:x}", "EdgeResponseStatus": 200} for n in range(2500)]
    path = tmp_path / "replay.ndjson"
    path.write_text("\n".join(map(json.dumps, records)))
    log = tmp_path / "sent.ndjson"
    with run_emulator(EmulatorConfig(replay=path, rate=0, sent_log=log)) as emulator:
        async with stream(open_url(emulator)) as connection:
            messages = [await connection.recv() for _ in records]
            await expect_silence(connection)
    expected = [record | {"sampleInterval": 1} for record in records]
    assert [json.loads(message) for message in messages] == expected
    assert log.read_text().splitlines() == messages


async def test_what_was_sent_is_told_to_other_processes(tmp_path: Path) -> None:
    """Over HTTP with session and time, and in a file as soon as it was sent."""
    log = tmp_path / "sent.ndjson"
    config = EmulatorConfig(limit=20, keep_sent=True, sent_log=log, **FAST)
    started_at = time.time()
    with run_emulator(config) as emulator:
        messages = await read(open_url(emulator), 20)
        assert log.read_text().splitlines() == messages
        told = get(f"{emulator.url}/emulator/sent").text.splitlines()
    rows = [json.loads(one) for one in told]
    assert [row["line"] for row in rows] == messages
    assert {row["session"] for row in rows} == {1}
    times = [row["at_s"] for row in rows]
    assert started_at <= times[0] <= times[-1] <= time.time()
    assert times == sorted(times)


def test_what_was_not_kept_is_not_told() -> None:
    """Nor taken for nothing."""
    with run_emulator(EmulatorConfig()) as emulator:
        assert get(f"{emulator.url}/emulator/sent").status_code == 409


async def test_every_request_is_in_the_log() -> None:
    """Creates, lists and handshakes with their statuses, in order, without secrets."""
    config = EmulatorConfig(faults=(parse_fault("post-429"),), **FAST)
    with run_emulator(config) as emulator:
        create(emulator)
        url = open_url(emulator)
        get(emulator.base_url + JOBS)
        await read(url, 1)
        await until(lambda: emulator.state[0]["end_reason"])
        await refusal_of(url)
        await refusal_of(url[:-4] + "beef")
        text = get(f"{emulator.url}/emulator/log").text
        assert len(emulator.asked(What.HANDSHAKE)) == 3
    told = json.loads(text)["requests"]
    assert [(one["what"], one["session"], one["status"]) for one in told] == [
        ("create", 0, 429),
        ("create", 1, 201),
        ("list", 0, 200),
        ("handshake", 1, 101),
        ("handshake", 1, 429),
        ("handshake", 0, 404),
    ]
    assert {one["zone_id"] for one in told} == {ZONE, ""}
    assert url.rpartition("/")[2] not in text


async def test_a_session_can_repeat_what_the_last_one_was_sent() -> None:
    """The newest lines come again first, and are counted apart."""
    fault = parse_fault("repeat:lines=5,session=2")
    config = EmulatorConfig(limit=20, keep_sent=True, faults=(fault,), **FAST)
    with run_emulator(config) as emulator:
        first = await read(open_url(emulator), 20)
        second = await read(open_url(emulator), 25)
        assert second[:5] == first[-5:]
        assert not set(second[5:]) & set(first)
        assert [sent.repeated for sent in emulator.sent()] == [0, 5]
        assert sent_lines(emulator, 1) == second
