"""The session API's client: who asks, what is sent, and what goes wrong on the way."""

from __future__ import annotations

import asyncio
import json
import socket
import traceback
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from instant_logs_plugin.edge.client import (
    Provider,
    SessionClient,
    cis_provider,
    cloudflare_provider,
)
from instant_logs_plugin.edge.credentials import ApiKeyAuth, IamAuth, TokenAuth
from instant_logs_plugin.edge.session import SessionRequest
from instant_logs_plugin.edge.stream import open_stream
from instant_logs_plugin.emulator import EmulatorConfig, run_emulator
from instant_logs_plugin.errors import (
    ApiUnreachable,
    AuthenticationFailed,
    InvalidApiResponse,
    InvalidOption,
    is_transient,
)

ZONE = "0123456789abcdef0123456789abcdef"
REQUEST = SessionRequest(zone_id=ZONE, fields=("RayID",))
LISTED = {"success": True, "errors": [], "result": []}

Answer = Callable[[httpx.Request], httpx.Response]


def client(answer: Answer, provider: Provider | None = None) -> SessionClient:
    """Return a client whose network is a function."""
    provider = provider or cloudflare_provider(TokenAuth("s3cret"))
    return SessionClient(provider, transport=httpx.MockTransport(answer))


class Iam:
    """IAM and CIS: tokens that are numbered, and a service that refuses some."""

    def __init__(self, *, lifetime_s: object = 3600.0, refused: str = "") -> None:
        self.lifetime_s, self.refused = lifetime_s, refused
        self.issued = 0
        self.used: list[str] = []
        self.token: object = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        if request.url.path == "/identity/token":
            self.issued += 1
            token = f"token-{self.issued}" if self.token is None else self.token
            document = {"access_token": token, "expires_in": self.lifetime_s}
            return httpx.Response(200, content=json.dumps(document))
        token = request.headers["X-Auth-User-Token"].removeprefix("Bearer ")
        self.used.append(token)
        return httpx.Response(401 if token in self.refused else 200, json=LISTED)


class Clock:
    """Monotonic seconds, turned by hand."""

    now_s = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now_s


def cis(answer: Answer, clock: Clock | None = None) -> SessionClient:
    """Return a client of CIS."""
    auth = IamAuth("s3cret-key", now=clock or Clock())
    return client(answer, cis_provider(auth, "crn:v1:x/y"))


async def test_a_token_is_exchanged_once_and_renewed_before_its_time() -> None:
    """Five minutes before IAM's token expires the next one is fetched."""
    iam, clock = Iam(), Clock()
    async with cis(iam, clock) as api:
        for clock.now_s in (0.0, 3299.0, 3300.0):
            await api.list_sessions(ZONE)
    assert iam.used == ["token-1", "token-1", "token-2"]


async def test_a_refused_token_is_replaced_once() -> None:
    """It was revoked, or this host slept beyond its time."""
    iam = Iam(refused="token-1")
    async with cis(iam) as api:
        with pytest.raises(AuthenticationFailed):
            await api.list_sessions(ZONE)  # nothing newer can be had
        assert await api.list_sessions(ZONE) == ()
    assert iam.used == ["token-1", "token-1", "token-2"]


@pytest.mark.parametrize("token", ["", "a\nb", "a b", "é", 5])
async def test_a_token_that_cannot_be_sent_is_refused(token: object) -> None:
    """It is in no error: the HTTP library would show the whole header."""
    iam = Iam()
    iam.token = token
    async with cis(iam) as api:
        with pytest.raises(InvalidApiResponse) as caught:
            await api.list_sessions(ZONE)
    assert "b" not in str(caught.value).removeprefix("an IAM reply whose token")
    assert iam.used == []


@pytest.mark.parametrize("lifetime_s", [float("nan"), float("inf"), None, "soon"])
async def test_a_token_needs_a_lifetime(lifetime_s: object) -> None:
    """One without would be kept for ever."""
    async with cis(Iam(lifetime_s=lifetime_s)) as api:
        with pytest.raises(InvalidApiResponse):
            await api.list_sessions(ZONE)


async def test_a_wrong_key_is_told_in_iams_words() -> None:
    """IAM answers 400; the key is what is wrong."""
    body = {"errorCode": "BXNIM0415E", "errorMessage": "Provided API key not found."}
    async with cis(lambda _: httpx.Response(400, json=body)) as api:
        with pytest.raises(AuthenticationFailed) as caught:
            await api.list_sessions(ZONE)
    assert "Provided API key not found." in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "iam_url", ["https://iam.example.com/", "https://iam.example.com/identity/token"]
)
async def test_iam_is_named_with_or_without_its_path(iam_url: str) -> None:
    """Both name the same place."""
    paths = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        return Iam()(request)

    provider = cis_provider(IamAuth("k", iam_url=iam_url), "crn")
    async with client(answer, provider) as api:
        await api.list_sessions(ZONE)
    assert paths[0] == "/identity/token"


@pytest.mark.parametrize("iam_url", ["http://iam.example.com", "https://u:p@iam.x/"])
def test_a_key_travels_with_tls_only(iam_url: str) -> None:
    """The key is the account's."""
    with pytest.raises(InvalidOption):
        IamAuth("s3cret-key", iam_url=iam_url)


@pytest.mark.parametrize("secret", ["", "s3cret\n", "s3cret\x00", "s3cr\u00e9t", " s3"])
def test_a_secret_that_cannot_be_sent_is_not_shown(secret: str) -> None:
    """The HTTP library would show the whole header; a pasted one ends with a break."""
    for make in (
        lambda: TokenAuth(secret),
        lambda: ApiKeyAuth("me@example.com", secret),
        lambda: ApiKeyAuth(secret, "key"),
    ):
        with pytest.raises(InvalidOption) as caught:
            make()
        assert "s3" not in f"{caught.value!r} {caught.value} {caught.value.hint}"


async def test_a_header_that_cannot_be_sent_is_not_shown() -> None:
    """Whoever made the credentials."""

    class Careless(httpx.Auth):
        def auth_flow(self, request):
            request.headers["Authorization"] = "Bearer s3cret\n"
            yield request

    with run_emulator() as emulator:
        provider = cloudflare_provider(Careless(), base_url=emulator.base_url)
        async with SessionClient(provider) as api:
            with pytest.raises(InvalidApiResponse) as caught:
                await api.list_sessions(ZONE)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


async def test_a_body_without_end_is_not_read_to_its_end() -> None:
    """Nor is it with the credentials of CIS."""

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 2**20

    def answer(request: httpx.Request) -> httpx.Response:
        if "identity" in request.url.path:
            return Iam()(request)
        return httpx.Response(200, content=endless())

    for api in (client(answer), cis(answer)):
        async with api:
            with pytest.raises(InvalidApiResponse):
                await api.list_sessions(ZONE)


async def test_a_reply_that_trickles_is_given_up() -> None:
    """Each byte in time is not the reply in time."""

    async def trickle() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.01)
            yield b" "

    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=trickle()))
    provider = cloudflare_provider(TokenAuth("s3cret"))
    async with SessionClient(provider, timeout_s=0.05, transport=transport) as api:
        with pytest.raises(ApiUnreachable) as caught:
            await api.list_sessions(ZONE)
    assert is_transient(caught.value)


async def test_this_machine_is_reached_without_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A company's proxy cannot reach an emulator here, neither API nor stream."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        proxy = f"http://127.0.0.1:{closed.getsockname()[1]}"
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with run_emulator(EmulatorConfig()) as emulator:
        provider = cloudflare_provider(TokenAuth("any"), base_url=emulator.base_url)
        async with SessionClient(provider) as api:
            session = await api.create_session(REQUEST)
        async with open_stream(session.url) as stream:
            assert await asyncio.wait_for(stream.read_batch(), 10)
