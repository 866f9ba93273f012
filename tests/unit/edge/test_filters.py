"""The filter language both ways: what is read, what is refused, what is repaired."""

from __future__ import annotations

import json
import string
from contextlib import suppress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from instant_logs_plugin.edge.filter_tree import (
    Condition,
    Group,
    Item,
    Operator,
    make_filter,
)
from instant_logs_plugin.edge.filters import (
    MAX_BYTES,
    explain_filter,
    filter_matches,
    format_expression,
    format_filter,
    parse_filter,
)
from instant_logs_plugin.errors import (
    ConfigurationError,
    InvalidFilter,
    RetiredField,
    UnknownField,
)

EXAMPLE = (
    'EdgeResponseStatus >= 500 and ClientCountry not in ("ca", "us") '
    'and ClientRequestPath startswith "/static"'
)
LISTS = {Operator.IN, Operator.NOT_IN}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = TEXTS | st.integers(0, 2**64 - 1) | st.booleans() | st.floats(0, 1e12)
NAMES = st.text(string.ascii_letters, min_size=1, max_size=6).map("X".__add__)


def conditions() -> st.SearchStrategy[Item]:
    """Return conditions on fields that no catalogue knows: they take any value."""

    def of(operator: Operator) -> st.SearchStrategy[Item]:
        lists = st.lists(SCALARS, min_size=1, max_size=3).map(tuple)
        value = lists if operator in LISTS else SCALARS
        return st.builds(Condition, NAMES, st.just(operator), value)

    return st.sampled_from(list(Operator)).flatmap(of)


def groups(items: st.SearchStrategy[Item]) -> st.SearchStrategy[Item]:
    """Return groups of items."""
    many = st.lists(items, min_size=2, max_size=3).map(tuple)
    return st.builds(Group, st.sampled_from(["and", "or"]), many)


FILTERS = st.recursive(conditions(), groups, max_leaves=6).map(make_filter)


def condition(key: str, operator: str, value: object) -> str:
    """Return the service's JSON of one condition."""
    return json.dumps({"where": {"key": key, "operator": operator, "value": value}})


def only(text: str) -> Condition:
    """Return the one condition that a text means."""
    filter_ = parse_filter(text)
    assert filter_ is not None
    (item,) = filter_.items
    assert isinstance(item, Condition)
    return item


@given(FILTERS)
def test_formats_are_inverse_to_parsers(filter_) -> None:
    """Whatever is written, JSON or expression, reads as the same filter."""
    assume(len(format_filter(filter_).encode()) <= MAX_BYTES)
    for text in (format_filter(filter_), format_expression(filter_)):
        assert parse_filter(text, allow_unknown=True) == filter_


@given(st.text() | st.text(string.printable + "\"'()[]{}\\", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text ends in another error than ours."""
    for allow_unknown in (False, True):
        with suppress(ConfigurationError):
            format_filter(parse_filter(text, allow_unknown=allow_unknown)).encode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            EXAMPLE,
            {
                "and": [
                    {"key": "EdgeResponseStatus", "operator": "geq", "value": 500},
                    {"key": "ClientCountry", "operator": "!in", "value": ["ca", "us"]},
                    {
                        "key": "ClientRequestPath",
                        "operator": "startsWith",
                        "value": "/static",
                    },
                ]
            },
        ),
        (
            "BotScore < 30 or BotScore > 90 and EdgeResponseStatus = 200",
            {
                "or": [
                    {"key": "BotScore", "operator": "lt", "value": 30},
                    {
                        "and": [
                            {"key": "BotScore", "operator": "gt", "value": 90},
                            {
                                "key": "EdgeResponseStatus",
                                "operator": "eq",
                                "value": 200,
                            },
                        ]
                    },
                ]
            },
        ),
        (
            "not (BotScore < 30 or EdgeResponseStatus in (200, 304))",
            {
                "and": [
                    {"key": "BotScore", "operator": "geq", "value": 30},
                    {
                        "key": "EdgeResponseStatus",
                        "operator": "!in",
                        "value": [200, 304],
                    },
                ]
            },
        ),
    ],
)
def test_expressions(text: str, expected: object) -> None:
    """``and`` binds closer than ``or``; ``not`` is rewritten by De Morgan's laws."""
    assert json.loads(format_filter(parse_filter(text))) == {"where": expected}


def test_not_binds_closest() -> None:
    """It negates the condition behind it, and no more."""
    text = 'not ClientIP == "a" and ClientRequestHost == "b"'
    assert format_expression(parse_filter(text)) == (
        'ClientIP != "a" and ClientRequestHost == "b"'
    )


@pytest.mark.parametrize(
    ("quoted", "value"),
    [
        (r'"a\"b"', 'a"b'),
        (r"'a\"b'", 'a"b'),
        ("""'a"b'""", 'a"b'),
        (r"'a\'b'", "a'b"),
        ('''"a'b"''', "a'b"),
        (r"'a\\'", "a\\"),
        (r"'a\\\"b'", 'a\\"b'),
        (r'"\u00e9 é"', "é é"),
        ('""', ""),
    ],
)
def test_quotes_and_escapes(quoted: str, value: str) -> None:
    """JSON's escapes hold in both kinds of quotes; the other kind needs none."""
    assert only(f"ClientRequestPath == {quoted}").value == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (condition("EdgeResponseStatus", "in", "200,201"), (200, 201)),
        (condition("EdgeResponseStatus", "In", ["200", 201]), (200, 201)),
        ('ClientCountry in ("CA", "us")', ("ca", "us")),
    ],
)
def test_what_is_meant_is_normalised_and_told(text: str, value: object) -> None:
    """IBM's comma lists and ``In``, digits in a list of numbers, case of countries."""
    explained = explain_filter(text)
    assert only(text).value == value
    assert explained.notes


def test_ibms_open_bracket_is_closed() -> None:
    """The example of the documentation is told to be cut, and shown repaired."""
    text = condition("ClientIP", "eq", "192.0.2.1")[:-1]
    with pytest.raises(InvalidFilter) as caught:
        parse_filter(text)
    assert "'}'" in caught.value.reason
    assert parse_filter(str(caught.value.repaired)) == parse_filter(text + "}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('EdgeResponseStatus == "500"', "'500' is no int"),
        ("EdgeResponseStatus == -1", "-1 is no int from 0"),
        ("EdgeResponseStatus == true", "true is no int"),
        ("EdgeResponseStatus == 18446744073709551616", "is no int"),
        ("EdgeResponseStatus == 007", "begins with 0"),
        (f"EdgeResponseStatus == {'9' * 5000}", "5000 characters"),
        (
            '{"where":{"key":"BotScore","operator":"lt","value":' + "9" * 5000 + "}}",
            "5000 characters",
        ),
        (condition("BotScore", "in", "9" * 5000), "is no int"),
        ("EdgeResponseCompressionRatio > 1e999", "too large"),
        ("EdgeResponseStatus == ٣", "no part of a filter"),
        ('EdgeResponseStatus contains "5"', "not 'contains'"),
        ('Cookies == "a"', "cannot be filtered"),
        (r'ClientIP == "\ud800"', "is no string"),
        (condition("ClientIP", "eq", "\ud800"), "is no string"),
        ('ClientRequestPath == "a\nb"', "a control character"),
        (r'ClientRequestPath == "\d"', "an unknown escape"),
        ('ClientIP == "', "no part of a filter"),
        ("ClientIP ==", "a value"),
        ("ClientIP in ()", "a value"),
        ("(" * 2000, "nested deeper"),
        ("not " * 2000, "nested deeper"),
        ('{"where":' * 3000, "…"),
        ("sampleInterval > 1", "cannot be filtered"),
        (condition("ClientIP", "eq", None), "neither text"),
        (condition("ClientIP", "like", "x"), "operator 'like'"),
        ('{"where":{"and":[]}}', "at least one"),
        ('{"where":{"key":"a","key":"b"}}', "comes twice"),
        ("BotScore == 1 or " * 30 + "BotScore == 1", "31 operators"),
        (f'ClientRequestPath == "{"x" * 1000}"', "bytes as JSON"),
    ],
)
def test_what_the_service_would_refuse(text: str, words: str) -> None:
    """Each is one line that says what is wrong."""
    with pytest.raises(InvalidFilter) as caught:
        parse_filter(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "text",
    [
        'all == "x"',
        'default == "x"',
        condition("ClientIP,RayID", "eq", "x"),
        condition(" ClientIP", "eq", "x"),
        condition("", "eq", "x"),
        "Nonsense == 1",
    ],
)
def test_a_key_is_one_known_field(text: str) -> None:
    """The name of a preset, a list of fields and blanks are none."""
    with pytest.raises(UnknownField):
        parse_filter(text)


def test_unknown_keys_are_let_through_on_demand() -> None:
    """If they can be a field's name; retired ones are not."""
    assert parse_filter("BrandNew == 1", allow_unknown=True) is not None
    with pytest.raises(InvalidFilter):
        parse_filter(condition("Brand New", "eq", 1), allow_unknown=True)
    with pytest.raises(RetiredField):
        parse_filter('FirewallMatchesActions contains "x"', allow_unknown=True)


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_blank_is_no_filter(text: str) -> None:
    """It lets everything through, and is sent as an empty text."""
    assert parse_filter(text) is None
    assert format_filter(None) == format_expression(None) == ""


@pytest.mark.parametrize(
    ("text", "is_let_through"),
    [
        ("EdgeResponseStatus == 200", True),
        ("EdgeResponseStatus != 200", False),
        ("EdgeResponseStatus in (200, 304)", True),
        ('ClientCountry == "ca"', False),
        ('ClientCountry != "ca"', True),
        ('ClientRequestPath startswith "/a" and BotScore < 1', False),
        ('ClientRequestPath startswith "/a" or BotScore < 1', True),
        ('SecurityActions contains "block"', True),
        ('SecurityActions not contains "block"', False),
    ],
)
def test_evaluation(text: str, *, is_let_through: bool) -> None:
    """A value that is not there equals nothing."""
    record = {
        "EdgeResponseStatus": 200,
        "ClientRequestPath": "/a/b",
        "SecurityActions": ["log", "block"],
    }
    assert filter_matches(parse_filter(text), record) is is_let_through
