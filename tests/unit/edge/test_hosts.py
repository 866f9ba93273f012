"""Where credentials may travel to."""

from __future__ import annotations

import pytest

from instant_logs_plugin.edge.hosts import check_api_url, is_loopback
from instant_logs_plugin.errors import InvalidOption


@pytest.mark.parametrize(
    "url",
    [
        "https://api.cloudflare.com/client/v4",
        "https://api.example.com:8443",
        "https://[2001:db8::1]/client/v4",
        "http://127.0.0.1:8787/client/v4",
        "http://localhost",
        "http://[::1]:8787",
        "https://localhost:8443",
    ],
)
def test_tls_or_this_machine(url: str) -> None:
    """The URL comes back as it was given."""
    assert check_api_url("base_url", url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.cloudflare.com",
        "http://api.cloudflare.com",
        "http://127.0.0.1.example.com",
        "ftp://localhost",
        "https://",
        "https://[::1",
        "https://example.com:port",
        "https://example.com:99999",
        "https://example.com/?zone=1",
        "https://example.com/#top",
    ],
)
def test_anything_else_is_refused(url: str) -> None:
    """The option is named, with what was given."""
    with pytest.raises(InvalidOption) as caught:
        check_api_url("base_url", url)
    assert (caught.value.option, caught.value.value) == ("base_url", url)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_login_is_refused_and_not_shown(scheme: str) -> None:
    """It would be in every error that names the URL."""
    with pytest.raises(InvalidOption) as caught:
        check_api_url("base_url", f"{scheme}://me:s3cret@example.com/")
    assert "s3cret" not in f"{caught.value!r} {caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ws://127.0.0.1:1/x", True),
        ("wss://[::1]/x", True),
        ("wss://logs.cloudflare.com/x", False),
        ("wss://[::1/x", False),
    ],
)
def test_loopback(url: str, *, expected: bool) -> None:
    """What is no URL is no loopback one."""
    assert is_loopback(url) is expected
