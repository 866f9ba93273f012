"""Captures of the emulator, recorded over its streams, compared on the command line."""

from __future__ import annotations

import pytest

ZONE = "0123456789abcdef0123456789abcdef"
FIELDS = "default,performance"


@pytest.mark.parametrize(
    ("scenario", "exit_code", "verdict"),
    [("steady", 0, "pass"), ("deploy-regression", 10, "fail")],
)
def test_deployment(scenario, exit_code, verdict, emulate, command_line):
    """A deployment that changes nothing passes, one that breaks things fails."""
    emulator = emulate(scenario="steady", rate=500.0, seed=3)
    after = emulate(scenario=scenario, rate=500.0, seed=3, onset_s=0.0)
    for phase, service in (("before", emulator), ("after", after)):
        recorded = command_line(service).run(
            *("capture", ZONE, "--duration", "5s", "--fields", FIELDS),
            *("--label", f"phase={phase}", "--format", "json"),
        )
        assert recorded.exit_code == 0, recorded.stderr
    compared = command_line(after).run(
        "compare", "latest:phase=before", "latest:phase=after"
    )
    assert compared.exit_code == exit_code, compared.stdout
    document = compared.document
    assert document["verdict"] == verdict
    assert document["candidate"]["captures"][0]["labels"] == {"phase": "after"}
    outcomes = {one["metric"]: one["outcome"] for one in document["metrics"]}
    assert outcomes["security_action_rate"] == "skipped"
    worse = {name for name, outcome in outcomes.items() if outcome == "worse"}
    assert bool(worse & {"edge_5xx_rate", "ttfb_p95"}) is (verdict == "fail")
