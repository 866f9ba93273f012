"""What a flow is asked to record: the form, its limits, and the options it makes."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from prefect.client.schemas.actions import ArtifactCreate
from pydantic import ValidationError

from instant_logs_plugin.capture.options import BusyPolicy, CaptureOptions, OnBusy
from instant_logs_plugin.capture.privacy import AnonymizeIp
from instant_logs_plugin.capture.window import Bounds
from instant_logs_plugin.edge.fields import PRESETS
from instant_logs_plugin.errors import ConfigurationError
from instant_logs_plugin.prefect import CaptureParameters, artifact_key, load_flow

ZONE = "0123456789abcdef0123456789abcdef"


def test_every_parameter_becomes_an_option() -> None:
    """Nothing that the form asks for is lost on the way."""
    parameters = CaptureParameters(
        zone_id=ZONE,
        duration_s=7.5,
        max_records=100,
        max_bytes=1000,
        fields="minimal,ClientIP",
        filter="EdgeResponseStatus >= 500",
        sample=10,
        labels={"release": "v1"},
        on_busy="takeover",
        busy_timeout_s=30,
        min_coverage=0.5,
        anonymize_ip="truncate",
        redact_query=True,
        drop_fields="ClientRequestUserAgent",
    )
    default = CaptureParameters(zone_id="other")
    for name in CaptureParameters.model_fields:
        assert getattr(parameters, name) != getattr(default, name), name
    options = parameters.to_options()
    (condition,) = json.loads(options.filter)["where"]["and"]
    assert condition == {"key": "EdgeResponseStatus", "operator": "geq", "value": 500}
    assert options == CaptureOptions(
        zone_id=ZONE,
        fields=(*PRESETS["minimal"], "ClientIP"),
        filter=options.filter,
        sample=10,
        bounds=Bounds(duration_s=7.5, max_records=100, max_bytes=1000),
        labels={"release": "v1"},
        busy=BusyPolicy(on_busy=OnBusy.TAKEOVER, timeout_s=30.0),
        min_coverage=0.5,
        anonymize_ip=AnonymizeIp.TRUNCATE,
        redact_query=True,
        drop_fields=("ClientRequestUserAgent",),
    )


def test_only_the_zone_is_required() -> None:
    """The defaults are those of the command line."""
    assert CaptureParameters(zone_id=ZONE).to_options() == CaptureOptions(
        zone_id=ZONE,
        fields=PRESETS["default"],
        preset="default",
        bounds=Bounds(duration_s=60.0),
    )


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_a_preset_is_named(preset: str) -> None:
    """A capture of a preset says so; one with a field more does not."""
    options = CaptureParameters(zone_id=ZONE, fields=preset).to_options()
    assert (options.preset, options.fields) == (preset, PRESETS[preset])


@pytest.mark.parametrize(
    "wrong",
    [
        {"zone_id": "../etc"},
        {"zone_id": f"{ZONE}\n"},
        {"zone_id": ""},
        {"zone_id": "x" * 65},
        {"duration_s": 0},
        {"duration_s": -1},
        {"duration_s": float("nan")},
        {"duration_s": "soon"},
        {"max_records": 0},
        {"max_bytes": 0},
        {"max_bytes": 1.5},
        {"sample": 0},
        {"busy_timeout_s": -1},
        {"min_coverage": 1.01},
        {"min_coverage": -0.01},
        {"min_coverage": float("nan")},
        {"on_busy": "shout"},
        {"anonymize_ip": "hmac"},
        {"labels": {"a": 1}},
        {"colour": "blue"},
        {"api_token": "x"},
    ],
    ids=repr,
)
def test_the_form_refuses(wrong: dict[str, Any]) -> None:
    """What a type or a limit catches is caught in the form, before any run."""
    with pytest.raises(ValidationError) as caught:
        CaptureParameters(**{"zone_id": ZONE} | wrong)
    assert {error["loc"][0] for error in caught.value.errors()} == set(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"fields": ""},
        {"fields": "Rayid"},
        {"drop_fields": "Rayid"},
        {"fields": "minimal,nonsense"},
        {"filter": "EdgeResponseStatus >="},
        {"filter": "Nonsense == 1"},
        {"filter": '{"where": 1}'},
        {"labels": {"": "x"}},
        {"labels": {"a b": "x"}},
        {"labels": {"a": "\x1b[31m"}},
        {"labels": {"a": "x" * 257}},
        {"duration_s": float("inf")},
        {"busy_timeout_s": float("inf")},
    ],
    ids=repr,
)
def test_the_options_refuse(wrong: dict[str, Any]) -> None:
    """What only we know is our error, with a hint, before anything is contacted."""
    parameters = CaptureParameters(**{"zone_id": ZONE} | wrong)
    with pytest.raises(ConfigurationError) as caught:
        parameters.to_options()
    assert caught.value.hint


def test_parameters_travel_as_json() -> None:
    """A deployment stores them; what comes back asks for the same capture."""
    parameters = CaptureParameters(zone_id=ZONE, labels={"a": "b"}, max_records=5)
    text = parameters.model_dump_json()
    assert CaptureParameters.model_validate_json(text) == parameters


def test_parameters_do_not_change() -> None:
    """A run records what it was asked for."""
    parameters: Any = CaptureParameters(zone_id=ZONE)
    with pytest.raises(ValidationError):
        parameters.sample = 5


def test_the_form_explains_itself() -> None:
    """Each field has a description, and none is for a secret."""
    for name, one in CaptureParameters.model_json_schema()["properties"].items():
        assert one["description"].endswith("."), name
        assert not re.search(r"token|secret|password|key", name)


@pytest.mark.parametrize(
    ("kind", "zone_id", "key"),
    [
        ("traffic-snapshot", ZONE, f"traffic-snapshot-{ZONE}"),
        ("traffic-snapshot", "My_Zone", "traffic-snapshot-my-zone"),
        ("a", "__x__", "a-x"),
        ("a", "-", "a"),
        ("A b", "ä/ö", "a-b"),
    ],
)
def test_artifact_keys(kind: str, zone_id: str, key: str) -> None:
    """Letters, digits and single dashes, as Prefect's own check allows."""
    assert artifact_key(kind, zone_id) == key
    assert ArtifactCreate(key=key).key == key


@pytest.mark.parametrize(
    "name",
    [
        "deploy_check:deploy_check",
        "fleet:fleet_snapshot",
        "maintain:maintain_store",
        "snapshot:traffic_snapshot",
    ],
)
def test_a_flow_makes_a_form(name: str) -> None:
    """Each field says what it means in one line, and no secret is asked for."""
    schema = load_flow(name).parameters.model_dump()
    forms = [schema, *schema["definitions"].values()]
    fields = {key: one for form in forms for key, one in form["properties"].items()}
    for key, one in fields.items():
        said = one.get("description", "")
        assert said.endswith("."), key
        assert "``" not in said, key
        assert one["title"], key
        assert "writeOnly" not in one, key
