"""Faults by script: each is what it says."""

from __future__ import annotations

import asyncio

import pytest

from instant_logs_plugin.emulator import EmulatorConfig, parse_fault, run_emulator
from instant_logs_plugin.emulator.messages import MALFORMED
from tests.contract.service import (
    FAST,
    create,
    expect_silence,
    open_url,
    read,
    read_to_end,
    refusal_of,
    stream,
)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("drop:after=25", None),
        ("close:after=25,code=1013", 1013),
        ("expire:after=25", None),
    ],
)
async def test_faults_that_end_a_stream(fault: str, code: int | None) -> None:
    """Exactly so many records arrive before; the next session is spared."""
    config = EmulatorConfig(faults=(parse_fault(fault),), **FAST)
    with run_emulator(config) as emulator:
        async with stream(open_url(emulator)) as connection:
            messages, received = await read_to_end(connection)
        assert (len(messages), received) == (25, code)
        assert emulator.sent()[0].records == 25
        assert len(await read(open_url(emulator), 60)) == 60


async def test_a_stalled_stream_is_alive_but_deaf() -> None:
    """Pings are answered, nothing is sent."""
    config = EmulatorConfig(faults=(parse_fault("stall:after=5"),), **FAST)
    with run_emulator(config) as emulator:
        async with stream(open_url(emulator)) as connection:
            for _ in range(5):
                await connection.recv()
            await expect_silence(connection)
    assert emulator.sent()[0].records == 5


async def test_a_half_open_stream_answers_no_ping() -> None:
    """Nothing is sent, and nothing is read."""
    config = EmulatorConfig(faults=(parse_fault("half-open:after=5"),), **FAST)
    with run_emulator(config) as emulator:
        async with stream(open_url(emulator)) as connection:
            for _ in range(5):
                await connection.recv()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(await connection.ping(), 0.3)


async def test_malformed_lines_come_between_the_records() -> None:
    """Records and rubbish are counted apart."""
    config = EmulatorConfig(
        limit=20, at_end="close", faults=(parse_fault("malformed:every=5"),), **FAST
    )
    with run_emulator(config) as emulator:
        async with stream(open_url(emulator)) as connection:
            messages, _ = await read_to_end(connection)
    rubbish = {line.decode() for line in MALFORMED}
    assert [n for n, text in enumerate(messages, 1) if text in rubbish] == [
        6,
        12,
        18,
        24,
    ]
    assert (emulator.sent()[0].records, emulator.sent()[0].malformed) == (20, 4)


async def test_a_huge_message_arrives() -> None:
    """Several times the size that clients accept by default."""
    config = EmulatorConfig(faults=(parse_fault("huge:mb=5"),), **FAST)
    with run_emulator(config) as emulator:
        first, second = await read(open_url(emulator), 2)
    assert len(first) > 5_000_000 > len(second)


@pytest.mark.parametrize(
    ("fault", "status", "retry_after"),
    [
        ("post-429:retry=7", 429, "7"),
        ("post-429:retry=0", 429, None),
        ("post-500", 500, None),
        ("post-html", 502, None),
    ],
)
def test_faults_of_creates(fault: str, status: int, retry_after: str | None) -> None:
    """The first create fails, the second works."""
    with run_emulator(EmulatorConfig(faults=(parse_fault(fault),))) as emulator:
        response = create(emulator)
        assert create(emulator).status_code == 201
    assert response.status_code == status
    assert response.headers.get("Retry-After") == retry_after
    is_html = response.headers["Content-Type"].startswith("text/html")
    assert is_html is (fault == "post-html")


async def test_a_rate_limited_handshake_may_be_tried_again() -> None:
    """The session lives on."""
    fault = parse_fault("handshake-429:times=2,retry=3")
    with run_emulator(EmulatorConfig(faults=(fault,), **FAST)) as emulator:
        url = open_url(emulator)
        assert await refusal_of(url) == (429, "3")
        assert await refusal_of(url) == (429, "3")
        assert len(await read(url, 5)) == 5


async def test_answers_may_be_late() -> None:
    """The session is there while its create is unanswered, and while it is joined."""
    faults = ("post-slow:ms=300", "handshake-slow:times=1,ms=300")
    config = EmulatorConfig(faults=tuple(map(parse_fault, faults)), **FAST)
    with run_emulator(config) as emulator:
        opening = asyncio.create_task(asyncio.to_thread(open_url, emulator))
        while not emulator.sessions:  # noqa: ASYNC110 - it runs in another thread
            await asyncio.sleep(0.005)
        assert not opening.done()
        url = await opening
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1), stream(url):
                pass
        assert len(await read(url, 5)) == 5
    (session,) = emulator.sessions
    assert session.handshakes == 2
