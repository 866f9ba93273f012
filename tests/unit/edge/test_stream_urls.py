"""Where a session URL may point to: it is told by a reply, and replies can be wrong."""

from __future__ import annotations

import json
import pickle
from dataclasses import asdict

import httpx
import pytest

from instant_logs_plugin.edge.client import Provider
from instant_logs_plugin.edge.replies import Reply, parse_session, parse_sessions
from instant_logs_plugin.errors import InvalidApiResponse, InvalidOption
from instant_logs_plugin.settings import parse_provider

HOSTS = ("cloudflare.com", "logs.example.net")
AUTH = httpx.Auth()


def parse(url: object, *, is_local: bool = False):
    body = json.dumps({"success": True, "result": {"destination_conf": url}})
    reply = Reply(status=201, body=body.encode())
    return parse_session(reply, stream_hosts=HOSTS, is_local=is_local)


@pytest.mark.parametrize(
    "url",
    [
        "wss://logs.cloudflare.com/instant-logs/ws/sessions/abc",
        "wss://cloudflare.com:443/abc",
        "wss://LOGS.Cloudflare.com/abc",
        "wss://a.logs.example.net/abc",
    ],
)
def test_tls_to_an_allowed_host(url):
    """A host is allowed with everything below it, and keeps its URL to itself."""
    session = parse(url)
    assert session.url.reveal() == url
    assert "abc" not in repr(session)


def test_a_session_keeps_its_url_to_itself():
    """However it is shown, copied into a document, or sent to another process."""
    session = parse("wss://logs.cloudflare.com/s3cret")
    shown = f"{session} {session!r} {session.url} {asdict(session)}"
    assert "s3cret" not in shown
    with pytest.raises(TypeError):
        pickle.dumps(session)
    assert session == parse("wss://logs.cloudflare.com/s3cret")
    assert session != parse("wss://logs.cloudflare.com/other")


@pytest.mark.parametrize(
    "url",
    [
        "ws://logs.cloudflare.com/secret",
        "https://logs.cloudflare.com/secret",
        "wss://evil.example/secret",
        "wss://notcloudflare.com/secret",
        "wss://cloudflare.com.evil.example/secret",
        "wss://example.net/secret",
        "wss://logs.cloudflare.com@evil.example/secret",
        "wss://user:pass@logs.cloudflare.com/secret",
        "wss://evil.example\\@logs.cloudflare.com/secret",
        "wss://10.0.0.1/secret",
        "wss://169.254.169.254/secret",
        "wss://[::1]/secret",
        "wss://127.0.0.1/secret",
        "ws://localhost:8787/secret",
        "wss://[fe80::1/secret",
        "wss://logs.cloudflare.com:port/secret",
        "wss:///secret",
        "file:///etc/secret",
        "secret",
        "",
        None,
        7,
        ["wss://logs.cloudflare.com/secret"],
    ],
)
def test_anywhere_else_is_refused(url):
    """Another host, a private address, this machine, no TLS; and nothing is told."""
    with pytest.raises(InvalidApiResponse) as caught:
        parse(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_this_machine_may_name_itself(scheme, host):
    """An emulator's URL is taken from an emulator alone."""
    url = f"{scheme}://{host}:8788/secret"
    assert parse(url, is_local=True).url.reveal() == url
    for other in ("ws://10.0.0.1/secret", f"http://{host}/secret"):
        with pytest.raises(InvalidApiResponse):
            parse(other, is_local=True)


@pytest.mark.parametrize(
    ("base_url", "is_local"),
    [
        ("https://api.cloudflare.com/client/v4", False),
        ("http://127.0.0.1:8787/client/v4", True),
        ("https://localhost:8787/client/v4", True),
    ],
)
def test_a_provider_knows_whether_it_is_here(base_url, is_local):
    """By the host of its API."""
    assert Provider(zones_url=base_url, auth=AUTH).is_local is is_local


def test_hosts_are_a_setting():
    """From the environment, comma separated."""
    environment = {
        "CLOUDFLARE_API_TOKEN": "any",
        "INSTANT_LOGS_STREAM_HOSTS": " Logs.example.net,cloudflare.com ,",
    }
    assert parse_provider(environment).stream_hosts == (
        "logs.example.net",
        "cloudflare.com",
    )
    del environment["INSTANT_LOGS_STREAM_HOSTS"]
    assert parse_provider(environment).stream_hosts == ("cloudflare.com",)


@pytest.mark.parametrize("suffix", ["", "com", "*", "*.cloudflare.com", "a b.com", "/"])
def test_a_suffix_is_a_domain(suffix):
    """A setting that would let anybody in is refused."""
    with pytest.raises(InvalidOption):
        Provider(zones_url="https://x.example", auth=AUTH, stream_hosts=(suffix,))


def test_a_list_with_a_broken_url_is_still_a_list():
    """What names a session another way is used."""
    result = [{"destination_conf": "wss://[", "session_id": "abc"}]
    reply = Reply(status=200, body=json.dumps({"result": result}).encode())
    (listed,) = parse_sessions(reply)
    assert listed.fingerprint is not None
