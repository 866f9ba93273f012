"""What ``deploy/`` ships, parsed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

__all__ = ["DEPLOY", "ROOT", "compose_environment", "read_env_file", "read_yaml"]

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def read_yaml(name: str) -> Any:
    """Return a document of ``deploy/``, anchors resolved."""
    return yaml.safe_load((DEPLOY / name).read_text())


def read_env_file(name: str) -> dict[str, str]:
    """Return the assignments of an environment file."""
    lines = (DEPLOY / name).read_text().splitlines()
    pairs = (line.partition("=") for line in lines if re.match(r"\w+=", line))
    return {key: value for key, _, value in pairs}


def compose_environment(service: str) -> dict[str, str]:
    """Return the environment that compose gives a service."""
    environment: dict[str, str] = read_yaml("compose.yaml")["services"][service][
        "environment"
    ]
    return environment
