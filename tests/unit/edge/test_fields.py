"""The fields that can be asked for: names, presets, and what is wrong with others."""

from __future__ import annotations

import pytest

from instant_logs_plugin.edge.fields import (
    PRESETS,
    TAKEN_NAMES,
    FieldType,
    catalogue,
    check_field,
    find_field,
    parse_fields,
)
from instant_logs_plugin.errors import InvalidOption, RetiredField, UnknownField


@pytest.mark.parametrize("name", ["minimal", "default", "performance", "all"])
def test_presets_hold_known_fields(name: str) -> None:
    """Every name of a preset is one that the service still sends."""
    assert parse_fields(name) == PRESETS[name]
    assert all(not catalogue()[field].deprecated for field in PRESETS[name])


def test_names_and_presets_mix_without_repeats() -> None:
    """The first mention gives the place; blanks and empty parts do not count."""
    names = parse_fields(" RayID, minimal,,BotScore ")
    assert names[0] == "RayID"
    assert names[-1] == "BotScore"
    assert len(set(names)) == len(names) == len(PRESETS["minimal"]) + 1


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("clientip", "ClientIP"),
        ("EdgeResponseStaus", "EdgeResponseStatus"),
        ("secutiry", "security"),
    ],
)
def test_an_unknown_name_gets_close_ones(name: str, close: str) -> None:
    """Whatever its case; presets are among what was probably meant."""
    with pytest.raises(UnknownField) as caught:
        parse_fields(name)
    assert close in caught.value.close
    assert close in caught.value.hint


def test_a_retired_name_gets_its_replacement() -> None:
    """The service would take it, and never send it."""
    with pytest.raises(RetiredField):
        parse_fields("RayID,FirewallMatchesActions", allow_unknown=True)


@pytest.mark.parametrize("text", ["", " , ", "RayID,sampleInterval"])
def test_what_cannot_be_asked_for(text: str) -> None:
    """No name at all, and the key that every record has anyway."""
    with pytest.raises(InvalidOption):
        parse_fields(text)


@pytest.mark.parametrize("name", sorted(TAKEN_NAMES))
def test_columns_of_every_capture_cannot_be_asked_for(name: str) -> None:
    """Whatever their case; their values would have no place."""
    for spelling in (name, name.upper()):
        with pytest.raises(InvalidOption):
            parse_fields(f"RayID,{spelling}", allow_unknown=True)


@pytest.mark.parametrize("text", ["clientip", "ClientIP,clientip", "New,NEW"])
def test_names_that_differ_by_case_are_one(text: str) -> None:
    """SQL cannot tell their columns apart."""
    with pytest.raises(InvalidOption):
        parse_fields(text, allow_unknown=True)


def test_new_names_are_let_through_on_demand() -> None:
    """If they can be a field's name at all."""
    assert parse_fields("BrandNew", allow_unknown=True) == ("BrandNew",)
    assert find_field("BrandNew").type is FieldType.UNKNOWN
    with pytest.raises(InvalidOption):
        parse_fields("Brand-New", allow_unknown=True)


@pytest.mark.parametrize("name", ["all", "default", "ClientIP,RayID", " ClientIP"])
def test_a_field_is_one_name(name: str) -> None:
    """Neither a preset, nor a list, nor a name with blanks is a field."""
    with pytest.raises(UnknownField) as caught:
        check_field(name)
    assert name not in caught.value.close
