"""What a report says, from hand-made captures and answers."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

from instant_logs_plugin.analysis.report.build import build_report
from instant_logs_plugin.analysis.report.markdown import format_report
from instant_logs_plugin.analysis.report.material import Answer
from instant_logs_plugin.analysis.report.model import Block, Compared
from instant_logs_plugin.analysis.report.page import render_page
from instant_logs_plugin.analysis.tables.model import Cell, Column, Kind, Table
from instant_logs_plugin.store.manifest import CaptureState, Request, Sampling
from tests.unit.report.materials import capture, gap, material, query

PARTS = query(
    "novelty",
    """
    dimension varchar: a or b
    value varchar: its value
    estimate bigint: requests that the records stand for
    """,
    caveats="new",
)


def sentence(report, label):
    return dict(report.stands_on)[label]


def test_whole_captures_have_exact_counts_and_no_warning():
    """Without sampling and gaps the page says that counts are exact."""
    report = build_report(material())
    assert "counts are exact" in sentence(report, "Sampling")
    assert sentence(report, "Coverage").startswith("100%")
    assert "no gaps" in sentence(report, "Coverage")
    assert report.warnings == ()
    assert report.title == "Zone zone1"


def test_sampling_is_told_with_its_rule():
    """What a record stands for is the interval times the sample, by the rule."""
    sampled = capture(
        request=Request(fields=("RayID",), sample=10), sampling=Sampling(min=1, max=5)
    )
    report = build_report(material((sampled,)))
    assert "10 to 50 requests (rule: exclusive)" in sentence(report, "Sampling")


def test_what_weakens_the_figures_is_told_on_top():
    """State, gaps, rejects, unlike captures and unreadable files each have a line."""
    partial = capture(
        state=CaptureState.PARTIAL, gaps=(gap(10, 20),), rejected=3, coverage=0.8
    )
    failed = capture("b", state=CaptureState.FAILED, error="disk full\x1b[31m")
    other = capture("c", request=Request(fields=("RayID",), filter='{"where":{}}'))
    report = build_report(
        material((partial, failed, other), problems=("left out: x is missing",))
    )
    told = "\n".join(report.warnings)
    assert "Partial, with gaps in the window: capture a." in told
    assert "Capture b: disk full\\x1b[31m." in told
    assert "3 lines that were no valid record, in capture a" in told
    assert "different filters, fields" in told
    assert "left out: x is missing" in told
    assert '{"where":{}}' in sentence(report, "Filter")
    assert "1 gap without a stream, 10 s in all" in sentence(report, "Coverage")


def test_a_new_summary_gets_its_place():
    """An unknown query has a title, parts by dimension, and stands behind the known."""
    rows = (
        {"dimension": "a", "value": "x", "estimate": 3},
        {"dimension": "b", "value": None, "estimate": 2},
        {"dimension": "a", "value": "y", "estimate": 1},
    )
    novelty = Answer(query=PARTS, rows=rows)
    report = build_report(material(answers={"novelty": novelty}))
    section = report.sections[-1]
    assert (section.title, section.caveats) == ("Novelty", ("new",))
    assert [block.title for block in section.blocks] == ["A", "B"]
    assert [len(block.table.rows) for block in section.blocks] == [2, 1]
    assert section.blocks[0].table.columns[0].label == "A"


def test_what_was_not_recorded_is_one_line():
    """A summary without its fields names them and has no section."""
    cache = Answer(query=query("cache", "value varchar: x"), missing=("A|B", "C"))
    report = build_report(material(answers={"cache": cache}))
    assert [one.name for one in report.left_out] == ["cache"]
    assert "cache" not in [section.name for section in report.sections]
    assert "<b>Cache</b> needs A or B, C" in render_page(report)


def test_a_capture_of_nothing_is_still_a_report():
    """A killed or silent capture has a page that says so."""
    empty = capture(received=0, written=0, state=CaptureState.RECORDING, coverage=0.0)
    page = render_page(build_report(material((empty,), timelines=((),), estimate=0)))
    assert "Not ended yet, or killed and not yet recovered" in page
    assert "Nothing of this kind was recorded" in page


def test_stretches_left_out_are_told():
    """Time axes are bounded, and the page says so where they stand."""
    whole = material()
    report = build_report(replace(whole, episodes_left_out=3))
    assert "the last 1 of 4 stretches of time are shown" in report.sections[0].caveats


def test_long_tables_are_bounded_and_say_so():
    """A page holds the first rows; what is left out is counted."""
    rows = tuple({"dimension": "a", "value": str(n), "estimate": n} for n in range(300))
    page = render_page(
        build_report(material(answers={"novelty": Answer(query=PARTS, rows=rows)}))
    )
    assert "180 further rows are left out" in page


def test_fields_of_many_captures_are_listed_once():
    """A hundred captures of one preset do not repeat a hundred names each."""
    report = build_report(material((capture("a"), capture("b", 60))))
    assert [one.fields for one in report.captures] == [
        "EdgeStartTimestamp, EdgeResponseStatus",
        "as a",
    ]


def test_the_policy_names_style_and_script_by_their_hash():
    """Nothing but our own style and script has an effect, and nothing is loaded."""
    page = render_page(build_report(material()))
    assert "default-src &#39;none&#39;" in page
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in page.replace("&#43;", "+")


def test_the_same_captures_give_the_same_page():
    """A report can be compared, cached and checked in."""
    pages = {render_page(build_report(material())) for _ in range(2)}
    assert len(pages) == 1


def test_markdown_leads_with_what_it_stands_on():
    """Warnings and evidence come before the figures, in a few lines."""
    rejecting = capture(rejected=2)
    text = format_report(build_report(material((rejecting,), server_error_share=0.5)))
    assert text.startswith("# Zone zone1\n")
    assert text.index("no valid record") < text.index("| Answered with 5xx | 50.0% |")
    assert text.index("**Coverage:**") < text.index("| Answered with 5xx |")


def test_what_got_worse_stands_out():
    """A cell with a tone has its class on the page, beside that of an amount."""
    columns = (
        Column(name="metric", label="Metric", about="", kind=Kind.TEXT),
        Column(name="p", label="p", about="", kind=Kind.NUMBER),
        Column(name="outcome", label="Outcome", about="", kind=Kind.TEXT),
    )
    row = (Cell(text="m"), Cell(text="0.1", tone="bad"), Cell(text="no", tone="bad"))
    compared = Compared(
        verdict="fail",
        baseline="a",
        candidate="b",
        reasons=(),
        notes=(),
        blocks=(Block(table=Table(columns=columns, rows=(row,))),),
    )
    page = render_page(build_report(material(), compared))
    assert '<td class="amount bad">0.1' in page
    assert '<td class="bad">no' in page
