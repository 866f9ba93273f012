"""What the pipeline templates run, run as their platforms run it, against a server.

The verdicts of three checks of one zone: its traffic is the same, got worse, and is too
little to tell.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.deploy_files import DEPLOY, ROOT, read_yaml

pytestmark = pytest.mark.timeout(900)

ZONE = f"{41:032x}"


def parameters(check: dict[str, Any] | None = None, **more: Any) -> str:
    capture = {
        "zone_id": ZONE,
        "duration_s": 6,
        "fields": "default,performance",
        "min_coverage": 0.5,
    }
    return json.dumps({"capture": capture, "check": check or {}} | more)


@pytest.fixture(scope="module")
def baseline(site) -> None:
    """Make the first capture of the zone, which the others are held against."""
    name = f"/deployments/{site.deployment_id('deploy-check/pipeline')}/create_flow_run"
    run = site.server.post(name, parameters=json.loads(parameters()))
    assert site.ended(run["id"])["name"] == "BaselineMade"


def run_script(script: str, environment: dict[str, str]) -> tuple[int, str]:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME")}
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        env=inherited | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    return done.returncode, done.stderr


def read_outputs(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


def test_github(site, worse, baseline, tmp_path):
    """Worse traffic fails the step; its outputs and its summary say why."""
    action = read_yaml("pipelines/github/action.yml")
    given = {"parameters": parameters(credentials=worse)}
    inputs = {
        name: given.get(name, one.get("default"))
        for name, one in action["inputs"].items()
    }
    (step,) = action["runs"]["steps"]
    known = {f"inputs.{name}": value for name, value in inputs.items()} | {
        "github.action_path": str(DEPLOY / "pipelines" / "github")
    }
    environment = {
        name: re.sub(r"\${{ ([\w.-]+) }}", lambda found: known[found[1]], text)
        for name, text in step["env"].items()
    }
    output, summary = tmp_path / "output", tmp_path / "summary"
    environment |= {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary)}
    code, said = run_script(step["run"], site.environment | environment)
    assert code == 10, said
    outputs = read_outputs(output)
    assert (outputs["verdict"], outputs["state"]) == ("worse", "Worse")
    promised = [one["value"] for one in action["outputs"].values()]
    assert {f"${{{{ steps.check.outputs.{name} }}}}" for name in outputs} == {*promised}
    assert outputs["flow_run_url"] in summary.read_text()


def test_gitlab(site, baseline, tmp_path):
    """Too little evidence is a warning: the exit code that the job allows."""
    job = read_yaml("pipelines/gitlab-ci.yml")["instant-logs-check"]
    given = {"PARAMETERS": parameters({"min_records": 10**6}), "CI_JOB_ID": "4711"}
    (script,) = job["script"]
    for name in ("verdict.env", "verdict.md"):
        script = script.replace(name, str(tmp_path / name))
    code, said = run_script(script, site.environment | job["variables"] | given)
    assert [code] == job["allow_failure"]["exit_codes"], said
    assert read_outputs(tmp_path / "verdict.env")["verdict"] == "inconclusive"


def test_jenkins(site, baseline, tmp_path):
    """The same traffic passes."""
    text = (DEPLOY / "pipelines" / "Jenkinsfile").read_text()
    script = text.split("script: '''")[1].split("'''")[0]
    for name in ("verdict.env", "verdict.md"):
        script = script.replace(name, str(tmp_path / name))
    environment = {
        "BUILD_TAG": "jenkins-site-7",
        "DEPLOYMENT": "deploy-check/pipeline",
        "PARAMETERS": parameters(),
    }
    code, said = run_script(script, site.environment | environment)
    assert code == 0, said
    assert read_outputs(tmp_path / "verdict.env")["state"] == "Passed"
    assert "Passed" in (tmp_path / "verdict.md").read_text()


@pytest.mark.parametrize("name", ["gitlab-ci.yml", "Jenkinsfile"])
def test_parameters_of_templates_fit_the_flow(name, deployed):
    """What a template asks for, the flow's form accepts."""
    text = (DEPLOY / "pipelines" / name).read_text()
    found = re.search(r'{"capture".*?}}', text, re.DOTALL)
    assert found
    asked = json.loads(re.sub(r"\$\w+|\${[\w.]+}", "x", found[0]))
    deployment = deployed.get("/deployments/name/deploy-check/pipeline")
    forms = deployment["parameter_openapi_schema"]["definitions"]
    assert asked["capture"].keys() <= forms["CaptureParameters"]["properties"].keys()
    assert asked["check"].keys() <= forms["CheckParameters"]["properties"].keys()
