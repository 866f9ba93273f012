"""What the session API's replies mean: bytes and status to values or errors.

Pure: no socket, no clock. The only place that decides which error a reply is. The
service publishes no list of error codes: its code and message are kept verbatim,
and few are branched on.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from instant_logs_plugin.edge.hosts import LOOPBACK_HOSTS
from instant_logs_plugin.edge.session import (
    ListedSession,
    SecretUrl,
    Session,
    SessionRequest,
    session_fingerprint,
)
from instant_logs_plugin.errors import (
    ApiError,
    ApiUnreachable,
    AuthenticationFailed,
    InvalidApiResponse,
    NotEntitled,
    RateLimited,
    RequestRefused,
)

__all__ = [
    "Reply",
    "format_create_body",
    "parse_field_list",
    "parse_result",
    "parse_retry_after",
    "parse_session",
    "parse_sessions",
    "reply_error",
]

_MESSAGE_LIMIT = 500
_LONGEST_WAIT_S = 86_400.0
_WRONG_CREDENTIALS = frozenset({6003, 9103, 9106, 9109, 10000})
"""Codes that blame the credentials, whatever the status they come with."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One HTTP reply of the session API.

    Attributes:
        status: HTTP status.
        body: The whole body.
        retry_after: The header ``Retry-After``, or None.
        date: The header ``Date``, or None; what an HTTP date is relative to.
    """

    status: int
    body: bytes
    retry_after: str | None = None
    date: str | None = None

    @property
    def is_success(self) -> bool:
        """Whether the status is any 2xx; live zones say 201, the schema 200."""
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP's classes


def format_create_body(request: SessionRequest) -> bytes:
    """Return the JSON body that creates a session."""
    body = {
        "fields": ",".join(request.fields),
        "sample": request.sample,
        "filter": request.filter,
        "kind": "instant-logs",
    }
    return json.dumps(body).encode()


def parse_result(reply: Reply) -> Any:
    """Return the ``result`` of a successful reply.

    Raises:
        ApiError: The reply is none; the class says what it is instead.
    """
    if not reply.is_success:
        raise reply_error(reply)
    document = _json_object(reply.body)
    if document is None:
        raise InvalidApiResponse(_describe_body(reply.body), reply.status)
    if document.get("success") is False:
        raise reply_error(reply)
    return document.get("result")


def parse_session(
    reply: Reply, *, stream_hosts: tuple[str, ...], is_local: bool
) -> Session:
    """Return the session that a create made.

    Args:
        reply: The reply to the POST.
        stream_hosts: Host suffixes that a session URL may point to.
        is_local: Whether the reply came from this machine: an emulator's URL may
            point to this machine, too, without TLS. Nobody else's may.

    Raises:
        ApiError: It made none, or one whose URL cannot be trusted.
    """
    result = parse_result(reply)
    url = result.get("destination_conf") if isinstance(result, dict) else None
    if not isinstance(url, str):
        raise InvalidApiResponse("a reply without destination_conf", reply.status)
    _check_stream_url(url, stream_hosts, is_local=is_local)
    return Session(url=SecretUrl(url), fingerprint=session_fingerprint(_last(url)))


def parse_sessions(reply: Reply) -> tuple[ListedSession, ...]:
    """Return the sessions of a list reply; a ``null`` result is an empty list.

    Raises:
        ApiError: The reply is no list.
    """
    result = parse_result(reply)
    if result is None:
        return ()
    if not isinstance(result, list):
        raise InvalidApiResponse("a session list that is no list", reply.status)
    return tuple(_listed(item) for item in result if isinstance(item, dict))


def parse_field_list(reply: Reply) -> dict[str, str]:
    """Return field names and descriptions of a zone.

    Raises:
        ApiError: The reply is none.
    """
    result = parse_result(reply)
    if not isinstance(result, dict):
        raise InvalidApiResponse("a field list that is no object", reply.status)
    return {str(name): str(text) for name, text in result.items()}


def parse_retry_after(text: str | None, date: str | None = None) -> float | None:
    """Return seconds of a ``Retry-After`` header: a number, or a date after ``date``.

    A day at most. None for anything else, and for a date when the reply carries no
    date itself.
    """
    if text is None:
        return None
    if text.isascii() and text.strip().isdecimal():
        return min(float(text), _LONGEST_WAIT_S)
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(date or "")
    except (OverflowError, TypeError, ValueError):
        return None
    return min(max(0.0, wait.total_seconds()), _LONGEST_WAIT_S)


def reply_error(reply: Reply) -> ApiError:
    """Return the error that an unsuccessful reply is."""
    code, message = _first_error(reply)
    status = reply.status
    if status == 429:  # noqa: PLR2004 - Too Many Requests
        wait_s = parse_retry_after(reply.retry_after, reply.date)
        return RateLimited(message, status, code, wait_s)
    if status >= 500 or status == 408:  # noqa: PLR2004 - server's fault, or slow
        return ApiUnreachable(message, status, code)
    return _refusal(status, code, message)


def _refusal(status: int, code: int | None, message: str) -> ApiError:
    """Tell refusals apart: of who asks, of the plan, of what is asked."""
    if "exceeded max jobs allowed" in message:
        return NotEntitled(message, status, code)
    if code in _WRONG_CREDENTIALS or status in {401, 403}:
        return AuthenticationFailed(message, status, code)
    if status < 400 and code is None:  # noqa: PLR2004 - a redirect, not followed
        return InvalidApiResponse(message, status)
    return RequestRefused(message, status, code)


def _first_error(reply: Reply) -> tuple[int | None, str]:
    """Return code and message of the first error, or a description of the body."""
    document = _json_object(reply.body) or {}
    errors = document.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, dict):
        return None, _describe_body(reply.body)
    code, message = first.get("code"), first.get("message")
    text = message if isinstance(message, str) and message else "no message"
    return (code if type(code) is int else None), text[:_MESSAGE_LIMIT]


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _describe_body(body: bytes) -> str:
    if not body.strip():
        return "an empty reply"
    if _json_object(body) is not None:
        return "a reply that names no error"
    kind = "an HTML page" if body.lstrip()[:1] == b"<" else "no JSON object"
    return f"{kind} instead of a reply ({len(body)} bytes)"


def _listed(item: Mapping[str, Any]) -> ListedSession:
    fields, sample, text = item.get("fields"), item.get("sample"), item.get("filter")
    return ListedSession(
        fingerprint=_listed_fingerprint(item),
        fields=tuple(fields.split(",")) if isinstance(fields, str) and fields else (),
        sample=sample if isinstance(sample, int) else None,
        filter=text if isinstance(text, str) else "",
    )


def _listed_fingerprint(item: Mapping[str, Any]) -> str | None:
    url = item.get("destination_conf")
    if isinstance(url, str) and url:
        with contextlib.suppress(ValueError):  # no URL: the ids may tell
            return session_fingerprint(_last(url))
    for key in ("session_id", "id"):
        if item.get(key):
            return session_fingerprint(str(item[key]))
    return None


def _last(url: str) -> str:
    """Return the last path segment of a session URL: the session's id."""
    return urlsplit(url).path.rstrip("/").rpartition("/")[2] or url


def _check_stream_url(url: str, hosts: tuple[str, ...], *, is_local: bool) -> None:
    """Refuse a URL that is not TLS to an allowed host; the URL stays unsaid.

    Raises:
        InvalidApiResponse: It is not.
    """
    try:
        url.encode("ascii")
        parts = urlsplit(url)
        host, scheme, _ = parts.hostname or "", parts.scheme, parts.port
    except ValueError:
        raise InvalidApiResponse("a session URL that is no URL") from None
    if "@" in parts.netloc:
        raise InvalidApiResponse("a session URL with a login")
    if is_local and scheme in {"ws", "wss"} and host in LOOPBACK_HOSTS:
        return
    if scheme != "wss":
        raise InvalidApiResponse(f"a session URL that is {scheme or 'nothing'}, no wss")
    if not any(host == one or host.endswith(f".{one}") for one in hosts):
        raise InvalidApiResponse(f"a session URL that points to {host[:100]!r}")
