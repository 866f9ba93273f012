"""Query files: one SQL statement under a header of comments that says what it is.

Pure: text in, values out. A header stands on top of the file::

    -- name: top_paths
    -- question: Which paths are asked for the most?
    -- params:
    --   limit integer 1..1000 = 20: rows to return
    --   since timestamp = null (EdgeStartTimestamp): first instant, inclusive
    -- grain: one row per path
    -- columns:
    --   path varchar: path without its query string
    -- needs: ClientRequestPath|ClientRequestURI
    -- caveats: none

Parameter types: ``integer`` and ``number`` (each with an optional range ``low..high``),
``boolean``, ``text``, ``timestamp``. The field in parentheses is needed only when the
parameter is given. ``A|B`` needs one of the two. A check has a ``level`` too, ``fail``
or ``warn``: its rows are problems. A file without a header is a
statement and nothing else: its parameters are bound as they are given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from instant_logs_plugin.errors import InvalidOption, InvalidQuery

__all__ = ["Column", "Param", "QueryFile", "macro_sql", "parse_query_file"]

_SECTIONS = ("name", "question", "params", "grain", "columns", "needs", "caveats")
_OPTIONAL = ("level",)
_SECTION = re.compile(r"--\s?(?P<key>[a-z]+):\s*(?P<rest>.*)")
_PARAM = re.compile(
    r"(?P<name>[a-z_]\w*)\s+(?P<type>integer|number|boolean|text|timestamp)"
    r"(?:\s+(?P<low>-?\d+(?:\.\d+)?)\.\.(?P<high>-?\d+(?:\.\d+)?))?"
    r"\s*=\s*(?P<default>[^:(]+?)\s*(?:\((?P<needs>[\w|]+)\))?:\s*(?P<about>.+)"
)
_COLUMN = re.compile(r"(?P<name>\w+)\s+(?P<type>[\w\[\]]+):\s*(?P<about>.+)")
_TRUTH = {"true": True, "false": False, "1": True, "0": False}


@dataclass(frozen=True, kw_only=True)
class Param:
    """A named parameter.

    Attributes:
        default: The value when none is given; None is SQL's null.
        low: Smallest number allowed, or None.
        high: Largest number allowed, or None.
        needs: Field needed when a value is given (``A|B``: one of them), or "".
    """

    name: str
    type: str
    default: object
    about: str
    low: float | None = None
    high: float | None = None
    needs: str = ""

    def parse(self, value: object) -> object:
        """Return ``value`` (or the value its text names) as the parameter's type.

        Timestamps come back as ISO 8601 in UTC; without an offset they are UTC.

        Raises:
            InvalidOption: It is not of the type, or outside the range.
        """
        if value is None:
            return None
        try:
            parsed = _PARSERS[self.type](value)
        except (ValueError, TypeError, KeyError, OverflowError) as exc:
            raise InvalidOption(self.name, value, self.allowed) from exc
        if isinstance(parsed, int | float) and not self._in_range(parsed):
            raise InvalidOption(self.name, value, self.allowed)
        return parsed

    @property
    def allowed(self) -> str:
        """What the parameter accepts, in words."""
        if self.low is None:
            return _ALLOWED[self.type]
        return f"{_ALLOWED[self.type]} from {self.low} to {self.high}"

    def _in_range(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (
            self.high is None or value <= self.high
        )


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of the answer: its DuckDB type in lower case and its meaning."""

    name: str
    type: str
    about: str


@dataclass(frozen=True, kw_only=True)
class QueryFile:
    """A parsed file; ``sql`` is the statement without header and semicolon.

    ``level`` is ``fail`` or ``warn`` for a check, whose rows are problems, else "".
    """

    name: str
    sql: str
    question: str = ""
    grain: str = ""
    caveats: str = ""
    params: tuple[Param, ...] = ()
    columns: tuple[Column, ...] = ()
    needs: tuple[str, ...] = ()
    level: str = ""
    has_header: bool = True

    @property
    def no_answer(self) -> str:
        """What an answer without rows means; of a check it is the good one."""
        if self.level:
            return "no problems found"
        return "nothing of this kind was recorded"

    def bind(self, given: Mapping[str, object]) -> dict[str, object]:
        """Return every parameter's value: as given and checked, or its default.

        Raises:
            InvalidOption: A value is not of its parameter's type or range.
            InvalidQuery: A parameter that the query does not have.
        """
        if not self.has_header:
            return dict(given)
        known = {param.name: param for param in self.params}
        if unknown := sorted(set(given) - set(known)):
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise InvalidQuery(f"{self.name} has no parameter {unknown[0]!r}: {has}")
        bound = {
            name: param.parse(given[name]) if name in given else param.default
            for name, param in known.items()
        }
        _check_range(
            {
                name: value
                for name, value in bound.items()
                if known[name].type == "timestamp"
            }
        )
        return bound

    def fields_needed(self, given: Mapping[str, object]) -> tuple[str, ...]:
        """Return the fields needed with these parameters; ``A|B``: one of them."""
        conditional = [
            param.needs
            for param in self.params
            if param.needs and given.get(param.name) is not None
        ]
        return tuple(dict.fromkeys((*self.needs, *conditional)))


def _check_range(bound: Mapping[str, object]) -> None:
    """Refuse a range of time that holds nothing."""
    since, until = (_instant(bound.get(name)) for name in ("since", "until"))
    if since and until and since >= until:
        allowed = f"behind since, {since.isoformat()}"
        raise InvalidOption("until", until.isoformat(), allowed)


def _instant(value: object) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None


def parse_query_file(text: str, *, name: str) -> QueryFile:
    """Return the query in ``text``; ``name`` is the file's name without suffix.

    Raises:
        InvalidQuery: The header names another file, lacks or repeats a part, or
            holds a line of unknown form; or there is no statement.
    """
    lines = text.lstrip("\ufeff").strip().splitlines()
    header, body = _split(lines)
    if not body:
        raise InvalidQuery(f"{name}: no statement under the header")
    if not header or not header[0].startswith("-- name:"):
        return QueryFile(name=name, sql=_statement(lines), has_header=False)
    parts = _parts(header, name)
    if parts["name"] != [name]:
        raise InvalidQuery(f"{name}: its header says name: {' '.join(parts['name'])}")
    return QueryFile(
        name=name,
        sql=_statement(body),
        level=_level(parts.get("level", []), name),
        question=" ".join(parts["question"]),
        grain=" ".join(parts["grain"]),
        caveats=" ".join(parts["caveats"]),
        params=tuple(_param(line, name) for line in parts["params"]),
        columns=tuple(_column(line, name) for line in parts["columns"]),
        needs=tuple(_needed(parts["needs"])),
    )


def macro_sql(query: QueryFile) -> str:
    """Return a table macro that asks the query by its name, for any DuckDB shell.

    ``$param`` becomes the macro's parameter ``param`` with the same default.
    """
    params = ", ".join(f'"{p.name}" := {_literal(p.default)}' for p in query.params)
    body = query.sql
    for param in query.params:
        body = re.sub(rf"\${param.name}\b", f'"{param.name}"', body)
    return f"create or replace macro {query.name}({params}) as table\n{body}"


def _split(lines: list[str]) -> tuple[list[str], list[str]]:
    for index, line in enumerate(lines):
        if not line.startswith("--"):
            return lines[:index], lines[index:]
    return lines, []


def _statement(lines: list[str]) -> str:
    return "\n".join(lines).strip().rstrip(";").rstrip()


def _parts(header: list[str], name: str) -> dict[str, list[str]]:
    parts: dict[str, list[str]] = {}
    current = ""
    for line in header:
        match = _SECTION.fullmatch(line)
        if match and not line.startswith("--  "):
            current = match["key"]
            if current not in (*_SECTIONS, *_OPTIONAL) or current in parts:
                raise InvalidQuery(f"{name}: unknown or repeated header: {line}")
            parts[current] = [match["rest"]] if match["rest"] else []
        elif text := line.removeprefix("--").strip():
            parts[current].append(text)
    if missing := [key for key in _SECTIONS if key not in parts]:
        raise InvalidQuery(f"{name}: header lacks {', '.join(missing)}")
    return {key: [t for t in part if t != "none"] for key, part in parts.items()}


def _level(lines: list[str], name: str) -> str:
    level = " ".join(lines)
    if level not in {"", "fail", "warn"}:
        raise InvalidQuery(f"{name}: level is {level!r}, not fail or warn")
    return level


def _param(line: str, name: str) -> Param:
    match = _PARAM.fullmatch(line)
    if match is None:
        raise InvalidQuery(f"{name}: not a parameter: {line}")
    low, high = match["low"], match["high"]
    param = Param(
        name=match["name"],
        type=match["type"],
        default=None,
        about=match["about"],
        low=None if low is None else _limit(low),
        high=None if high is None else _limit(high),
        needs=match["needs"] or "",
    )
    if match["default"] == "null":
        return param
    return Param(**{**vars(param), "default": param.parse(match["default"])})


def _limit(text: str) -> float:
    return float(text) if "." in text else int(text)


def _column(line: str, name: str) -> Column:
    match = _COLUMN.fullmatch(line)
    if match is None:
        raise InvalidQuery(f"{name}: not a column: {line}")
    return Column(name=match["name"], type=match["type"], about=match["about"])


def _needed(lines: list[str]) -> list[str]:
    return [field.strip() for field in ",".join(lines).split(",") if field.strip()]


def _literal(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value).lower()


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(value)
    return int(value)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(value)
    return float(value)


def _boolean(value: object) -> bool:
    return value if isinstance(value, bool) else _TRUTH[str(value).strip().lower()]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _timestamp(value: object) -> str:
    moment = (
        value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    )
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).isoformat()


_PARSERS = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "text": _text,
    "timestamp": _timestamp,
}
_ALLOWED = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "text": "text",
    "timestamp": "an ISO 8601 time (UTC when it has no offset)",
}
