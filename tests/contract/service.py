"""A client of the emulator: what the service's users send, and what they read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from instant_logs_plugin.emulator import Emulator

ZONE = "0123456789abcdef0123456789abcdef"
AUTH = {"Authorization": "Bearer any"}
FIELDS = "RayID,EdgeResponseStatus,ClientRequestMethod"
DEADLINE_S = 10.0
FAST: dict[str, Any] = {"rate": 1000.0, "tick_s": 0.01}
JOBS = f"/zones/{ZONE}/logpush/edge/jobs"

# One for all tests: each client would load the certificates again.
HTTP = httpx.Client(trust_env=False)


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


async def expect_silence(connection: ClientConnection) -> None:
    """Pass if, behind what was sent before, a ping is answered and nothing comes."""
    with suppress(TimeoutError):
        while True:
            await asyncio.wait_for(connection.recv(), 0.1)
    await (await connection.ping())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(connection.recv(), 0.05)


async def refusal_of(url: str) -> tuple[int, str | None]:
    with pytest.raises(InvalidStatus) as caught:
        await read(url, 1)
    response = caught.value.response
    return response.status_code, response.headers.get("Retry-After")
