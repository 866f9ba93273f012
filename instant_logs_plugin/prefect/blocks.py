"""Blocks: the credentials of the session API, and where captures are stored.

They work without a Prefect server; only load and save need one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from prefect.blocks.abstract import CredentialsBlock
from prefect.blocks.core import Block
from pydantic import ConfigDict, Field, HttpUrl, SecretStr, model_validator

from instant_logs_plugin.edge.client import (
    CIS_BASE_URL,
    CLOUDFLARE_BASE_URL,
    SessionClient,
    cis_provider,
    cloudflare_provider,
)
from instant_logs_plugin.edge.credentials import (
    IAM_URL,
    ApiKeyAuth,
    IamAuth,
    TokenAuth,
)
from instant_logs_plugin.settings import header_safe

if TYPE_CHECKING:
    from instant_logs_plugin.store.filesystem import Store

__all__ = ["CISCredentials", "CaptureStore", "CloudflareCredentials"]

_DOCUMENTATION = HttpUrl("https://developers.cloudflare.com/logs/instant-logs/")
_CIS_DOCUMENTATION = HttpUrl("https://cloud.ibm.com/docs/cis")
# Else a field that is missing or wrong shows all of them, the secrets readable.
_SECRETIVE = ConfigDict(hide_input_in_errors=True)


class CloudflareCredentials(CredentialsBlock):
    """Credentials of Cloudflare's API: a token, or an e-mail address and its key.

    Example:
        Load them:

        ```python
        from instant_logs_plugin.prefect import CloudflareCredentials

        credentials = CloudflareCredentials.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "Cloudflare Credentials"
    _block_type_slug = "cloudflare-credentials"
    _documentation_url = _DOCUMENTATION

    model_config = _SECRETIVE

    api_token: SecretStr | None = Field(
        default=None,
        title="API token",
        description="A token with the permission Logs Read on the zones to record.",
    )
    email: str | None = Field(
        default=None,
        title="E-mail",
        description="The user's address, when there is no token.",
    )
    api_key: SecretStr | None = Field(
        default=None,
        title="Global API key",
        description="The user's global API key, when there is no token.",
    )
    base_url: str = Field(
        default=CLOUDFLARE_BASE_URL,
        title="Base URL",
        description="Where the API is; change it for the emulator.",
    )

    @model_validator(mode="after")
    def check_one_kind(self) -> CloudflareCredentials:
        """Refuse credentials that are none.

        Raises:
            ValueError: There is neither a token nor an address with a key.
        """
        if not self.api_token and not (self.email and self.api_key):
            raise ValueError("give api_token, or email and api_key")
        return self

    def get_client(self) -> SessionClient:
        """Return a session client; an async context manager, no call is made yet.

        Raises:
            InvalidOption: The base URL is not https, or the token, the key or the
                address holds what no header can.
        """
        provider = cloudflare_provider(self._auth(), base_url=self.base_url)
        return SessionClient(provider)

    def _auth(self) -> httpx.Auth:
        if self.api_token:
            return TokenAuth(header_safe("api_token", _reveal(self.api_token)))
        key = header_safe("api_key", _reveal(self.api_key))
        return ApiKeyAuth(header_safe("email", self.email or ""), key)


def _reveal(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


class CISCredentials(CredentialsBlock):
    """Credentials of IBM Cloud Internet Services: an IBM Cloud API key and a CRN.

    Example:
        Load them:

        ```python
        from instant_logs_plugin.prefect import CISCredentials

        credentials = CISCredentials.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "CIS Credentials"
    _block_type_slug = "cis-credentials"
    _documentation_url = _CIS_DOCUMENTATION

    model_config = _SECRETIVE

    api_key: SecretStr = Field(
        default=...,
        title="API key",
        description="An IBM Cloud API key that may read the instance.",
    )
    crn: str = Field(
        default=...,
        min_length=1,
        title="CRN",
        description="The CRN of the CIS instance.",
    )
    base_url: str = Field(
        default=CIS_BASE_URL,
        title="Base URL",
        description="Where the CIS API is; change it for the emulator.",
    )
    iam_url: str = Field(
        default=IAM_URL, title="IAM URL", description="Where IAM exchanges the key."
    )
    api_version: str = Field(
        default="v1",
        title="Path version",
        description="v1 or v2; IBM does not document which one serves Instant Logs.",
    )

    def get_client(self) -> SessionClient:
        """Return a session client; an async context manager, no call is made yet.

        Raises:
            InvalidOption: A URL is not https, or the version is none.
        """
        auth = IamAuth(self.api_key.get_secret_value(), iam_url=self.iam_url)
        provider = cis_provider(
            auth, self.crn, base_url=self.base_url, api_version=self.api_version
        )
        return SessionClient(provider)


class CaptureStore(Block):
    """Where captures are stored, and where raw lines wait until they are.

    Example:
        Load it:

        ```python
        from instant_logs_plugin.prefect import CaptureStore

        store = CaptureStore.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "Capture Store"
    _block_type_slug = "capture-store"
    _documentation_url = _DOCUMENTATION

    uri: str = Field(
        default="./captures",
        title="Store",
        description="A directory, or its file:// URI, on the machine of the worker.",
    )
    journal: str | None = Field(
        default=None,
        title="Journal",
        description="A local directory for raw lines; default: .journal in the store.",
    )
    reports: bool = Field(
        default=False,
        title="Reports",
        description="Whether a run leaves an HTML report of its capture in reports/.",
    )
    assets: bool = Field(
        default=False,
        title="Assets",
        description="Whether Prefect knows each zone of the store as an asset.",
    )

    def open(self) -> Store:
        """Return the store.

        Raises:
            InvalidOption: The URI is of an unknown kind.
        """
        # Arrow loads here, not when a server registers the blocks.
        from instant_logs_plugin.store.filesystem import open_store  # noqa: PLC0415

        return open_store(self.uri)

    def journal_root(self) -> Path:
        """Return the directory where raw lines wait."""
        return Path(self.journal) if self.journal else self.open().root / ".journal"
