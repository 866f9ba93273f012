"""What a flow names, found: credentials, store, artifact keys, the flows themselves.

Flow parameters carry names of blocks, never secrets: a secret in a parameter is
stored readable, or as asterisks that a deployed run would receive.
"""

from __future__ import annotations

import os
import re
from typing import Any, Protocol

from prefect.blocks.core import Block
from prefect.flows import Flow, load_flow_from_entrypoint

from instant_logs_plugin.edge.client import SessionClient
from instant_logs_plugin.errors import InvalidOption
from instant_logs_plugin.prefect.blocks import (
    CaptureStore,
    CISCredentials,
    CloudflareCredentials,
)
from instant_logs_plugin.resources import bundled_path
from instant_logs_plugin.settings import parse_provider

__all__ = [
    "Credentials",
    "EnvironmentCredentials",
    "artifact_key",
    "load_credentials",
    "load_flow",
    "load_store",
]


class Credentials(Protocol):
    """Whatever gives a session client: a block, or the environment."""

    def get_client(self) -> SessionClient:
        """Return a session client; no call is made yet."""
        ...


class EnvironmentCredentials:
    """The credentials in the environment of the worker (``CLOUDFLARE_API_TOKEN``, …).

    Raises:
        AuthenticationFailed: The environment names none.
        InvalidOption: A setting is wrong.
    """

    def __init__(self) -> None:
        self._provider = parse_provider(os.environ)

    def get_client(self) -> SessionClient:
        """Return a session client; no call is made yet."""
        return SessionClient(self._provider)


async def load_credentials(name: str | None) -> Credentials:
    """Return a saved credentials block.

    Args:
        name: ``<block type>/<name>``; None takes the environment.

    Raises:
        AuthenticationFailed: The environment names no credentials.
        InvalidOption: The block does not exist, or holds no credentials of ours.
    """
    if name is None:
        return EnvironmentCredentials()
    block = await _load(name)
    if not isinstance(block, (CloudflareCredentials, CISCredentials)):
        allowed = "a block of type cloudflare-credentials or cis-credentials"
        raise InvalidOption("credentials", name, allowed)
    return block


async def load_store(store: str | None) -> CaptureStore:
    """Return a saved store block; None is the worker's ``INSTANT_LOGS_STORE``.

    Raises:
        InvalidOption: There is no such block.
    """
    if store is None:
        return CaptureStore(
            uri=os.environ.get("INSTANT_LOGS_STORE") or "./captures",
            journal=os.environ.get("INSTANT_LOGS_JOURNAL") or None,
        )
    slug = CaptureStore.get_block_type_slug()
    block = await _load(f"{slug}/{store.removeprefix(f'{slug}/')}")
    if not isinstance(block, CaptureStore):
        raise InvalidOption("store", store, f"a block of type {slug}")
    return block


def load_flow(name: str) -> Flow[Any, Any]:
    """Return the flow ``<module>:<function>`` of ``flows/``, wherever that lies."""
    module, _, function = name.partition(":")
    path = bundled_path("flows") / f"{module}.py"
    return load_flow_from_entrypoint(f"{path}:{function}", use_placeholder_flow=False)


def artifact_key(kind: str, zone_id: str) -> str:
    """Return a key as Prefect allows: lower-case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", f"{kind}-{zone_id}".lower()).strip("-")


async def _load(name: str) -> Block:
    try:
        return await Block.aload(name)
    except ValueError:
        raise InvalidOption("block", name, "the name of a saved block") from None
