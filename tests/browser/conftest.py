"""Fixtures: pages of real captures, and a real browser to look at them."""

from __future__ import annotations

import json

import pytest

from instant_logs_plugin.emulator import EmulatorConfig, parse_fault, run_emulator
from tests.support.browser import CHROMIUM, open_browser
from tests.support.command_line import CommandLine, emulator_environment

ZONE = "0123456789abcdef0123456789abcdef"
HOSTILE = (
    "/<script>alert(1)</script>",
    "/</script></style></svg><img src=x onerror=alert(2)>",
    "/\x1b[31mred\x1b[0m",
    "/\u2028\u202eltr",
    '/" onmouseover="alert(3)',
    "/" + "long/" * 2000,
)


def pytest_collection_modifyitems(items):
    """Skip what needs a browser where there is none, and say how to get one."""
    reason = "no Chromium on this machine: 'apt-get install chromium' brings it"
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()) and CHROMIUM is None:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def browser():
    """One Chromium for all tests."""
    with open_browser() as page:
        yield page


@pytest.fixture(scope="session")
def busy_page(tmp_path_factory):
    """The report of a sampled capture of all fields, with a gap and rejects."""
    config = EmulatorConfig(
        scenario="deploy-regression",
        onset_s=2.0,
        rate=3000.0,
        max_rate=1500.0,
        delay_s=0.0,
        faults=(
            parse_fault("drop:after=600,session=1"),
            parse_fault("post-429:after=2,retry=2"),
            parse_fault("malformed:every=300"),
        ),
    )
    options = ("--fields", "all", "--sample", "2", "--min-coverage", "0")
    return write_report(tmp_path_factory.mktemp("busy"), config, *options)


@pytest.fixture(scope="session")
def hostile_page(tmp_path_factory):
    """The report of requests that carry markup, scripts and control characters."""
    directory = tmp_path_factory.mktemp("hostile")
    replay = directory / "hostile.ndjson"
    records = [
        {
            "EdgeStartTimestamp": f"2026-03-01T12:00:{second:02d}Z",
            "EdgeResponseStatus": 503 if second % 3 else 200,
            "EdgeResponseBytes": 1000 + second,
            "ClientRequestPath": HOSTILE[second % len(HOSTILE)],
            "ClientRequestHost": "<b>host</b>",
            "CacheCacheStatus": "</svg><script>alert(4)</script>",
        }
        for second in range(60)
    ]
    replay.write_text("\n".join(map(json.dumps, records)), "utf-8")
    config = EmulatorConfig(replay=replay, rate=0.0)
    fields = ",".join(records[0])
    return write_report(directory, config, "--fields", fields, "--max-records", "60")


def write_report(directory, config, *options):
    """Record the emulator and return the path of the report."""
    with run_emulator(config) as emulator:
        line = CommandLine(
            directory,
            emulator_environment(emulator) | {"XDG_STATE_HOME": str(directory)},
        )
        captured = line.run("capture", ZONE, "--duration", "6s", *options)
    assert captured.exit_code == 0, captured.stderr
    reported = line.run("report", "-o", "report.html")
    assert reported.exit_code == 0, reported.stderr
    return directory / "report.html"
