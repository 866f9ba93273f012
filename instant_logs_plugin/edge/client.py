"""The session API over HTTP: create and list sessions, list fields.

One client for both providers; a `Provider` says where it is and who asks. Every
call has a timeout, follows no redirect, reads a bounded body and raises only our
errors. Certificates are always verified (``SSL_CERT_FILE`` adds an authority). The
environment's proxy is used, but never on the way to this machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import quote

import httpx

from instant_logs_plugin.edge.hosts import LOOPBACK_HOSTS, check_api_url, is_loopback
from instant_logs_plugin.edge.replies import (
    Reply,
    format_create_body,
    parse_field_list,
    parse_session,
    parse_sessions,
)
from instant_logs_plugin.edge.session import ListedSession, Session, SessionRequest
from instant_logs_plugin.errors import ApiUnreachable, InvalidApiResponse, InvalidOption

__all__ = [
    "CIS_BASE_URL",
    "CLOUDFLARE_BASE_URL",
    "STREAM_HOSTS",
    "Provider",
    "SessionClient",
    "cis_provider",
    "cloudflare_provider",
]

CLOUDFLARE_BASE_URL = "https://api.cloudflare.com/client/v4"
CIS_BASE_URL = "https://api.cis.cloud.ibm.com"
STREAM_HOSTS = ("cloudflare.com",)
"""Where sessions of both providers were seen to point to."""
_TIMEOUT_S = 30.0
_BODY_LIMIT = 4 * 2**20
_NEVER_PROXIED = tuple(
    f"all://{f'[{host}]' if ':' in host else host}" for host in sorted(LOOPBACK_HOSTS)
)
# A name with a dot at least: "com" would let half the world in.
_HOST_SUFFIX = re.compile(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+")


@dataclass(frozen=True, kw_only=True)
class Provider:
    """Where the session API is, and who asks.

    Attributes:
        zones_url: What comes before ``/<zone_id>``; https, or loopback.
        auth: The credentials.
        stream_hosts: Host suffixes that session URLs may point to.
    """

    zones_url: str
    auth: httpx.Auth
    stream_hosts: tuple[str, ...] = STREAM_HOSTS

    def __post_init__(self) -> None:
        """Check the URL: credentials travel to it; and where streams may be.

        Raises:
            InvalidOption: It is neither https nor http to a loopback host, holds a
                login or a query, or a host suffix is no domain.
        """
        for suffix in self.stream_hosts:
            if not _HOST_SUFFIX.fullmatch(suffix):
                allowed = "a domain like cloudflare.com"
                raise InvalidOption("stream_hosts", suffix, allowed)
        check_api_url("base_url", self.zones_url)

    @property
    def is_local(self) -> bool:
        """Whether the API is on this machine: an emulator's."""
        return is_loopback(self.zones_url)


def cloudflare_provider(
    auth: httpx.Auth,
    *,
    base_url: str = CLOUDFLARE_BASE_URL,
    stream_hosts: tuple[str, ...] = STREAM_HOSTS,
) -> Provider:
    """Return Cloudflare's API.

    Raises:
        InvalidOption: The base URL is not https, or a stream host is no domain.
    """
    zones_url = f"{base_url.rstrip('/')}/zones"
    return Provider(zones_url=zones_url, auth=auth, stream_hosts=stream_hosts)


def cis_provider(
    auth: httpx.Auth,
    crn: str,
    *,
    base_url: str = CIS_BASE_URL,
    api_version: str = "v1",
    stream_hosts: tuple[str, ...] = STREAM_HOSTS,
) -> Provider:
    """Return IBM Cloud Internet Services' API for an instance.

    IBM does not document the endpoint: the path version is unconfirmed.

    Raises:
        InvalidOption: The base URL is not https, the version is none, or a stream
            host is no domain.
    """
    if api_version not in {"v1", "v2"}:
        raise InvalidOption("api_version", api_version, "'v1' or 'v2'")
    instance = f"{base_url.rstrip('/')}/{api_version}/{quote(crn, safe='')}"
    zones_url = f"{instance}/zones"
    return Provider(zones_url=zones_url, auth=auth, stream_hosts=stream_hosts)


class SessionClient:
    """Creates and lists sessions; an async context manager.

    Args:
        provider: Where and who.
        timeout_s: For connecting, and for each pause between bytes; a whole call
            takes three times as long at most.
        transport: Replaces the network, in tests.

    Raises:
        InvalidOption: The environment's proxy or certificates are unusable.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        timeout_s: float = _TIMEOUT_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._provider = provider
        self._whole_call_s = 3 * timeout_s
        with _mapped_settings():
            self._http = httpx.AsyncClient(
                auth=provider.auth,
                timeout=timeout_s,
                transport=transport,
                mounts=dict.fromkeys(_NEVER_PROXIED),
            )
        self.answered_at: str | None = None
        """The ``Date`` of the last reply as the service wrote it, or None."""

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._http.__aexit__(kind, exc, traceback)

    async def create_session(self, request: SessionRequest) -> Session:
        """Create a session; ends another one of the zone, as the service does.

        Raises:
            ApiError: The service refused, or could not be reached.
        """
        url = self._url(request.zone_id, "logpush/edge/jobs")
        reply = await self._send("POST", url, format_create_body(request))
        return parse_session(
            reply,
            stream_hosts=self._provider.stream_hosts,
            is_local=self._provider.is_local,
        )

    async def list_sessions(self, zone_id: str) -> tuple[ListedSession, ...]:
        """Return the zone's sessions.

        Raises:
            ApiError: The service refused, or could not be reached.
        """
        url = self._url(zone_id, "logpush/edge/jobs")
        return parse_sessions(await self._send("GET", url))

    async def list_fields(self, zone_id: str) -> dict[str, str]:
        """Return the fields that the zone can send, with their descriptions.

        Raises:
            ApiError: The service refused, or could not be reached.
        """
        url = self._url(zone_id, "logpush/datasets/http_requests/fields")
        return parse_field_list(await self._send("GET", url))

    def _url(self, zone_id: str, path: str) -> str:
        return f"{self._provider.zones_url}/{quote(zone_id, safe='')}/{path}"

    async def _send(self, method: str, url: str, body: bytes | None = None) -> Reply:
        headers = {"Content-Type": "application/json"} if body else None
        with _mapped_errors():
            request = self._http.build_request(
                method, url, content=body, headers=headers
            )
            async with asyncio.timeout(self._whole_call_s):
                response = await self._http.send(request, stream=True)
                async with contextlib.aclosing(response):
                    content = await _read(response)
        self.answered_at = response.headers.get("Date")
        return Reply(
            status=response.status_code,
            body=content,
            retry_after=response.headers.get("Retry-After"),
            date=self.answered_at,
        )


async def _read(response: httpx.Response) -> bytes:
    """Return the body; a larger one than any reply has is not read to its end."""
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        parts.append(part)
        size += len(part)
        if size > _BODY_LIMIT:
            raise InvalidApiResponse(f"a reply of more than {_BODY_LIMIT} bytes")
    return b"".join(parts)


@contextlib.contextmanager
def _mapped_settings() -> Iterator[None]:
    """Turn what httpx makes of the environment's own settings into ours."""
    try:
        yield
    except OSError as exc:  # an SSLError is one
        allowed = f"a file of PEM certificates ({exc.strerror})"
        raise InvalidOption("SSL_CERT_FILE", "unusable", allowed) from exc
    except (ImportError, ValueError, httpx.InvalidURL):
        # Its text can hold the proxy's password.
        allowed = "an http:// URL in HTTPS_PROXY and ALL_PROXY"
        raise InvalidOption("proxy", "**********", allowed) from None


@contextlib.contextmanager
def _mapped_errors() -> Iterator[None]:
    """Turn every error of httpx into ours: the one place that does."""
    try:
        yield
    except TimeoutError as exc:
        raise ApiUnreachable("no whole answer in time") from exc
    except httpx.TimeoutException as exc:
        raise ApiUnreachable(f"no answer from {_host(exc)} in time") from exc
    except httpx.LocalProtocolError:
        # Its text shows the header that cannot be sent, whose secret can be in it.
        raise InvalidApiResponse("a request that cannot be sent") from None
    except httpx.TransportError as exc:
        raise ApiUnreachable(f"cannot reach {_host(exc)}: {_words(exc)}") from exc
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        raise InvalidApiResponse(f"an unusable reply: {_words(exc)}") from exc


def _host(exc: httpx.RequestError) -> str:
    try:
        return exc.request.url.netloc.decode()
    except RuntimeError:  # raised by httpx for an error without its request
        return "the service"


def _words(exc: Exception) -> str:
    return str(exc) or type(exc).__name__
