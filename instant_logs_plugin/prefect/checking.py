"""A capture held against its baseline: the verdict as a label, an artifact, a state.

==========================  ====================================================
state                       means
==========================  ====================================================
Completed: Passed           no worse than its baseline
Completed: BaselineMade     there was no baseline: this capture is the first
Failed: Worse               significantly worse, by at least the minimum effect
Completed: Inconclusive     the evidence does not carry a verdict; Failed if
                            ``on_inconclusive`` is ``fail``
==========================  ====================================================
"""

from __future__ import annotations

from typing import Any

from prefect import task
from prefect.artifacts import acreate_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from instant_logs_plugin.analysis.compare import (
    CompareSettings,
    Comparison,
    Verdict,
)
from instant_logs_plugin.analysis.compare import compare_captures as compare
from instant_logs_plugin.prefect.baselines import BASELINE, find_baseline, label_check
from instant_logs_plugin.prefect.blocks import CaptureStore
from instant_logs_plugin.prefect.events import EventName, emit_zone_event
from instant_logs_plugin.prefect.loading import artifact_key
from instant_logs_plugin.prefect.parameters import CaptureParameters, CheckParameters
from instant_logs_plugin.prefect.run import current_run
from instant_logs_plugin.store.manifest import Manifest, manifest_document

__all__ = ["check_capture", "check_parameters", "compare_captures"]


@task(
    name="compare-captures",
    task_run_name="compare {candidate}",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def compare_captures(
    baseline: str,
    candidate: str,
    *,
    store: CaptureStore,
    settings: CompareSettings | None = None,
) -> Comparison:
    """Compare two captures; see ``docs/compare.md`` for what the verdict means.

    Args:
        baseline: What was there before; an id, or ``latest:label=value``.
        candidate: What is judged.
        store: Where both are.
        settings: Metrics and limits; None for the defaults.

    Raises:
        CaptureNotFound: A name means no capture, or several.
        InvalidQuery: A metric's query is refused, or gives no single number.
    """
    return compare(store.uri, [baseline], [candidate], settings=settings)


def check_parameters(
    capture: CaptureParameters, check: CheckParameters, store: CaptureStore
) -> None:
    """Refuse what could not be checked, before anything is recorded.

    Raises:
        ConfigurationError: A parameter is wrong, or the named baseline is not there.
    """
    options = capture.to_options()
    check.compare_settings()
    if check.baseline:
        find_baseline(store.open(), options, name=check.baseline)


async def check_capture(
    manifest: Manifest,
    *,
    capture: CaptureParameters,
    check: CheckParameters,
    store: CaptureStore,
) -> State[Any]:
    """Compare a capture with its baseline, or make it the first one.

    A run that is run again compares again, with what was its baseline then.

    Returns:
        The state that the run ends with; its data is the comparison, or the manifest
        of a capture that became the baseline.
    """
    files = store.open()
    baseline = find_baseline(
        files,
        capture.to_options(),
        name=check.baseline,
        is_kept=not check.rolling,
        before=manifest,
    )
    if baseline is None:
        made = label_check(files, manifest, BASELINE)
        message = f"capture {manifest.capture_id} is the zone's baseline from now on"
        return Completed(
            name="BaselineMade", message=message, data=manifest_document(made)
        )
    comparison = compare_captures(
        baseline.capture_id,
        manifest.capture_id,
        store=store,
        settings=check.compare_settings(),
    )
    label_check(files, manifest, comparison.verdict.value)
    await _publish(manifest, baseline, comparison)
    return _state(comparison, check)


async def _publish(
    manifest: Manifest, baseline: Manifest, comparison: Comparison
) -> None:
    if current_run() is None:
        return
    zone_id = manifest.zone_id
    await acreate_markdown_artifact(
        key=artifact_key("deploy-check", zone_id),
        markdown=comparison.markdown(),
        description=f"Zone {zone_id} before and after a deployment",
    )
    if comparison.verdict is Verdict.FAIL:
        payload = {
            "zone_id": zone_id,
            "capture_id": manifest.capture_id,
            "baseline_id": baseline.capture_id,
            "verdict": comparison.verdict.value,
            "reasons": list(comparison.reasons),
            "labels": manifest.labels,
        }
        emit_zone_event(EventName.COMPARE_FAILED, zone_id, payload)


def _state(comparison: Comparison, check: CheckParameters) -> State[Any]:
    message, data = "; ".join(comparison.reasons), comparison.document()
    match comparison.verdict:
        case Verdict.PASS:
            return Completed(name="Passed", message=message, data=data)
        case Verdict.FAIL:
            return Failed(name="Worse", message=message)
        case Verdict.INCONCLUSIVE:
            if check.on_inconclusive == "fail":
                return Failed(name="Inconclusive", message=message)
            return Completed(name="Inconclusive", message=message, data=data)
