"""The blocks, without a server: Prefect's own suite, secrets, clients."""

from __future__ import annotations

import asyncio
import traceback
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.blocks.core import Block
from prefect.testing.standard_test_suites.blocks import BlockStandardTestSuite
from pydantic import SecretStr, ValidationError

from instant_logs_plugin.edge.client import SessionClient
from instant_logs_plugin.errors import InvalidOption
from instant_logs_plugin.prefect import (
    CaptureStore,
    CISCredentials,
    CloudflareCredentials,
    InstantLogsZone,
)

SECRET = "s3cret-value"
TOKEN = {"api_token": SECRET}
KEY = {"email": "me@example.com", "api_key": SECRET}
CIS = {"api_key": SECRET, "crn": "crn:v1:x::"}
BLOCKS = [CloudflareCredentials, CISCredentials, CaptureStore, InstantLogsZone]
CREDENTIALS = [
    (CloudflareCredentials, TOKEN),
    (CloudflareCredentials, KEY),
    (CISCredentials, CIS),
]


class TestStandards(BlockStandardTestSuite):
    """What Prefect asks of every block; we ship no logo, so none is downloaded."""

    @pytest.fixture(params=BLOCKS)
    def block(self, request: pytest.FixtureRequest) -> type[Block]:
        return request.param

    def test_has_a_valid_image(self, block: type[Block]) -> None:
        assert block._logo_url is None


@pytest.mark.parametrize(
    ("block", "slug"),
    [
        (CloudflareCredentials, "cloudflare-credentials"),
        (CISCredentials, "cis-credentials"),
        (CaptureStore, "capture-store"),
        (InstantLogsZone, "instant-logs-zone"),
    ],
)
def test_slugs_are_stable(block: type[Block], slug: str) -> None:
    """Saved blocks and flow parameters name them."""
    assert block.get_block_type_slug() == slug


@pytest.mark.parametrize(
    ("block", "secrets"),
    [
        (CloudflareCredentials, ["api_token", "api_key"]),
        (CISCredentials, ["api_key"]),
        (CaptureStore, []),
    ],
)
def test_the_schema_marks_the_secrets(block: type[Block], secrets: list[str]) -> None:
    """What the server encrypts and the form hides is what is secret."""
    schema = block.model_json_schema()
    assert schema["secret_fields"] == secrets
    for name in secrets:
        assert "SecretStr" in str(block.model_fields[name].annotation)


def test_the_schema_marks_nested_secrets() -> None:
    """A zone holds its credentials, of either kind; nothing else of it is secret."""
    secrets = set(InstantLogsZone.model_json_schema()["secret_fields"])
    assert secrets == {"credentials.api_token", "credentials.api_key"}


@pytest.mark.parametrize(("kind", "values"), CREDENTIALS)
def test_no_secret_is_shown(kind: type[Block], values: dict[str, str]) -> None:
    """Neither by the block, nor by what Prefect logs of it, nor by its client."""
    block: Any = kind(**values)
    client = block.get_client()
    shown = [repr(block), str(block), str(block.model_dump()), block.model_dump_json()]
    assert SECRET not in " ".join([*shown, repr(client), repr(vars(client))])
    name = "api_token" if "api_token" in values else "api_key"
    assert getattr(block, name) == SecretStr(SECRET)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (CloudflareCredentials, {}),
        (CloudflareCredentials, {"api_key": SECRET}),
        (CloudflareCredentials, {"email": "me@example.com"}),
        (CloudflareCredentials, {"email": "", "api_key": SECRET}),
        (CloudflareCredentials, {"api_token": ""}),
        (CloudflareCredentials, TOKEN | {"base_url": 7}),
        (CISCredentials, {"api_key": SECRET}),
        (CISCredentials, {"api_key": SECRET, "crn": ""}),
        (CISCredentials, {"crn": "crn:v1:x::"}),
        (CISCredentials, CIS | {"api_version": None}),
    ],
)
def test_incomplete_credentials_are_refused(
    kind: type[Block], values: dict[str, Any]
) -> None:
    """The error says what is missing, and shows nothing of what was given."""
    with pytest.raises(ValidationError) as caught:
        kind(**values)
    assert SECRET not in f"{caught.value} {caught.value!r}"


@pytest.mark.parametrize(
    ("values", "headers"),
    [
        (TOKEN, {"authorization": f"Bearer {SECRET}"}),
        (KEY, {"x-auth-email": "me@example.com", "x-auth-key": SECRET}),
        (KEY | TOKEN, {"authorization": f"Bearer {SECRET}"}),
        (KEY | {"api_token": ""}, {"x-auth-key": SECRET}),
    ],
)
def test_cloudflare_credentials_are_sent(
    values: dict[str, str], headers: dict[str, str]
) -> None:
    """A token, or an address with its key; the token wins, an empty one is none."""
    client = CloudflareCredentials(**values).get_client()
    request = httpx.Request("GET", "https://example.com/")
    next(client._provider.auth.auth_flow(request))
    assert headers.items() <= dict(request.headers).items()


def test_clients_go_where_they_are_told() -> None:
    """The base URL of the block is the one of the client."""
    urls = {"base_url": "https://one.example.com/v4"}
    client = CloudflareCredentials(**TOKEN, **urls).get_client()
    assert client._provider.zones_url == "https://one.example.com/v4/zones"
    client = CISCredentials(**CIS, **urls, api_version="v2").get_client()
    expected = "https://one.example.com/v4/v2/crn%3Av1%3Ax%3A%3A/zones"
    assert client._provider.zones_url == expected
    assert isinstance(client, SessionClient)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (CloudflareCredentials, TOKEN | {"base_url": "http://example.com"}),
        (CISCredentials, CIS | {"base_url": "http://example.com"}),
        (CISCredentials, CIS | {"iam_url": "http://iam.example.com"}),
        (CISCredentials, CIS | {"api_version": "v3"}),
        (CloudflareCredentials, {"api_token": f"{SECRET}\n"}),
        (CloudflareCredentials, {"api_token": f"{SECRET}€"}),
        (CloudflareCredentials, KEY | {"api_key": f"{SECRET} "}),
        (CloudflareCredentials, KEY | {"email": "me@example.com\r\n"}),
    ],
)
def test_unusable_values_are_refused(kind: Any, values: dict[str, str]) -> None:
    """Before anything is sent: a pasted line break would show the token in an error."""
    with pytest.raises(InvalidOption) as caught:
        kind(**values).get_client()
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_client_of_a_block_is_closed() -> None:
    """It is opened and closed where it is used, without a call."""

    async def use() -> None:
        async with CloudflareCredentials(**TOKEN).get_client() as client:
            assert client is not None

    asyncio.run(use())


def test_a_store_opens_its_directory(tmp_path: Path) -> None:
    """The block names a place, and makes nothing there."""
    block = CaptureStore(uri=str(tmp_path / "store"))
    assert block.open().root == tmp_path / "store"
    assert block.journal_root() == tmp_path / "store" / ".journal"
    assert CaptureStore(journal="/fast/disk").journal_root() == Path("/fast/disk")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InvalidOption):
        CaptureStore(uri="s3://bucket/captures").open()
