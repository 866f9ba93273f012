"""The report in a real browser: what readers get, and what they must not get."""

from __future__ import annotations

import base64
import itertools

import pytest

THEMES = ("light", "dark")
BUDGET_BYTES = 1_500_000
CONTRAST = """
(() => {
  const style = getComputedStyle(document.documentElement);
  const canvas = document.createElement("canvas").getContext("2d");
  const probe = document.body.appendChild(document.createElement("i"));
  const channels = (name) => {
    probe.style.color = `var(--${name})`;
    canvas.fillStyle = getComputedStyle(probe).color;
    canvas.fillRect(0, 0, 1, 1);
    return Array.from(canvas.getImageData(0, 0, 1, 1).data.slice(0, 3));
  };
  const light = (name) => {
    const [r, g, b] = channels(name).map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  return (a, b) => {
    const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
})()
"""


@pytest.mark.parametrize("name", ["busy_page", "hostile_page"])
def test_it_asks_nothing_and_complains_of_nothing(browser, request, name):
    """The file is the only thing that is loaded, and the console stays empty."""
    path = request.getfixturevalue(name)
    browser.events.clear()
    browser.open(path)
    browser.run("document.getElementById('theme').click()")
    browser.run("document.querySelector('thead button').click()")
    requests = browser.told("Network.requestWillBeSent")
    assert [one["request"]["url"] for one in requests] == [path.as_uri()]
    told = browser.told(
        "Log.entryAdded",
        "Page.javascriptDialogOpening",
        "Runtime.consoleAPICalled",
        "Runtime.exceptionThrown",
    )
    assert told == []


def test_values_are_text_in_the_document(browser, hostile_page):
    """Markup that a request carried is what the reader reads, not what runs."""
    browser.open(hostile_page)
    text = browser.run("document.getElementById('top_paths').textContent")
    assert "/<script>alert(1)</script>" in text
    assert "<img src=x onerror=alert(2)>" in text
    assert '/" onmouseover="alert(3)' in text
    assert "\\x1b[31mred" in text
    assert browser.run("document.scripts.length") == 1
    assert browser.run("document.images.length") == 0
    assert browser.run("document.querySelectorAll('[onmouseover]').length") == 0


def test_the_policy_stops_what_slips_in(browser, hostile_page):
    """Even markup put into the page later neither runs nor calls out."""
    browser.events.clear()
    browser.open(hostile_page)
    browser.run(
        "document.body.insertAdjacentHTML('beforeend',"
        '\'<img src="http://127.0.0.1:9/x" onerror="window.ran=1">\')'
    )
    browser.run("new Promise((done) => setTimeout(done, 200))")
    assert browser.run("window.ran") is None
    failed = browser.told("Network.loadingFailed")
    assert {one.get("blockedReason") for one in failed} <= {"csp"}


@pytest.mark.parametrize("scheme", THEMES)
@pytest.mark.parametrize("width", [380, 768, 1280])
def test_it_fits_its_window(browser, busy_page, width, scheme):
    """Nothing is wider than the window, and the drawing of the width is shown."""
    browser.open(busy_page, width=width, scheme=scheme)
    assert browser.run("document.documentElement.scrollWidth") == width
    shown = browser.run(
        "Array.from(document.querySelectorAll('#timeline .drawing'))"
        ".filter((one) => one.checkVisibility()).map((one) => one.classList[1])"
    )
    expected = {380: "narrow", 768: "middle", 1280: "wide"}[width]
    assert set(shown) == {expected}


def test_letters_are_large_enough_on_a_phone(browser, busy_page):
    """No text of a chart is drawn smaller than ten pixels."""
    browser.open(busy_page, width=380)
    smallest = browser.run(
        "Math.min(...Array.from(document.querySelectorAll('.drawing text'))"
        ".filter((one) => one.checkVisibility()).map((one) =>"
        " parseFloat(getComputedStyle(one).fontSize) * one.getScreenCTM().a))"
    )
    assert smallest >= 10


@pytest.mark.parametrize("scheme", THEMES)
def test_colours_can_be_told_apart(browser, busy_page, scheme):
    """Text has the contrast of WCAG AA (4.5), marks of charts that of graphics (3)."""
    browser.open(busy_page, scheme=scheme)
    for text, ground in itertools.product(
        ("ink", "muted", "link", "bad", "warn"), ("panel", "page")
    ):
        contrast = browser.run(f"({CONTRAST.strip()})('{text}', '{ground}')")
        assert contrast >= 4.5, (text, ground)
    for mark in ("plain", "warn", "bad", "p50", "p90", "p95", "p99"):
        contrast = browser.run(f"({CONTRAST.strip()})('fill-{mark}', 'panel')")
        assert contrast >= 3, mark


def test_theme_follows_the_system_until_the_reader_chooses(browser, busy_page):
    """The button turns the theme around, whatever the system's is."""
    ground = "getComputedStyle(document.body).backgroundColor"
    browser.open(busy_page, scheme="light")
    browser.run("localStorage.clear()")
    browser.open(busy_page, scheme="light")
    light = browser.run(ground)
    browser.open(busy_page, scheme="dark")
    dark = browser.run(ground)
    assert light != dark
    browser.run("document.getElementById('theme').click()")
    assert browser.run(ground) == light
    browser.run("document.getElementById('theme').click()")
    assert browser.run(ground) == dark
    browser.run("localStorage.clear()")


def test_tables_are_sorted_by_key_and_say_so(browser, busy_page):
    """Enter on a header sorts: amounts by size, the largest first, then turned."""
    browser.open(busy_page)
    browser.run("document.querySelector('#top_paths thead button').focus()")
    browser.press("Tab")
    header = "document.activeElement.closest('th')"
    assert browser.run(f"{header}.textContent") == "Requests"
    column = (
        "Array.from(document.querySelectorAll('#top_paths tbody tr'),"
        " (row) => Number(row.cells[1].dataset.order))"
    )
    for order in ("descending", "ascending"):
        browser.press("Enter")
        assert browser.run(f"{header}.ariaSort") == order
        amounts = browser.run(column)
        assert amounts == sorted(amounts, reverse=order == "descending")
    assert len(set(amounts)) > 3


def test_long_tables_unfold(browser, busy_page):
    """A long table shows its first rows; a button shows all of them."""
    browser.open(busy_page)
    rows = (
        "Array.from(document.querySelectorAll('#top_paths tbody tr'))"
        ".filter((row) => row.checkVisibility()).length"
    )
    assert browser.run(rows) == 10
    browser.run("document.querySelector('#top_paths .more').click()")
    assert browser.run(rows) == 20
    more = "document.querySelector('#top_paths .more').ariaExpanded"
    assert browser.run(more) == "true"


def test_values_are_told_under_the_pointer(browser, busy_page):
    """A span tells its values wherever in it the pointer is; elsewhere nothing is."""
    browser.open(busy_page)
    browser.run(
        "document.querySelector('#timeline svg').scrollIntoView({block: 'center'})"
    )
    spans = browser.run(
        "Array.from(document.querySelectorAll('#timeline .wide [aria-label]'))"
        ".filter((one) => one.ariaLabel.includes('requests/s'))"
        ".map((one) => [one.ariaLabel, one.getBoundingClientRect()])"
        ".map(([text, box]) => [text, box.x + box.width / 2, box.y, box.bottom])"
    )
    for text, x, top, bottom in spans:
        told = {tip_at(browser, x, y) for y in (top + 2, bottom - 2)}
        assert told == {text} or all("no stream (" in tip for tip in told)
    assert len(spans) >= 5
    assert tip_at(browser, 2, 2) is None


def tip_at(browser, x, y):
    """Return what the page tells with the pointer there, or None."""
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    return browser.run(
        "(() => { const tip = document.getElementById('tip');"
        " return tip.hidden ? null : tip.textContent; })()"
    )


def test_it_can_be_read_aloud(browser, busy_page):
    """Headings descend by one, and whatever is a picture or a control has a name."""
    browser.open(busy_page)
    levels = browser.run(
        "Array.from(document.querySelectorAll('h1,h2,h3'), (h) => +h.tagName[1])"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    named = {"button", "image", "img", "link", "navigation", "region", "table"}
    nameless = [
        node["role"]["value"]
        for node in nodes
        if not node.get("ignored")
        and node["role"]["value"] in named
        and not node.get("name", {}).get("value")
    ]
    assert nameless == []
    assert browser.run("document.documentElement.lang") == "en"


def test_gaps_are_drawn_on_every_time_axis(browser, busy_page):
    """Each chart over time has the gap hatched, and the legend says what it is."""
    browser.open(busy_page)
    charts = "document.querySelectorAll('.over-time figure')"
    count = browser.run(f"{charts}.length")
    assert count >= 2
    hatched = browser.run(
        f"Array.from({charts}).filter((one) =>"
        " one.querySelector('.drawing [fill=\"url(#gap)\"]')"
        " && one.textContent.includes('no stream')).length"
    )
    assert hatched == count


def test_all_of_it_is_there_without_script(browser, busy_page):
    """Where scripts are off, every row is shown and no control is there in vain."""
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(busy_page)
        shown = browser.call("DOM.getDocument", depth=-1)
        root = shown["root"]["nodeId"]
        short = browser.call("DOM.querySelector", nodeId=root, selector="table.short")
        assert short["nodeId"] == 0
        more = browser.call("DOM.querySelector", nodeId=root, selector=".more")
        assert more["nodeId"] == 0
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_it_prints(browser, busy_page):
    """Paper is light, has no controls, and holds the whole report."""
    browser.open(busy_page, scheme="dark")
    printed = browser.call("Page.printToPDF", printBackground=True)
    pdf = base64.b64decode(printed["data"])
    assert pdf.startswith(b"%PDF")
    browser.call("Emulation.setEmulatedMedia", media="print", features=[])
    hidden = "getComputedStyle(document.getElementById('theme')).display"
    assert browser.run(hidden) == "none"
    assert browser.run("getComputedStyle(document.querySelector('nav')).display") == (
        "none"
    )
    assert browser.run("getComputedStyle(document.body).color") == "rgb(26, 31, 36)"


def test_it_is_small(busy_page, hostile_page):
    """A report of all fields stays below 1.5 MB, whatever requests carried."""
    assert busy_page.stat().st_size < BUDGET_BYTES
    assert hostile_page.stat().st_size < BUDGET_BYTES
