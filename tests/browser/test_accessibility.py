"""Every page in both themes, looked at by axe."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import Server
from tests.browser.test_stories import PAGES, visit

# Streamlit's own: empty headers in its tables, and its charts' pictures.
KNOWN = {"empty-table-header", "svg-img-alt"}
# Its file uploader's, too: a label on a presentational section, found while it loads.
UPLOADER = ("presentation-role-conflict", "stFileUploaderDropzone")
WIDTHS = (420, 1440, 2560)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("axe")
    running = Server(folder / "home", folder / "nothing")
    yield running
    running.stop()


def streamlits_own(fault: dict) -> bool:
    fault_id, part = UPLOADER
    uploader = all(part in node["html"] for node in fault["nodes"])
    return fault["id"] in KNOWN or (fault["id"] == fault_id and uploader)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_but_streamlits_own_faults(server, chromium, path, theme):
    context = chromium.new_context(
        viewport={"width": 1440, "height": 1000}, color_scheme=theme, reduced_motion="reduce"
    )
    context.set_default_timeout(60_000)
    page = context.new_page()
    visit(page, f"{server.address}/{path}", PAGES[path])
    found = [fault for fault in Axe().run(page).response["violations"] if not streamlits_own(fault)]
    context.close()
    assert not found, "\n".join(
        f"{fault['id']}: {node['target']} {node['html'][:300]} {node['failureSummary'][:300]}"
        for fault in found
        for node in fault["nodes"]
    )


@pytest.mark.parametrize("path", PAGES)
def test_no_page_overflows_sideways(server, chromium, path):
    context = chromium.new_context(viewport={"width": WIDTHS[0], "height": 900})
    context.set_default_timeout(60_000)
    page = context.new_page()
    visit(page, f"{server.address}/{path}", PAGES[path])
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(f"() => window.innerWidth === {width}")
        page.wait_for_function(
            "() => { const main = document.querySelector('[data-testid=stMain]');"
            " return main.scrollWidth <= main.clientWidth + 1; }",
            timeout=10_000,
        )
    context.close()
