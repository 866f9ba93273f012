"""The emulator over real loopback sockets: what a client of the service meets."""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import logging
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from instant_logs_plugin.emulator import (
    Emulator,
    EmulatorConfig,
    What,
    parse_fault,
    run_emulator,
)
from instant_logs_plugin.emulator.messages import MALFORMED
from instant_logs_plugin.errors import InvalidOption

ZONE = "0123456789abcdef0123456789abcdef"
AUTH = {"Authorization": "Bearer any"}
FIELDS = "RayID,EdgeResponseStatus,ClientRequestMethod"
DEADLINE_S = 10.0
FAST: dict[str, Any] = {"rate": 1000.0, "tick_s": 0.01}
JOBS = f"/zones/{ZONE}/logpush/edge/jobs"


# One for all tests: each client would load the certificates again.
HTTP = httpx.Client(trust_env=False)


@pytest.fixture(scope="module", autouse=True)
def _close_http() -> Iterator[None]:
    yield
    HTTP.close()


def post(url: str, **request: Any) -> httpx.Response:
    return HTTP.post(url, **request)


def get(url: str, headers: dict[str, str] = AUTH) -> httpx.Response:
    return HTTP.get(url, headers=headers)


def create(emulator: Emulator, **body: Any) -> httpx.Response:
    asked = {"fields": FIELDS, "sample": 1, "filter": "", "kind": "instant-logs"}
    return post(emulator.base_url + JOBS, headers=AUTH, json=asked | body)


def open_url(emulator: Emulator, **body: Any) -> str:
    return create(emulator, **body).json()["result"]["destination_conf"]


@asynccontextmanager
async def stream(url: str) -> AsyncIterator[ClientConnection]:
    async with asyncio.timeout(DEADLINE_S):
        connection = await connect(
            url, compression=None, max_size=None, ping_interval=None, close_timeout=0.1
        )
        try:
            yield connection
        finally:
            connection.transport.abort()


async def read(url: str, count: int) -> list[Any]:
    async with stream(url) as connection:
        return [await connection.recv() for _ in range(count)]


async def read_to_end(connection: ClientConnection) -> tuple[list[Any], int | None]:
    """Return every message, and the close code that came, if one did."""
    messages = []
    try:
        while True:
            messages.append(await connection.recv())
    except ConnectionClosed as exc:
        return messages, exc.rcvd.code if exc.rcvd else None


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not is_so():  # noqa: ASYNC110 - the emulator runs in another thread
            await asyncio.sleep(0.005)


def sent_lines(emulator: Emulator, session: int = 0) -> list[str]:
    return [line.decode() for line in emulator.sent()[session].lines]


@pytest.fixture(scope="module")
def guarded() -> Iterator[Emulator]:
    """Give an emulator that takes one token only."""
    with run_emulator(EmulatorConfig(token="s3cret")) as emulator:
        yield emulator


def test_a_created_session_looks_like_a_live_one() -> None:
    """201, the envelope, and a URL with 32 hex digits."""
    with run_emulator() as emulator:
        response = create(emulator)
        body = response.json()
        result = body.pop("result")
        url = result.pop("destination_conf")
    assert response.status_code == 201
    assert body == {"success": True, "errors": [], "messages": []}
    assert url == (
        f"ws://127.0.0.1:{emulator.stream_port}"
        f"/instant-logs/ws/sessions/{result['session_id']}"
    )
    assert len(bytes.fromhex(result.pop("session_id"))) == 16
    assert result == {
        "fields": FIELDS,
        "filter": "",
        "kind": "instant-logs",
        "sample": 1,
    }


@pytest.mark.parametrize(
    ("form", "status", "names"),
    [("live", 201, {"session_id"}), ("documented", 200, {"id", "destination_conf"})],
)
def test_sessions_are_listed(form: str, status: int, names: set[str]) -> None:
    """On a live zone without the URL; as documented with it."""
    with run_emulator(EmulatorConfig(reply_form=form)) as emulator:
        jobs = emulator.base_url + JOBS
        assert get(jobs).json()["result"] == []
        assert create(emulator).status_code == status
        (listed,) = get(jobs).json()["result"]
    assert set(listed) == {"fields", "filter", "kind", "sample"} | names


async def test_an_unread_session_may_be_listed_or_not() -> None:
    """Which of the two the service does is not known; a read one is."""
    with run_emulator(EmulatorConfig(lists_unread=False, **FAST)) as emulator:
        url = open_url(emulator)
        assert get(emulator.base_url + JOBS).json()["result"] == []
        async with stream(url):
            assert len(get(emulator.base_url + JOBS).json()["result"]) == 1


async def test_a_client_that_leaves_in_the_handshake_reads_nothing() -> None:
    """Its session is over, however early it was killed."""
    with run_emulator() as emulator:
        for number in range(40):
            path = urlsplit(open_url(emulator)).path
            request = (
                f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            address = ("127.0.0.1", emulator.stream_port)
            with socket.create_connection(address) as client:
                reset = struct.pack("ii", 1, 0)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                client.sendall(request.encode())
                await asyncio.sleep(0.0002 * (number % 8))
        await until(lambda: not any(one["is_streaming"] for one in emulator.state))


async def test_creates_that_overlap_are_told_apart() -> None:
    """A refused one is never logged with the session that another one made."""
    body = json.dumps({"fields": FIELDS, "kind": "instant-logs"}).encode()

    async def slow_body(pause_s: float) -> AsyncIterator[bytes]:
        yield body[:10]
        await asyncio.sleep(pause_s)
        yield body[10:]

    with run_emulator(EmulatorConfig(on_second="refuse")) as emulator:
        open_url(emulator)
        other = emulator.base_url + JOBS.replace(ZONE, "f" * 32)
        async with httpx.AsyncClient(headers=AUTH) as client:
            await asyncio.gather(
                client.post(emulator.base_url + JOBS, content=slow_body(0.3)),
                client.post(other, content=slow_body(0.1)),
            )
        asked = [(one.session, one.status) for one in emulator.asked(What.CREATE)]
    assert asked == [(1, 201), (2, 201), (0, 403)]


def test_fields_are_listed() -> None:
    """Names with descriptions."""
    with run_emulator() as emulator:
        path = f"/zones/{ZONE}/logpush/datasets/http_requests/fields"
        result = get(emulator.base_url + path).json()["result"]
    assert "RayID" in result
    assert all(isinstance(text, str) for text in result.values())


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Authorization": "Bearer s3cret"}, 201),
        ({"Authorization": "Bearer wrong"}, 403),
        ({"Authorization": "s3cret"}, 403),
        ({"X-Auth-Email": "a@example.com", "X-Auth-Key": "s3cret"}, 201),
        ({"X-Auth-Email": "a@example.com", "X-Auth-Key": "wrong"}, 403),
        ({"X-Auth-Key": "s3cret"}, 403),
        ({"X-Auth-User-Token": "Bearer s3cret"}, 403),
    ],
)
def test_credentials_are_checked(
    guarded: Emulator, headers: dict[str, str], status: int
) -> None:
    """Wrong ones get the service's own code."""
    body = {"fields": FIELDS, "kind": "instant-logs"}
    response = post(guarded.base_url + JOBS, headers=headers, json=body)
    listed = get(guarded.base_url + JOBS, headers=headers)
    assert response.status_code == status
    assert (listed.status_code == 403) is (status == 403)
    if status == 403:
        error = {"code": 10000, "message": "Authentication error"}
        assert response.json()["errors"] == [error]


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_cis_has_its_own_paths_and_tokens(version: str) -> None:
    """An IAM token from the exchange opens a session of an encoded CRN."""
    crn = quote("crn:v1:bluemix:public:internet-svcs:global:a/1:2::", safe="")
    body = {"fields": "RayID", "kind": "instant-logs"}
    with run_emulator(EmulatorConfig(token="api-key", **FAST)) as emulator:
        url = f"{emulator.cis_base_url}/{version}/{crn}{JOBS}"
        wrong = post(emulator.iam_url, data={"apikey": "wrong"})
        token = post(emulator.iam_url, data={"apikey": "api-key"}).json()
        bearer = {"X-Auth-User-Token": f"Bearer {token['access_token']}"}
        key = {"X-Auth-User-Token": "Bearer api-key"}
        response = post(url, headers=bearer, json=body)
        refused = post(url, headers=key, json=body)
        await read(response.json()["result"]["destination_conf"], 3)
    assert (wrong.status_code, refused.status_code) == (400, 403)
    assert token["expires_in"] == 3600


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "logpush"},
        {"sample": 0},
        {"sample": True},
        {"fields": None},
        {"fields": ["RayID"]},
    ],
)
def test_wrong_bodies_are_refused(guarded: Emulator, body: dict[str, Any]) -> None:
    """With an error, not with a crash."""
    asked = {"fields": FIELDS, "kind": "instant-logs"} | body
    headers = {"Authorization": "Bearer s3cret"}
    response = post(guarded.base_url + JOBS, headers=headers, json=asked)
    assert response.status_code == 400
    assert response.json()["errors"][0]["code"] == 1002


def test_a_bad_filter_gets_the_verbatim_error() -> None:
    """As IBM's second example got it on a live zone."""
    condition = {"key": "EdgeResponseStatus", "operator": "in", "value": "200,201"}
    with run_emulator() as emulator:
        text = json.dumps({"where": {"and": [condition]}})
        response = create(emulator, filter=text)
    assert response.status_code == 400
    assert response.json() == {
        "errors": [
            {
                "code": 1004,
                "message": "creating a new instant logs job is not allowed: bad "
                'predicate: failed to decode value "\\"200,201\\"", supported '
                "kinds: []uint64",
            }
        ],
        "messages": [],
        "result": None,
        "success": False,
    }


@pytest.mark.parametrize(
    "text",
    [
        '{"where":{"key":"ClientIP","operator":"neq","value":"x"',
        '{"where":{"key":"BotScore","operator":"eq","value":' + "9" * 5000 + "}}",
        "[" * 5000,
        "5",
    ],
)
def test_a_filter_that_is_none_is_refused(text: str, guarded: Emulator) -> None:
    """Not with a server's error: the client is at fault."""
    asked = {"fields": FIELDS, "kind": "instant-logs", "filter": text}
    headers = {"Authorization": "Bearer s3cret"}
    response = post(guarded.base_url + JOBS, headers=headers, json=asked)
    assert response.status_code == 400
    assert response.json()["errors"][0]["code"] == 1004


async def test_records_have_the_fields_asked_for_in_their_order() -> None:
    """Compact, one object a message, sampleInterval last; kept as sent."""
    config = EmulatorConfig(limit=20, keep_sent=True, **FAST)
    with run_emulator(config) as emulator:
        messages = await read(open_url(emulator, fields=f"{FIELDS},Nope"), 20)
    assert messages == sent_lines(emulator)
    for message in messages:
        record = json.loads(message)
        assert ",".join(record) == f"{FIELDS},sampleInterval"
        assert json.dumps(record, separators=(",", ":")) == message


async def test_a_filter_is_applied() -> None:
    """Only what passes is sent."""
    condition = {"key": "ClientRequestMethod", "operator": "!eq", "value": "GET"}
    text = json.dumps({"where": {"and": [condition]}})
    with run_emulator(EmulatorConfig(**FAST)) as emulator:
        messages = await read(open_url(emulator, filter=text), 20)
    assert "GET" not in {json.loads(one)["ClientRequestMethod"] for one in messages}


@pytest.mark.parametrize(
    "config",
    [
        {"binary": True},
        {"fragment": True},
        {"binary": True, "fragment": True},
        {"records_per_message": 7, "trailing_newline": True},
    ],
)
async def test_forms_of_messages_carry_the_same_lines(config: dict[str, Any]) -> None:
    """Binary, fragmented or many lines: the same lines arrive."""
    settings = EmulatorConfig(
        limit=30, at_end="close", keep_sent=True, **config, **FAST
    )
    with run_emulator(settings) as emulator:
        async with stream(open_url(emulator)) as connection:
            messages, code = await read_to_end(connection)
    is_binary = config.get("binary", False)
    assert {type(one) for one in messages} == {bytes if is_binary else str}
    texts = [one.decode() if is_binary else one for one in messages]
    lines = [line for text in texts for line in text.split("\n") if line]
    assert (lines, code) == (sent_lines(emulator), 1000)
    sent = emulator.sent()[0]
    assert (sent.records, sent.messages) == (30, len(messages))
    assert sent.bytes == sum(len(text.encode()) for text in texts)


async def test_records_come_in_bursts() -> None:
    """Several within milliseconds, then a pause."""
    with run_emulator(EmulatorConfig(rate=100, tick_s=0.2)) as emulator:
        async with stream(open_url(emulator)) as connection:
            times = []
            for _ in range(70):
                await connection.recv()
                times.append(time.monotonic())
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert sum(pause > 0.1 for pause in pauses) >= 2
    assert sum(pause < 0.01 for pause in pauses) >= 40


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


async def expect_silence(connection: ClientConnection) -> None:
    """Pass if, behind what was sent before, a ping is answered and nothing comes."""
    with suppress(TimeoutError):
        while True:
            await asyncio.wait_for(connection.recv(), 0.1)
    await (await connection.ping())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(connection.recv(), 0.05)


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


async def refusal_of(url: str) -> tuple[int, str | None]:
    with pytest.raises(InvalidStatus) as caught:
        await read(url, 1)
    response = caught.value.response
    return response.status_code, response.headers.get("Retry-After")


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
