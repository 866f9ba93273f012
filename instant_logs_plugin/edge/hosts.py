"""Where the service may be: TLS to anywhere, plain text only to this machine.

Pure.
"""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from instant_logs_plugin.errors import InvalidOption

__all__ = ["LOOPBACK_HOSTS", "check_api_url", "is_loopback"]

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def check_api_url(option: str, url: str) -> str:
    """Return the URL of an API if credentials may travel to it.

    Raises:
        InvalidOption: It is neither https nor http to this machine, or it holds a
            login, a query or a fragment. A login is not shown.
    """
    parts = _split(url)
    if parts is not None and "@" in parts.netloc:
        allowed = "a URL without a login: credentials have their own settings"
        raise InvalidOption(option, "**********", allowed)
    is_local = parts is not None and parts.hostname in LOOPBACK_HOSTS
    schemes = {"http", "https"} if is_local else {"https"}
    if parts is None or not parts.hostname or parts.scheme not in schemes:
        allowed = "an https:// URL (http:// only for loopback hosts)"
        raise InvalidOption(option, url, allowed)
    if parts.query or parts.fragment:
        raise InvalidOption(option, url, "a URL without '?' and '#'")
    return url


def is_loopback(url: str) -> bool:
    """Tell whether a URL points to this machine."""
    parts = _split(url)
    return parts is not None and parts.hostname in LOOPBACK_HOSTS


def _split(url: str) -> SplitResult | None:
    """Return the parts of a URL, or None if it is none."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises where it is no port
    except ValueError:
        return None
    return parts
