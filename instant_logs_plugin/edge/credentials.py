"""Who asks: the credentials of the session API, as httpx authentication.

Their ``repr`` shows no secret. IBM's IAM exchanges an API key for a token that
lives an hour; it is renewed before it expires (IBM Cloud, *IAM Identity Services*).
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import AsyncGenerator, Callable, Generator

import httpx

from instant_logs_plugin.edge.hosts import check_api_url
from instant_logs_plugin.edge.replies import Reply, reply_error
from instant_logs_plugin.errors import (
    ApiError,
    AuthenticationFailed,
    InvalidApiResponse,
    InvalidOption,
    RequestRefused,
)

__all__ = ["IAM_URL", "ApiKeyAuth", "IamAuth", "TokenAuth", "header_safe"]

IAM_URL = "https://iam.cloud.ibm.com"
_EXCHANGE_PATH = "/identity/token"
_SENDABLE = re.compile("[!-~]+")
_RENEW_BEFORE_S = 300.0

Flow = Generator[httpx.Request, httpx.Response, None]


def header_safe(name: str, secret: str) -> str:
    """Return a secret that can be a header's value, or refuse it without showing it.

    A line break at its end, as pasting leaves one, would make the HTTP library show
    the whole header in its error.

    Raises:
        InvalidOption: It is empty, or holds a blank or a character outside ASCII.
    """
    if _SENDABLE.fullmatch(secret):
        return secret
    raise InvalidOption(name, "**********", "plain ASCII without blanks")


class TokenAuth(httpx.Auth):
    """A Cloudflare API token.

    Raises:
        InvalidOption: It cannot be a header's value.
    """

    def __init__(self, token: str) -> None:
        self._token = header_safe("token", token)

    def __repr__(self) -> str:
        return "TokenAuth(**********)"

    def auth_flow(self, request: httpx.Request) -> Flow:
        """Send the token."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


class ApiKeyAuth(httpx.Auth):
    """A Cloudflare user's e-mail address and global API key.

    Raises:
        InvalidOption: One of them cannot be a header's value.
    """

    def __init__(self, email: str, key: str) -> None:
        self._email = header_safe("email", email)
        self._key = header_safe("key", key)

    def __repr__(self) -> str:
        return f"ApiKeyAuth({self._email!r}, **********)"

    def auth_flow(self, request: httpx.Request) -> Flow:
        """Send both."""
        request.headers["X-Auth-Email"] = self._email
        request.headers["X-Auth-Key"] = self._key
        yield request


class IamAuth(httpx.Auth):
    """An IBM Cloud API key, exchanged for IAM tokens as needed.

    A token that the service refuses with 401 before its time, because it was revoked
    or this host slept, is replaced once. Asynchronous clients only.

    Args:
        api_key: The key.
        iam_url: Where IAM is, with or without ``/identity/token``; https, or loopback.
        now: Gives monotonic seconds.

    Raises:
        InvalidOption: The key may not travel to that URL.
        AuthenticationFailed: From a request: IAM refused the key.
        ApiError: From a request: IAM could not be used.
    """

    def __init__(
        self,
        api_key: str,
        *,
        iam_url: str = IAM_URL,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api_key = api_key
        base_url = check_api_url("iam_url", iam_url).rstrip("/")
        self._token_url = f"{base_url.removesuffix(_EXCHANGE_PATH)}{_EXCHANGE_PATH}"
        self._now = now
        self._token = ""
        self._renew_at = float("-inf")

    def __repr__(self) -> str:
        return "IamAuth(**********)"

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send a token that is still good; fetch one first if there is none."""
        is_kept = self._now() < self._renew_at
        if not is_kept:
            await self._keep((yield self._token_request()))
        response = yield self._authorized(request)
        if is_kept and response.status_code == httpx.codes.UNAUTHORIZED:
            await self._keep((yield self._token_request()))
            yield self._authorized(request)

    def _authorized(self, request: httpx.Request) -> httpx.Request:
        request.headers["X-Auth-User-Token"] = f"Bearer {self._token}"
        return request

    def _token_request(self) -> httpx.Request:
        form = {
            "grant_type": "urn:ibm:params:oauth:grant-type:apikey",
            "apikey": self._api_key,
            "response_type": "cloud_iam",
        }
        headers = {"Accept": "application/json"}
        return httpx.Request("POST", self._token_url, data=form, headers=headers)

    async def _keep(self, response: httpx.Response) -> None:
        await response.aread()
        if not response.is_success:
            raise _iam_error(response)
        try:
            document = json.loads(response.content)
            token, lifetime_s = document["access_token"], float(document["expires_in"])
        except (ValueError, TypeError, KeyError) as exc:
            raise InvalidApiResponse("an IAM reply without a token") from exc
        # What cannot be a header's value would be shown whole in httpx' error.
        if not (isinstance(token, str) and _SENDABLE.fullmatch(token)):
            raise InvalidApiResponse("an IAM reply whose token is none")
        if not math.isfinite(lifetime_s):
            raise InvalidApiResponse("an IAM reply whose token has no lifetime")
        self._token = token
        self._renew_at = self._now() + max(0.0, lifetime_s - _RENEW_BEFORE_S)


def _iam_error(response: httpx.Response) -> ApiError:
    """Map IAM's own form of error; a refused request is a refused key."""
    reply = Reply(
        status=response.status_code,
        body=response.content,
        retry_after=response.headers.get("Retry-After"),
        date=response.headers.get("Date"),
    )
    error = reply_error(reply)
    if isinstance(error, (RequestRefused, AuthenticationFailed)):
        return AuthenticationFailed(_iam_message(reply.body), reply.status)
    return error


def _iam_message(body: bytes) -> str:
    try:
        return f"IAM refused the API key: {json.loads(body)['errorMessage']}"
    except (ValueError, TypeError, KeyError):
        return "IAM refused the API key"
