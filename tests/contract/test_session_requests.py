"""Creating and listing sessions: what is answered, and what is refused."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from instant_logs_plugin.emulator import Emulator, EmulatorConfig, What, run_emulator
from tests.contract.service import (
    AUTH,
    FAST,
    FIELDS,
    JOBS,
    ZONE,
    create,
    get,
    open_url,
    post,
    read,
    stream,
    until,
)


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
