"""The tour as it is presented: by keyboard, at 1280 x 720 pixels, in both themes."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from app.views.tour.steps import STEPS
from tests.browser.test_accessibility import streamlits_own
from tests.browser.test_stories import settled

PROJECTOR = {"width": 1280, "height": 720}
OVERFLOW = """() => {
  const main = document.querySelector('[data-testid=stMain]')
  const bar = document.querySelector('.st-key-tour-steps').getBoundingClientRect()
  const parts = document.querySelector('.st-key-tour-body').getBoundingClientRect()
  return Math.max(
    document.documentElement.scrollHeight - window.innerHeight,
    main.scrollHeight - main.clientHeight,
    parts.bottom - bar.top,
    bar.bottom - window.innerHeight,
  )
}"""


@pytest.fixture(params=["light", "dark"])
def projected(request, chromium):
    context = chromium.new_context(
        viewport=PROJECTOR, color_scheme=request.param, reduced_motion="reduce"
    )
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def started(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("link", name="Take the tour").click()
    at_step(page, 1)


def at_step(page: Page, number: int) -> str:
    """Wait until a step is shown to its end, and return its headline."""
    chosen = page.get_by_role("radiogroup", name="Step").get_by_role("radio", checked=True)
    expect(chosen).to_have_text(str(number))
    expect(page.get_by_role("status")).to_have_text(f"Step {number} of {len(STEPS)}")
    settled(page)
    for chart in page.get_by_test_id("stVegaLiteChart").all():
        chart.locator("canvas, svg").first.wait_for()
    return page.get_by_role("heading", level=1).inner_text()


def fits(page: Page) -> None:
    """Nothing of the step needs scrolling, or lies below the row of controls."""
    overflow = page.evaluate(OVERFLOW)
    assert overflow <= 0, f"{page.url}: {overflow} pixels too high"


def accessible(page: Page) -> None:
    violations = Axe().run(page).response["violations"]
    found = [fault for fault in violations if not streamlits_own(fault)]
    assert not found, "\n".join(
        f"{page.url} {fault['id']}: {node['html'][:300]} {node['failureSummary'][:300]}"
        for fault in found
        for node in fault["nodes"]
    )


def test_the_whole_tour_by_arrow_keys_without_scrolling(server, projected):
    page = projected
    started(page, server.address)
    seen = [at_step(page, 1)]
    fits(page)
    accessible(page)
    for number in range(2, len(STEPS) + 1):
        page.keyboard.press("ArrowRight")
        seen.append(at_step(page, number))
        expect(page).to_have_url(re.compile(rf"step={number}"))
        fits(page)
        accessible(page)
    assert len(set(seen)) == len(STEPS), "every step has a headline of its own"
    expect(page.get_by_text("Try it on your own model")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    at_step(page, len(STEPS) - 1)
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Take the tour")).to_be_visible()
    page.go_back()
    at_step(page, len(STEPS) - 1)


def test_a_guess_by_keyboard_reveals_the_answer(server, projected):
    page = projected
    started(page, server.address)
    page.get_by_role("button", name="A", exact=True).press("Enter")
    expect(page.get_by_role("button", name=re.compile("^A: "))).to_be_visible()
    expect(page.get_by_text(re.compile("Score: [01] of 1"))).to_be_visible()
    settled(page)
    fits(page)
    accessible(page)


def test_controls_keep_the_arrow_keys_they_need(server, page):
    page.set_viewport_size(PROJECTOR)
    page.goto(f"{server.address}/tour?step=6")
    at_step(page, 6)
    slider = page.get_by_role("slider", name=re.compile("Stop once clean accuracy"))
    before = slider.get_attribute("value")
    slider.press("ArrowRight")
    expect(slider).not_to_have_attribute("value", before)
    at_step(page, 6)
    page.goto(f"{server.address}/tour?step=5")
    at_step(page, 5)
    film = page.get_by_role("slider", name="Channels pruned")
    film.press("ArrowRight")
    expect(page.get_by_text(re.compile("^1 of 128 channels pruned"))).to_be_visible()
    at_step(page, 5)


def test_arrow_keys_move_on_from_the_number_that_was_clicked(server, page):
    page.goto(f"{server.address}/tour")
    at_step(page, 1)
    page.get_by_role("radiogroup", name="Step").get_by_text("3", exact=True).click()
    at_step(page, 3)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    at_step(page, 5)


def test_the_tour_of_a_phone_scrolls_down_but_not_sideways(server, page):
    page.set_viewport_size({"width": 420, "height": 900})
    for number in STEPS:
        page.goto(f"{server.address}/tour?step={number}")
        at_step(page, number)
        main = page.get_by_test_id("stMain")
        sideways = main.evaluate("main => main.scrollWidth - main.clientWidth")
        assert sideways <= 1, f"step {number}: {sideways} pixels too wide"
