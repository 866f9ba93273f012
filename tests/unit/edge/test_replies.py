"""What replies of the session API mean, good, bad and strange."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instant_logs_plugin.edge.replies import (
    Reply,
    format_create_body,
    parse_field_list,
    parse_result,
    parse_retry_after,
    parse_session,
    parse_sessions,
)
from instant_logs_plugin.edge.session import SessionRequest, session_fingerprint
from instant_logs_plugin.errors import (
    ApiError,
    ApiUnreachable,
    AuthenticationFailed,
    InvalidApiResponse,
    NotEntitled,
    RateLimited,
    RequestRefused,
)

HOSTS = ("cloudflare.com",)
URL = "wss://logs.cloudflare.com/instant-logs/ws/sessions/0123456789abcdef"
NOW = "Mon, 16 Nov 2026 13:32:02 GMT"
BAD_PREDICATE = (
    "creating a new instant logs job is not allowed: bad predicate: failed to decode "
    'value "\\"200,201\\"", supported kinds: []uint64'
)
BUSY = "creating a new instant logs job is not allowed: exceeded max jobs allowed"


def good(result: Any, status: int = 200) -> Reply:
    """Return a successful reply."""
    body = {"success": True, "errors": [], "messages": [], "result": result}
    return Reply(status=status, body=json.dumps(body).encode())


def bad(status: int, code: Any, message: Any) -> Reply:
    """Return an envelope that names an error."""
    body = {"success": False, "errors": [{"code": code, "message": message}]}
    return Reply(status=status, body=json.dumps(body).encode())


def test_a_request_is_the_documented_body() -> None:
    """Fields as one text, the filter as JSON in a text."""
    request = SessionRequest(zone_id="z", fields=("RayID", "ClientIP"), sample=5)
    assert json.loads(format_create_body(request)) == {
        "fields": "RayID,ClientIP",
        "sample": 5,
        "filter": "",
        "kind": "instant-logs",
    }


@pytest.mark.parametrize("status", [200, 201, 202])
def test_any_2xx_makes_a_session(status: int) -> None:
    """Its id is the last part of its URL, whichever ids stand beside it."""
    reply = good({"destination_conf": URL, "session_id": "other"}, status)
    session = parse_session(reply, stream_hosts=HOSTS, is_local=False)
    assert session.fingerprint == session_fingerprint("0123456789abcdef")
    assert session.url.reveal() == URL


@pytest.mark.parametrize(
    ("item", "session_id"),
    [
        ({"session_id": "abc"}, "abc"),
        ({"id": 5}, "5"),
        ({"destination_conf": URL, "id": 5}, "0123456789abcdef"),
        ({"destination_conf": "wss://[", "session_id": "abc"}, "abc"),
        ({"session_id": "\ud800"}, "\ud800"),
    ],
)
def test_listed_sessions_are_recognised(item: dict[str, Any], session_id: str) -> None:
    """By the URL where it is shown, else by what id there is."""
    (listed,) = parse_sessions(good([item]))
    assert listed.fingerprint == session_fingerprint(session_id)


@pytest.mark.parametrize("result", [None, [], [None, 3, "x"]])
def test_lists_of_nothing(result: Any) -> None:
    """A null result is an empty list, and what is no session is none."""
    assert parse_sessions(good(result)) == ()


def test_lists_without_ids() -> None:
    """A session is there even when nothing says which."""
    (listed,) = parse_sessions(good([{"fields": "a,b", "sample": 2, "filter": "f"}]))
    assert listed.fingerprint is None
    assert (listed.fields, listed.sample, listed.filter) == (("a", "b"), 2, "f")


def test_field_lists() -> None:
    """Names and what they say."""
    assert parse_field_list(good({"RayID": "string; id"})) == {"RayID": "string; id"}


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (bad(400, 1004, BAD_PREDICATE), RequestRefused, BAD_PREDICATE),
        (bad(403, 1004, BUSY), NotEntitled, "code 1004"),
        (bad(403, 10000, "Authentication error"), AuthenticationFailed, "10000"),
        (bad(400, 6003, "Invalid request headers"), AuthenticationFailed, "6003"),
        (bad(404, 7003, "Could not route"), RequestRefused, "HTTP 404"),
        (bad(200, 10000, "Authentication error"), AuthenticationFailed, "10000"),
        (bad(429, 971, "slow down"), RateLimited, "slow down"),
        (bad(503, 1, "down"), ApiUnreachable, "HTTP 503"),
        (bad(408, 1, "slow"), ApiUnreachable, "HTTP 408"),
        (bad(400, None, {"a": 1}), RequestRefused, "no message (HTTP 400)"),
        (bad(400, "x", "m" * 9000), RequestRefused, "mmm"),
        (Reply(status=400, body=b'{"errors":["x"]}'), RequestRefused, "no error"),
        (Reply(status=200, body=b""), InvalidApiResponse, "an empty reply"),
        (Reply(status=301, body=b""), InvalidApiResponse, "HTTP 301"),
        (Reply(status=200, body=b" <html>"), InvalidApiResponse, "an HTML page"),
        (Reply(status=502, body=b"<html>"), ApiUnreachable, "an HTML page"),
        (Reply(status=403, body=b"<html>"), AuthenticationFailed, "an HTML page"),
        (Reply(status=200, body=b"[1]"), InvalidApiResponse, "no JSON object"),
        (Reply(status=200, body=b"[" * 99_999), InvalidApiResponse, "no JSON object"),
        (Reply(status=200, body=b"\xff\xfe{"), InvalidApiResponse, "no JSON object"),
    ],
)
def test_errors(reply: Reply, kind: type[ApiError], words: str) -> None:
    """Code and message are the service's own, verbatim; few decide the class."""
    with pytest.raises(ApiError) as caught:
        parse_result(reply)
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("result", [None, [], {}, {"destination_conf": 5}])
def test_a_session_needs_a_url(result: Any) -> None:
    """Whatever the status says."""
    with pytest.raises(InvalidApiResponse):
        parse_session(good(result, 201), stream_hosts=HOSTS, is_local=False)


@pytest.mark.parametrize("end", ["\ud800", "é"])
def test_a_url_is_ascii(end: str) -> None:
    """What cannot be sent is refused before it is tried, and not shown."""
    reply = good({"destination_conf": URL + end})
    with pytest.raises(InvalidApiResponse) as caught:
        parse_session(reply, stream_hosts=HOSTS, is_local=False)
    assert "0123456789abcdef" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "date", "wait_s"),
    [
        (None, None, None),
        ("0", None, 0.0),
        (" 120 ", None, 120.0),
        ("9" * 5000, None, 86_400.0),
        ("-5", None, None),
        ("1.5", None, None),
        ("soon", None, None),
        ("", None, None),
        ("Mon, 16 Nov 2026 13:33:02 GMT", NOW, 60.0),
        ("Mon, 16 Nov 2026 13:00:00 GMT", NOW, 0.0),
        ("Mon, 16 Nov 2926 13:00:00 GMT", NOW, 86_400.0),
        ("Mon, 16 Nov 2026 13:33:02 GMT", None, None),
        ("Mon, 16 Nov 2026 13:33:02 GMT", "yesterday", None),
        ("Mon, 16 Nov 2026 13:33:02 -0000", NOW, None),
        ("Mon, 16 Nov 99999 13:33:02 GMT", NOW, None),
        ("Mon, 16 Nov 2026 13:33:02 +99999999999999999999", NOW, None),
    ],
)
def test_waits(text: str | None, date: str | None, wait_s: float | None) -> None:
    """Seconds, or a date by the service's own clock; a day at most."""
    assert parse_retry_after(text, date) == wait_s


@given(st.binary(max_size=60), st.integers(200, 599))
def test_any_body_is_read_or_refused(body: bytes, status: int) -> None:
    """No reply ends in another error than ours."""
    reply = Reply(status=status, body=body)
    with pytest.raises(ApiError):
        parse_session(reply, stream_hosts=HOSTS, is_local=False)
