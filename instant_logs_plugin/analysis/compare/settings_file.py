"""Settings of a comparison from a TOML file.

::

    confidence = 0.99              # keys of CompareSettings

    [metrics.edge_4xx_rate]        # a metric of the defaults: what differs
    enabled = false

    [metrics.slow_checkouts]       # a metric of one's own: a query of one number
    sql = "slow_checkouts.sql"     # beside the TOML file, or an absolute path
    min_effect = 0.01
    critical = true

Every mistake is one line that names the key, the value and what is allowed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from instant_logs_plugin.analysis.compare.metrics import (
    DEFAULT_METRICS,
    Direction,
    Kind,
    Metric,
)
from instant_logs_plugin.analysis.compare.settings import CompareSettings
from instant_logs_plugin.analysis.query_files import parse_query_file
from instant_logs_plugin.errors import InvalidOption

__all__ = ["parse_settings", "read_settings"]

_LIMITS = {
    "confidence": float,
    "min_records": int,
    "min_coverage": float,
    "max_mix_shift": float,
}
_RULES = {
    "enabled": bool,
    "direction": str,
    "min_effect": float,
    "min_relative_effect": float,
    "critical": bool,
    "must_have_data": bool,
    "min_records": int,
}
_OWN_RULES = _RULES | {"sql": str, "unit": str, "question": str}
_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text in quotes",
}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")


def read_settings(path: Path) -> CompareSettings:
    """Return the settings of a file; see the module.

    Raises:
        InvalidOption: It cannot be read, or says something that is not allowed.
        InvalidQuery: The header of a query that it names is wrong.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        reason = " ".join(str(exc).split())
        raise InvalidOption("--metrics", str(path), f"readable TOML: {reason}") from exc
    return parse_settings(document, directory=path.parent)


def parse_settings(
    document: Mapping[str, Any], *, directory: Path = Path()
) -> CompareSettings:
    """Return the settings that a TOML document means.

    Args:
        document: As ``tomllib`` gives it.
        directory: What relative names of query files start from.

    Raises:
        InvalidOption: It says something that is not allowed.
        InvalidQuery: The header of a query that it names is wrong.
    """
    _check_keys("", document, {**_LIMITS, "metrics": dict})
    limits = {
        key: _typed(key, document[key], kind)
        for key, kind in _LIMITS.items()
        if key in document
    }
    tables = document.get("metrics", {})
    if not isinstance(tables, Mapping):
        raise InvalidOption("metrics", tables, "tables like [metrics.ttfb_p95]")
    return CompareSettings(metrics=_metrics(tables, directory), **limits)


def _metrics(tables: Mapping[str, Any], directory: Path) -> tuple[Metric, ...]:
    known = {metric.name: metric for metric in DEFAULT_METRICS}
    metrics = dict(known)
    for name, table in tables.items():
        if not isinstance(table, Mapping):
            raise InvalidOption(f"metrics.{name}", table, f"a table [metrics.{name}]")
        if name not in known and "sql" not in table:
            raise InvalidOption("metrics", name, _known_metrics(name))
        metric = known.get(name) or _own_metric(name, table, directory)
        rules = _RULES if name in known else _OWN_RULES
        metrics[name] = _changed(metric, table, rules)
    return tuple(
        metric
        for name, metric in metrics.items()
        if tables.get(name, {}).get("enabled", True)
    )


def _known_metrics(name: str) -> str:
    known = [metric.name for metric in DEFAULT_METRICS]
    close = get_close_matches(name, known, n=1)
    listed = f"{close[0]!r}" if close else f"one of {', '.join(known)}"
    return f"{listed}, or a metric of your own with a key sql"


def _own_metric(name: str, table: Mapping[str, Any], directory: Path) -> Metric:
    if _NAME.fullmatch(name) is None:
        raise InvalidOption("metrics", name, "a name like slow_checkouts")
    path = directory / _typed(f"metrics.{name}.sql", table["sql"], str)
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        allowed = f"a readable file: {exc}"
        raise InvalidOption(f"metrics.{name}.sql", table["sql"], allowed) from exc
    query = parse_query_file(text, name=path.stem)
    return Metric(
        name=name,
        question=query.question or name,
        kind=Kind.QUERY,
        needs=query.fields_needed({}),
        query=query,
    )


def _changed(
    metric: Metric, table: Mapping[str, Any], rules: Mapping[str, type]
) -> Metric:
    where = f"metrics.{metric.name}"
    _check_keys(f"{where}.", table, rules)
    values = {
        key: _typed(f"{where}.{key}", table[key], kind)
        for key, kind in rules.items()
        if key in table
    }
    if "direction" in values:
        values["direction"] = _direction(f"{where}.direction", values["direction"])
    for key in ("enabled", "sql"):
        values.pop(key, None)
    return replace(metric, **values)


def _direction(key: str, value: str) -> Direction:
    try:
        return Direction(value)
    except ValueError:
        allowed = " or ".join(one.value for one in Direction)
        raise InvalidOption(key, value, allowed) from None


def _check_keys(
    prefix: str, table: Mapping[str, Any], known: Mapping[str, type]
) -> None:
    for key in table:
        if key not in known:
            where = f"a key of {prefix[:-1]}" if prefix else "a key"
            raise InvalidOption(where, key, f"one of {', '.join(known)}")


def _typed(key: str, value: Any, kind: type) -> Any:
    """Return a value of the type that a key has; TOML's 1 is a number too."""
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise InvalidOption(key, value, _KINDS[kind])
    return value
