"""Every page in both themes and at three widths, looked at by axe."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.test_stories import PAGES, settled, visit

# Streamlit's own: empty headers in its tables, and its charts' pictures.
KNOWN = {"empty-table-header", "svg-img-alt"}
# Its file uploader's, too: a label on a presentational section, found while it loads.
UPLOADER = ("presentation-role-conflict", "stFileUploaderDropzone")
WIDTHS = (2560, 1440, 420)
MAP = "triggers?triggers-tab=Attack+comparison&attacked-view=Defences"
LINKS = (  # to tabs, which differ as pages do
    "triggers?triggers-tab=Strengths",
    "triggers?triggers-tab=All+triggers",
    "triggers?triggers-tab=Eye+test",
    "triggers?triggers-tab=Attack+comparison",
    MAP,
    "activations?activations-tab=Path+of+the+signal",
    "activations?activations-tab=Layers",
    "spectra?spectra-tab=Brightness+or+colour",
    "detect?detect-tab=Sizes+by+family",
    "detect?detect-tab=Evidence",
    "models?models-tab=In+use",
    "models?models-tab=Compare",
)


@pytest.fixture(scope="module", params=[*PAGES, *LINKS])
def shown(request, server, chromium):
    """A page or a tab of it, opened once for all that is looked at on it."""
    context = chromium.new_context(reduced_motion="reduce")
    context.set_default_timeout(60_000)
    page = context.new_page()
    visit(page, f"{server.address}/{request.param}", PAGES[request.param.partition("?")[0]])
    yield page
    context.close()


def widened(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 1000})
    page.wait_for_function(f"() => window.innerWidth === {width}")


def streamlits_own(fault: dict) -> bool:
    fault_id, part = UPLOADER
    uploader = all(part in node["html"] for node in fault["nodes"])
    return fault["id"] in KNOWN or (fault["id"] == fault_id and uploader)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_but_streamlits_own_faults(shown, theme):
    widened(shown, 1440)
    shown.emulate_media(color_scheme=theme)
    shown.wait_for_function(
        "theme => getComputedStyle(document.querySelector('.stApp')).colorScheme === theme",
        arg=theme,
    )
    settled(shown)
    shown.wait_for_timeout(150)  # until the colours of the other theme have faded
    response = Axe().run(shown).response
    found = [fault for fault in response["violations"] if not streamlits_own(fault)]
    assert not found, "\n".join(
        f"{fault['id']}: {node['target']} {node['html'][:300]} {node['failureSummary'][:300]}"
        for fault in found
        for node in fault["nodes"]
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_overflows_sideways(shown, width):
    widened(shown, width)
    shown.wait_for_function(
        "() => { const main = document.querySelector('[data-testid=stMain]');"
        " return main.scrollWidth <= main.clientWidth + 1; }",
        timeout=10_000,
    )


@pytest.mark.parametrize("shown", [MAP], indirect=True)
def test_on_a_phone_the_map_of_defences_scrolls_to_its_last_column(shown):
    widened(shown, min(WIDTHS))
    settled(shown)
    drawing = shown.locator("canvas, svg.marks")
    frames = shown.locator(".st-key-defences").get_by_test_id("stElementContainer")
    frame = frames.filter(has=drawing)
    seen, whole = frame.bounding_box()["width"], frame.locator(drawing).bounding_box()["width"]
    assert whole > 1.5 * seen
    end = "frame => { frame.scrollLeft = frame.scrollWidth; return frame.scrollLeft; }"
    assert frame.evaluate(end) == pytest.approx(whole - seen, abs=2)
