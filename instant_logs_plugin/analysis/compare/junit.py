"""A comparison as JUnit XML, which every CI system shows: one test case by metric.

Pure. The form is the one that Jenkins, GitLab and their like read: ``testsuites``
holds a ``testsuite`` with counts, which holds ``testcase``s with at most one of
``failure`` and ``skipped``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from instant_logs_plugin.analysis.compare.figures import (
    format_difference,
    format_interval,
    format_p,
    format_value,
)
from instant_logs_plugin.analysis.compare.judging import MetricResult, Outcome
from instant_logs_plugin.analysis.rendering import printable

if TYPE_CHECKING:
    from instant_logs_plugin.analysis.compare.result import Comparison

__all__ = ["render_junit"]

_SUITE = "instant-logs compare"


def render_junit(comparison: Comparison, *, is_inconclusive_failure: bool) -> str:
    """Return the document.

    Args:
        comparison: What to tell.
        is_inconclusive_failure: Whether an inconclusive verdict is a failed test case,
            or a skipped one.
    """
    cases = [
        _verdict_case(comparison, is_inconclusive_failure=is_inconclusive_failure),
        *(_metric_case(one) for one in comparison.metrics),
    ]
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(one.find("failure") is not None for one in cases)),
        "errors": "0",
        "skipped": str(sum(one.find("skipped") is not None for one in cases)),
        "time": "0",
    }
    root = ET.Element("testsuites", {"name": _SUITE, **counts})
    ET.SubElement(root, "testsuite", {"name": _SUITE, **counts}).extend(cases)
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _verdict_case(
    comparison: Comparison, *, is_inconclusive_failure: bool
) -> ET.Element:
    case = _case("verdict", "\n".join((*comparison.reasons, *comparison.notes)))
    verdict, message = comparison.verdict.value, comparison.reasons[0]
    if verdict == "fail" or (verdict == "inconclusive" and is_inconclusive_failure):
        _mark(case, "failure", message, kind=verdict)
    elif verdict == "inconclusive":
        _mark(case, "skipped", message)
    return case


def _metric_case(result: MetricResult) -> ET.Element:
    case = _case(f"metric {result.metric.name}", _figures(result))
    if result.fails:
        _mark(case, "failure", _figures(result), kind="worse")
    elif result.outcome in {Outcome.SKIPPED, Outcome.INCONCLUSIVE}:
        _mark(case, "skipped", result.reason)
    return case


def _figures(result: MetricResult) -> str:
    effect, unit = result.effect, result.metric.unit
    if effect is None:
        return f"{result.outcome.value}: {result.reason}"
    return (
        f"{result.outcome.value}: {format_value(effect.baseline, unit)} then "
        f"{format_value(effect.candidate, unit)} "
        f"({format_difference(effect.difference, unit)}, "
        f"interval {format_interval(effect.lower, effect.upper, unit)}, "
        f"p {format_p(result.p_adjusted)})"
    )


def _case(name: str, output: str) -> ET.Element:
    case = ET.Element("testcase", {"classname": "compare", "name": name, "time": "0"})
    ET.SubElement(case, "system-out").text = "\n".join(
        printable(line) for line in output.split("\n")
    )
    return case


def _mark(case: ET.Element, tag: str, message: str, *, kind: str = "") -> None:
    """Add a failure or a skip before the output, where the schema has it."""
    mark = ET.Element(tag, {"message": printable(message)})
    if kind:
        mark.set("type", kind)
    case.insert(0, mark)
