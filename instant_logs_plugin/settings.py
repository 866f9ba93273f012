"""Settings from the environment: credentials, provider, places.

Flag before environment before default. Only the command line and the Prefect blocks
read the environment; everything below is told.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from instant_logs_plugin.errors import AuthenticationFailed, InvalidOption

if TYPE_CHECKING:
    import httpx

    from instant_logs_plugin.edge.client import Provider, SessionClient
    from instant_logs_plugin.store.filesystem import Store

__all__ = ["header_safe", "journal_root", "open_client", "parse_provider"]

Environment = Mapping[str, str]


def open_client(environment: Environment = os.environ) -> SessionClient:
    """Return the session client that the environment names.

    Raises:
        AuthenticationFailed: It names no credentials.
        InvalidOption: A setting is wrong.
    """
    from instant_logs_plugin.edge.client import SessionClient

    return SessionClient(parse_provider(environment))


def parse_provider(environment: Environment) -> Provider:
    """Return the provider of ``INSTANT_LOGS_PROVIDER`` with its credentials.

    Raises:
        AuthenticationFailed: The environment names no credentials.
        InvalidOption: A setting is wrong.
    """
    name = environment.get("INSTANT_LOGS_PROVIDER") or "cloudflare"
    if name == "cloudflare":
        return _cloudflare(environment)
    if name == "cis":
        return _cis(environment)
    raise InvalidOption("INSTANT_LOGS_PROVIDER", name, "'cloudflare' or 'cis'")


def journal_root(store: Store, journal: str | None) -> Path:
    """Return where raw lines wait: as asked, or beside what they become."""
    return Path(journal) if journal else store.root / ".journal"


def header_safe(name: str, secret: str) -> str:
    """Return a secret that can be a header's value, or refuse it without showing it.

    Raises:
        InvalidOption: It is empty, or holds a blank or a character outside ASCII.
    """
    from instant_logs_plugin.edge import credentials

    return credentials.header_safe(name, secret)


def _cloudflare(environment: Environment) -> Provider:
    from instant_logs_plugin.edge.client import CLOUDFLARE_BASE_URL, cloudflare_provider

    base_url = environment.get("CLOUDFLARE_BASE_URL") or CLOUDFLARE_BASE_URL
    return cloudflare_provider(
        _cloudflare_auth(environment),
        base_url=base_url,
        stream_hosts=_stream_hosts(environment),
    )


def _stream_hosts(environment: Environment) -> tuple[str, ...]:
    """Return the domains of ``INSTANT_LOGS_STREAM_HOSTS``, comma separated."""
    from instant_logs_plugin.edge.client import STREAM_HOSTS

    text = environment.get("INSTANT_LOGS_STREAM_HOSTS") or ""
    hosts = (part.strip().lower() for part in text.split(","))
    return tuple(filter(None, hosts)) or STREAM_HOSTS


def _cloudflare_auth(environment: Environment) -> httpx.Auth:
    from instant_logs_plugin.edge.credentials import ApiKeyAuth, TokenAuth

    token = environment.get("CLOUDFLARE_API_TOKEN")
    email = environment.get("CLOUDFLARE_EMAIL")
    key = environment.get("CLOUDFLARE_API_KEY")
    if token:
        return TokenAuth(header_safe("CLOUDFLARE_API_TOKEN", token))
    if email and key:
        safe_key = header_safe("CLOUDFLARE_API_KEY", key)
        return ApiKeyAuth(header_safe("CLOUDFLARE_EMAIL", email), safe_key)
    raise AuthenticationFailed("no credentials: CLOUDFLARE_API_TOKEN is not set")


def _cis(environment: Environment) -> Provider:
    from instant_logs_plugin.edge.client import CIS_BASE_URL, cis_provider
    from instant_logs_plugin.edge.credentials import IAM_URL, IamAuth

    key, crn = environment.get("IBMCLOUD_API_KEY"), environment.get("CIS_CRN")
    if not key:
        raise AuthenticationFailed("no credentials: IBMCLOUD_API_KEY is not set")
    if not crn:
        raise InvalidOption("CIS_CRN", crn or "", "the CRN of the CIS instance")
    return cis_provider(
        IamAuth(
            header_safe("IBMCLOUD_API_KEY", key),
            iam_url=environment.get("IBMCLOUD_IAM_URL") or IAM_URL,
        ),
        crn,
        base_url=environment.get("CIS_BASE_URL") or CIS_BASE_URL,
        api_version=environment.get("CIS_API_VERSION") or "v1",
        stream_hosts=_stream_hosts(environment),
    )
