"""One session per zone, for an hour, and gone when it is not read."""

from __future__ import annotations

import asyncio

import pytest

from instant_logs_plugin.emulator import EmulatorConfig, parse_fault, run_emulator
from tests.contract.service import (
    FAST,
    create,
    expect_silence,
    open_url,
    read,
    read_to_end,
    refusal_of,
    sent_lines,
    stream,
    until,
)


@pytest.mark.parametrize(("end_by", "code"), [("drop", None), ("close", 1000)])
async def test_a_newcomer_takes_the_zone(end_by: str, code: int | None) -> None:
    """The first stream ends in the way asked for, with all it was sent."""
    config = EmulatorConfig(end_by=end_by, keep_sent=True, **FAST)
    with run_emulator(config) as emulator:
        async with stream(open_url(emulator)) as connection:
            first = await connection.recv()
            second = await asyncio.to_thread(open_url, emulator)
            messages, received = await read_to_end(connection)
        await read(second, 3)
    assert received == code
    assert [first, *messages] == sent_lines(emulator)
    assert emulator.state[0]["end_reason"] == "superseded"


async def test_a_stopped_stream_can_be_silent() -> None:
    """The socket stays open and answers pings; nothing more comes."""
    with run_emulator(EmulatorConfig(end_by="silence", **FAST)) as emulator:
        async with stream(open_url(emulator)) as connection:
            await connection.recv()
            await asyncio.to_thread(create, emulator)
            await until(lambda: emulator.state[0]["end_reason"])
            await expect_silence(connection)


async def test_a_refusing_zone_keeps_its_first_session() -> None:
    """The second create is refused; it works once the first stream is closed."""
    with run_emulator(EmulatorConfig(on_second="refuse", **FAST)) as emulator:
        async with stream(open_url(emulator)) as connection:
            refused = await asyncio.to_thread(create, emulator)
            await connection.recv()
        await until(lambda: emulator.state[0]["end_reason"] == "closed")
        assert create(emulator).status_code == 201
    error = refused.json()["errors"][0]
    assert error["code"] == 1004
    assert "exceeded max jobs allowed" in error["message"]


async def test_an_unentitled_zone_gets_no_session() -> None:
    """Nor does asking end anything."""
    with run_emulator(EmulatorConfig(is_entitled=False)) as emulator:
        message = create(emulator).json()["errors"][0]["message"]
        assert emulator.state == []
    assert "exceeded max jobs allowed" in message


async def test_a_dead_or_taken_url_is_rate_limited() -> None:
    """An old URL and a second reader get 429, an unknown one 404."""
    with run_emulator(EmulatorConfig(**FAST)) as emulator:
        url = open_url(emulator)
        async with stream(url) as connection:
            await connection.recv()
            assert await refusal_of(url) == (429, None)
            await connection.recv()
        await until(lambda: emulator.state[0]["end_reason"] == "closed")
        assert await refusal_of(url) == (429, None)
        assert await refusal_of(url[:-4] + "beef") == (404, None)


async def test_an_hour_ends_an_idle_stream() -> None:
    """The clock is compressed; nothing is sent meanwhile."""
    config = EmulatorConfig(time_scale=1_200, limit=1, **FAST)
    with run_emulator(config) as emulator:
        async with stream(open_url(emulator)) as connection:
            messages, code = await read_to_end(connection)
    assert (len(messages), code) == (1, None)
    assert emulator.state[0]["end_reason"] == "expired"


async def test_five_minutes_unread_end_a_session() -> None:
    """Whether nobody ever connected, or the reader blocks."""
    config = EmulatorConfig(
        time_scale=600, faults=(parse_fault("huge:mb=30,session=0"),), **FAST
    )
    with run_emulator(config) as emulator:
        create(emulator)
        await until(lambda: emulator.state[0]["end_reason"] == "unread")
        async with stream(open_url(emulator)) as connection:
            connection.transport.pause_reading()
            await until(lambda: emulator.state[1]["end_reason"])
    assert emulator.state[1]["end_reason"] == "unread"
