"""What can be said of the shipped files without the machines that they are for."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from typing import Any

import jsonschema
import pytest

from tests.support.deploy_files import (
    DEPLOY,
    ROOT,
    compose_environment,
    read_env_file,
    read_yaml,
)

LEASE_STORAGE = "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"
SHARED_BY_PROCESSES = {
    LEASE_STORAGE: "prefect_redis.lease_storage",
    "PREFECT_SERVER_EVENTS_CAUSAL_ORDERING": "prefect_redis.ordering",
    "PREFECT_SERVER_EVENTS_MESSAGING_BROKER": "prefect_redis.messaging",
    "PREFECT_SERVER_EVENTS_MESSAGING_CACHE": "prefect_redis.messaging",
}


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions, continued lines joined."""
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines]


def test_the_image_is_pinned_and_its_sources_are_there():
    """The base is a full version; what is copied exists and is let in."""
    given = instructions()
    (image,) = [value for name, value in given if name == "ARG"]
    assert re.fullmatch(r"PYTHON_IMAGE=python:\d+\.\d+\.\d+-slim-\w+", image)
    copied = [
        source
        for name, value in given
        if name == "COPY" and "--from" not in value
        for source in value.split()[:-1]
    ]
    let_in = (ROOT / ".dockerignore").read_text().split()
    for source in copied:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in let_in, source


def test_signals_reach_what_records():
    """No shell stands between, and the process has no privileges."""
    given = dict(instructions())
    assert json.loads(given["ENTRYPOINT"]) == ["/usr/bin/env"]
    assert isinstance(json.loads(given["CMD"]), list)
    assert given["STOPSIGNAL"] == "SIGTERM"
    assert given["USER"].split(":")[0] not in {"root", "0"}


def test_every_service_has_time_to_stop():
    """A minute at least, and longer for those that record."""
    services = read_yaml("compose.yaml")["services"]
    grace = {name: seconds(one["stop_grace_period"]) for name, one in services.items()}
    assert min(grace.values()) >= 60
    assert min(grace["recorder"], grace["worker"]) >= 90


@pytest.mark.parametrize("service", ["server", "services"])
def test_processes_of_a_server_share_what_they_must(service):
    """Leases, messages and their order are in Redis; so is the services' timetable."""
    environment = compose_environment(service)
    assert environment.items() >= SHARED_BY_PROCESSES.items()
    assert environment["PREFECT_SERVER_DOCKET_URL"].startswith("redis://redis:")
    assert environment["PREFECT_SERVER_DATABASE_DRIVER"] == "postgresql+asyncpg"


def test_a_single_server_keeps_its_leases_on_disk():
    """Prefect's default, memory, would leave a zone taken after a restart."""
    storage = read_env_file("server.env")[LEASE_STORAGE]
    assert storage == "prefect.server.concurrency.lease_storage.filesystem"


def test_lapsed_leases_are_looked_for_often():
    """A lease of 60 s and a look every 2 s leave a margin to the promised 75 s."""
    name = "PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS"
    chart = read_yaml("kubernetes/server-values.yaml")["global"]["prefect"]["env"]
    given = [
        read_env_file("server.env")[name],
        compose_environment("services")[name],
        {one["name"]: one["value"] for one in chart}[name],
    ]
    assert given == ["2", "2", "2"]


def test_a_read_only_image_writes_to_its_volumes_alone():
    """The pages of the server go to a temporary directory, all else to /data."""
    environment = dict(instructions())["ENV"]
    for name in ("PREFECT_HOME", "INSTANT_LOGS_STORE", "XDG_STATE_HOME"):
        assert f"{name}=/data/" in environment
    services = read_yaml("compose.yaml")["services"]
    pages = compose_environment("server")["PREFECT_SERVER_UI_STATIC_DIRECTORY"]
    assert services["server"]["tmpfs"] == ["/tmp"]
    assert pages.startswith("/tmp/")
    for one in services.values():
        assert not one.get("read_only") or one["volumes"][0].endswith(":/data")


def test_who_depends_on_whom_waits_for_its_health():
    """Nothing starts before what it needs answers."""
    services = read_yaml("compose.yaml")["services"]
    for one in services.values():
        for needed, how in one.get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"}
            assert "healthcheck" in services[needed]


def test_images_of_others_are_pinned():
    """A tag names a full version."""
    images = [one["image"] for one in read_yaml("compose.yaml")["services"].values()]
    foreign = [image for image in images if not image.startswith("${")]
    assert foreign
    for image in foreign:
        assert re.fullmatch(r"\w+:\d+\.\d+(\.\d+)?-\w+", image), image


def test_no_secret_is_written_down():
    """Secrets come from the environment; one that is missing stops the start."""
    text = (DEPLOY / "compose.yaml").read_text()
    for name in read_env_file("env.example"):
        assert f"${{{name}:?" in text
    assert not any(read_env_file("env.example").values())
    assert read_env_file("systemd/serve.env.example")["CLOUDFLARE_API_TOKEN"] == ""


def test_the_job_template_names_only_what_it_declares():
    """Each placeholder is a variable, and each variable is used."""
    template = json.loads(
        (DEPLOY / "kubernetes" / "base-job-template.json").read_text()
    )
    used = re.findall(r"{{ (\w+) }}", json.dumps(template["job_configuration"]))
    assert set(used) == set(template["variables"]["properties"])
    jsonschema.Draft202012Validator.check_schema(template["variables"])


def test_a_job_has_time_to_commit():
    """A pod is given 60 s at least, by default 90, to commit what it received."""
    template = json.loads(
        (DEPLOY / "kubernetes" / "base-job-template.json").read_text()
    )
    pod = template["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]
    name = "termination_grace_period_seconds"
    assert pod["terminationGracePeriodSeconds"] == f"{{{{ {name} }}}}"
    variables = template["variables"]
    assert variables["properties"][name]["default"] >= 60
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({name: 30}, variables)


def test_the_chart_keeps_leases_in_redis():
    """API and services are apart in it, so they share as in compose."""
    values = read_yaml("kubernetes/server-values.yaml")
    environment = {
        one["name"]: one["value"] for one in values["global"]["prefect"]["env"]
    }
    assert environment[LEASE_STORAGE] == SHARED_BY_PROCESSES[LEASE_STORAGE]
    assert values["backgroundServices"]["runAsSeparateDeployment"]
    assert values["backgroundServices"]["messaging"]["docket"]["existingSecret"]


def unit_settings() -> dict[str, str]:
    lines = (DEPLOY / "systemd" / "instant-logs.service").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if re.match(r"\w+=", line))
    return {key: value for key, _, value in pairs}


def test_systemd_stops_the_recorder_alone_and_waits():
    """SIGTERM to all at once would end runs behind the server's back."""
    settings = unit_settings()
    assert settings["KillMode"] == "mixed"
    assert int(settings["TimeoutStopSec"]) >= 60
    assert shlex.split(settings["ExecStart"])[0].startswith("/")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_accepts_the_unit(tmp_path):
    """No unknown setting, and little is left exposed."""
    unit = tmp_path / "instant-logs.service"
    text = (DEPLOY / "systemd" / unit.name).read_text()
    unit.write_text(re.sub("(?m)^ExecStart=.*", "ExecStart=/bin/true", text))
    verified = analyze("verify", str(unit))
    assert verified.returncode == 0
    assert verified.stderr == ""
    exposed = analyze("security", "--offline=true", "--threshold=20", str(unit))
    assert exposed.returncode == 0, exposed.stdout


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="no shellcheck here")
def test_shell_scripts_are_clean():
    """Nothing that shellcheck knows of is wrong with them."""
    scripts = [str(path) for path in DEPLOY.rglob("*.sh")]
    checked = subprocess.run(
        ["shellcheck", *scripts], capture_output=True, text=True, check=False
    )
    assert scripts
    assert (checked.returncode, checked.stdout) == (0, "")


def test_templates_hold_no_secret_and_pass_a_key():
    """Each runs the shared script with an idempotency key of its own platform."""
    templates: dict[str, Any] = {
        "github/action.yml": "gh-${{ github.run_id }}",
        "gitlab-ci.yml": "gitlab-$CI_JOB_ID",
        "Jenkinsfile": "jenkins-$BUILD_TAG",
    }
    for name, key in templates.items():
        text = (DEPLOY / "pipelines" / name).read_text()
        assert "deploy_check.py" in text
        assert key in text
