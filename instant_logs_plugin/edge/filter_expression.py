"""The short form of a filter, for people: ``EdgeResponseStatus >= 500 and …``.

Pure. ``and`` binds closer than ``or``; parentheses group; ``not (…)`` is rewritten by
De Morgan's laws, as the service has no ``not``. Text stands in single or double quotes
with JSON's escapes; a list stands in parentheses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from instant_logs_plugin.edge.filter_tree import (
    NEGATIONS,
    Condition,
    Filter,
    Group,
    Item,
    Operator,
    Scalar,
    Value,
    make_filter,
    negate,
    parse_number,
)
from instant_logs_plugin.errors import InvalidFilter

__all__ = ["format_expression", "parse_expression"]

_MAX_DEPTH = 10
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![\w.])
    | (?P<word>!?[A-Za-z_]\w*)
    | (?P<sign>==|!=|<=|>=|<>|[=<>(),\[\]])
    )""",
    re.VERBOSE,
)
_SINGLE_QUOTED = re.compile(r"\\.|\"", re.DOTALL)
_OPERATORS = {
    "=": Operator.EQ,
    "==": Operator.EQ,
    "is": Operator.EQ,
    "!=": Operator.NOT_EQ,
    "<>": Operator.NOT_EQ,
    "ne": Operator.NOT_EQ,
    "neq": Operator.NOT_EQ,
    "<": Operator.LT,
    "<=": Operator.LEQ,
    "le": Operator.LEQ,
    ">": Operator.GT,
    ">=": Operator.GEQ,
    "ge": Operator.GEQ,
    **{operator.value.lower(): operator for operator in Operator},
}
_SIGNS = {
    Operator.EQ: "==",
    Operator.NOT_EQ: "!=",
    Operator.LT: "<",
    Operator.LEQ: "<=",
    Operator.GT: ">",
    Operator.GEQ: ">=",
    Operator.IN: "in",
    Operator.NOT_IN: "not in",
    Operator.CONTAINS: "contains",
    Operator.NOT_CONTAINS: "not contains",
    Operator.STARTS_WITH: "startswith",
    Operator.NOT_STARTS_WITH: "not startswith",
    Operator.ENDS_WITH: "endswith",
    Operator.NOT_ENDS_WITH: "not endswith",
}
_LISTS = {Operator.IN, Operator.NOT_IN}


def format_expression(filter_: Filter) -> str:
    """Return the short form; `parse_expression` gives the same filter back."""
    return _format_items(filter_)


def parse_expression(text: str) -> Filter:
    """Return the filter in a short expression.

    Raises:
        InvalidFilter: The text is none; ``where`` names the column.
    """
    return make_filter(_Parser(_tokens(text)).parse())


def _format_items(group: Group) -> str:
    return f" {group.kind} ".join(_format_item(item) for item in group.items)


def _format_item(item: Item) -> str:
    if isinstance(item, Group):
        return f"({_format_items(item)})"
    return f"{item.key} {_SIGNS[item.operator]} {_format_value(item.value)}"


def _format_value(value: Value) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(_format_value(one) for one in value)})"
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    column: int

    @property
    def where(self) -> str:
        return f"column {self.column}"

    @property
    def lower(self) -> str:
        return self.text.lower() if self.kind in {"word", "sign"} else ""


def _tokens(text: str) -> list[_Token]:
    found, position = [], 0
    end = len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            at = position + len(text[position:]) - len(text[position:].lstrip())
            reason = f"{text[at : at + 10]!r} is no part of a filter"
            raise InvalidFilter(reason, f"column {at + 1}")
        kind = str(match.lastgroup)
        found.append(_Token(kind, match[kind], match.start(kind) + 1))
        position = match.end()
    return [*found, _Token("end", "the end", end + 1)]


class _Parser:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0

    def parse(self) -> Item:
        item = self._parse_or()
        if self._peek.kind != "end":
            raise self._unexpected("'and', 'or' or the end")
        return item

    @property
    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._peek
        self._next += token.kind != "end"
        return token

    def _accept(self, *words: str) -> bool:
        if self._peek.lower in words:
            self._take()
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._accept(sign):
            raise self._unexpected(repr(sign))

    def _unexpected(self, expected: str) -> InvalidFilter:
        reason = f"{expected} is expected, not {self._peek.text[:40]!r}"
        return InvalidFilter(reason, self._peek.where)

    def _parse_or(self) -> Item:
        return self._parse_chain("or", self._parse_and)

    def _parse_and(self) -> Item:
        return self._parse_chain("and", self._parse_unary)

    def _parse_chain(self, kind: str, parse: Callable[[], Item]) -> Item:
        items = [parse()]
        while self._accept(kind):
            items.append(parse())
        return items[0] if len(items) == 1 else Group(kind, tuple(items))

    def _parse_unary(self) -> Item:
        if self._accept("not"):
            return negate(self._nested(self._parse_unary))
        if self._accept("("):
            item = self._nested(self._parse_or)
            self._expect(")")
            return item
        return self._parse_condition()

    def _nested(self, parse: Callable[[], Item]) -> Item:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            reason = f"nested deeper than {_MAX_DEPTH} groups"
            raise InvalidFilter(reason, self._peek.where)
        item = parse()
        self._depth -= 1
        return item

    def _parse_condition(self) -> Condition:
        if self._peek.kind != "word":
            raise self._unexpected("a field")
        key = self._take()
        operator = self._parse_operator()
        value = self._parse_list() if operator in _LISTS else self._parse_scalar()
        return Condition(key.text, operator, value, key.where)

    def _parse_operator(self) -> Operator:
        is_negated = self._accept("not")
        operator = _OPERATORS.get(self._peek.lower)
        if operator is None:
            raise self._unexpected("an operator (==, !=, <, in, contains, …)")
        self._take()
        return NEGATIONS[operator] if is_negated else operator

    def _parse_list(self) -> tuple[Scalar, ...]:
        closer = "]" if self._accept("[") else ")"
        if closer == ")":
            self._expect("(")
        values = [self._parse_scalar()]
        while self._accept(","):
            values.append(self._parse_scalar())
        self._expect(closer)
        return tuple(values)

    def _parse_scalar(self) -> Scalar:
        token = self._peek
        if token.kind == "text":
            return _parse_text(self._take())
        if token.kind == "number":
            return _parse_number(self._take())
        if token.lower in {"true", "false"}:
            return self._take().lower == "true"
        raise self._unexpected("a value (text in quotes, a number, true or false)")


def _parse_number(token: _Token) -> int | float:
    if re.match("-?0[0-9]", token.text):
        raise InvalidFilter(
            f"{token.text[:40]} begins with 0: text needs quotes", token.where
        )
    try:
        return parse_number(token.text)
    except InvalidFilter as exc:
        raise InvalidFilter(exc.reason, token.where) from exc


def _parse_text(token: _Token) -> str:
    body = token.text[1:-1]
    if token.text.startswith("'"):
        body = _SINGLE_QUOTED.sub(_in_double_quotes, body)
    try:
        text: str = json.loads(f'"{body}"')
    except json.JSONDecodeError as exc:
        # JSON's text takes neither; its own words are of a string it was not given.
        flaw = "an unknown escape" if body.isprintable() else "a control character"
        mend = "write \\\\ for \\, \\n for a line break, \\t for a tab"
        reason = f"{token.text[:40]!r} has {flaw} ({mend})"
        raise InvalidFilter(reason, token.where) from exc
    return text


def _in_double_quotes(match: re.Match[str]) -> str:
    """Return what stands for an escape or a quote when the quotes are double ones."""
    return {"\\'": "'", '"': '\\"'}.get(match[0], match[0])
