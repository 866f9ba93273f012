"""What the environment says: provider, credentials, places."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from instant_logs_plugin.errors import AuthenticationFailed, InvalidOption
from instant_logs_plugin.settings import journal_root, open_client, parse_provider
from instant_logs_plugin.store.filesystem import Store

TOKEN = {"CLOUDFLARE_API_TOKEN": "s3cret-token"}
KEY = {"CLOUDFLARE_EMAIL": "me@example.com", "CLOUDFLARE_API_KEY": "s3cret-key"}
CIS = {
    "INSTANT_LOGS_PROVIDER": "cis",
    "IBMCLOUD_API_KEY": "s3cret-ibm",
    "CIS_CRN": "crn:v1:bluemix:public:internet-svcs:global:a/1:2::",
}


def sent_headers(auth: httpx.Auth) -> dict[str, str]:
    """Return the headers that these credentials add to a request."""
    request = httpx.Request("GET", "https://example.com/")
    plain = set(request.headers)
    next(auth.auth_flow(request))
    return {key: request.headers[key] for key in set(request.headers) - plain}


@pytest.mark.parametrize(
    ("environment", "zones_url"),
    [
        (TOKEN, "https://api.cloudflare.com/client/v4/zones"),
        (
            TOKEN | {"CLOUDFLARE_BASE_URL": ""},
            "https://api.cloudflare.com/client/v4/zones",
        ),
        (
            TOKEN | {"CLOUDFLARE_BASE_URL": "https://proxy.example.com/v4/"},
            "https://proxy.example.com/v4/zones",
        ),
        (
            TOKEN | {"CLOUDFLARE_BASE_URL": "http://127.0.0.1:8787/client/v4"},
            "http://127.0.0.1:8787/client/v4/zones",
        ),
        (TOKEN | {"INSTANT_LOGS_PROVIDER": "cloudflare"}, None),
        (TOKEN | {"INSTANT_LOGS_PROVIDER": ""}, None),
    ],
)
def test_cloudflare_is_the_default(
    environment: dict[str, str], zones_url: str | None
) -> None:
    """An empty variable is one that is not set."""
    zones_url = zones_url or "https://api.cloudflare.com/client/v4/zones"
    assert parse_provider(environment).zones_url == zones_url


def test_cis_is_chosen_by_its_name() -> None:
    """The instance's CRN and the version stand in the path."""
    crn = "crn%3Av1%3Abluemix%3Apublic%3Ainternet-svcs%3Aglobal%3Aa%2F1%3A2%3A%3A"
    provider = parse_provider(CIS)
    assert provider.zones_url == f"https://api.cis.cloud.ibm.com/v1/{crn}/zones"
    other = {"CIS_BASE_URL": "https://cis.example.com", "CIS_API_VERSION": "v2"}
    provider = parse_provider(CIS | other)
    assert provider.zones_url == f"https://cis.example.com/v2/{crn}/zones"


@pytest.mark.parametrize(
    ("environment", "headers"),
    [
        (TOKEN, {"authorization": "Bearer s3cret-token"}),
        (KEY, {"x-auth-email": "me@example.com", "x-auth-key": "s3cret-key"}),
        (KEY | TOKEN, {"authorization": "Bearer s3cret-token"}),
    ],
)
def test_credentials_are_sent(
    environment: dict[str, str], headers: dict[str, str]
) -> None:
    """A token, or an address with its key; the token wins."""
    assert sent_headers(parse_provider(environment).auth) == headers


@pytest.mark.parametrize("environment", [TOKEN, KEY, CIS])
def test_no_secret_is_shown(environment: dict[str, str]) -> None:
    """A repr may be logged."""
    assert "s3cret" not in repr(parse_provider(environment))


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ({}, ["CLOUDFLARE_API_TOKEN", "CLOUDFLARE_EMAIL", "CLOUDFLARE_API_KEY"]),
        ({"CLOUDFLARE_API_TOKEN": ""}, ["CLOUDFLARE_API_TOKEN"]),
        ({"CLOUDFLARE_EMAIL": "me@example.com"}, ["CLOUDFLARE_API_KEY"]),
        ({"CLOUDFLARE_API_KEY": "s3cret-key"}, ["CLOUDFLARE_EMAIL"]),
        ({"INSTANT_LOGS_PROVIDER": "cis"}, ["IBMCLOUD_API_KEY", "CIS_CRN"]),
        (CIS | {"IBMCLOUD_API_KEY": ""}, ["IBMCLOUD_API_KEY"]),
        (TOKEN | {"INSTANT_LOGS_PROVIDER": "cis"}, ["IBMCLOUD_API_KEY"]),
    ],
)
def test_missing_credentials_name_their_variables(
    environment: dict[str, str], names: list[str]
) -> None:
    """Who has none reads what to set, before anything is contacted."""
    with pytest.raises(AuthenticationFailed) as caught:
        open_client(environment)
    told = f"{caught.value} {caught.value.hint}"
    assert [name for name in names if name not in told] == []
    assert caught.value.exit_code == 3
    assert "s3cret" not in told


@pytest.mark.parametrize(
    ("environment", "option"),
    [
        ({"INSTANT_LOGS_PROVIDER": "akamai"}, "INSTANT_LOGS_PROVIDER"),
        ({"INSTANT_LOGS_PROVIDER": "CIS"}, "INSTANT_LOGS_PROVIDER"),
        (CIS | {"CIS_CRN": ""}, "CIS_CRN"),
        ({"CLOUDFLARE_API_TOKEN": "s3cret\n"}, "CLOUDFLARE_API_TOKEN"),
        ({"CLOUDFLARE_API_TOKEN": "s3cret x"}, "CLOUDFLARE_API_TOKEN"),
        ({"CLOUDFLARE_API_TOKEN": "s3cret€"}, "CLOUDFLARE_API_TOKEN"),
        (KEY | {"CLOUDFLARE_API_KEY": "s3cret\r"}, "CLOUDFLARE_API_KEY"),
        (KEY | {"CLOUDFLARE_EMAIL": "me @example.com"}, "CLOUDFLARE_EMAIL"),
        (TOKEN | {"CLOUDFLARE_BASE_URL": "http://example.com"}, "base_url"),
        (TOKEN | {"CLOUDFLARE_BASE_URL": "example.com"}, "base_url"),
        (CIS | {"CIS_BASE_URL": "http://example.com"}, "base_url"),
    ],
)
def test_wrong_settings_are_named(environment: dict[str, str], option: str) -> None:
    """The variable is named, and a secret in it is not shown."""
    with pytest.raises(InvalidOption) as caught:
        parse_provider(environment)
    assert caught.value.option == option
    assert "s3cret" not in f"{caught.value!r} {caught.value}"


def test_raw_lines_wait_beside_what_they_become(tmp_path: Path) -> None:
    """The journal is where it is asked to be, or a dot directory of the store."""
    store = Store(tmp_path)
    assert journal_root(store, None) == journal_root(store, "") == tmp_path / ".journal"
    assert journal_root(store, "/fast/disk") == Path("/fast/disk")
