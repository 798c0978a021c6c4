"""Looking into a channel and a layer, in a real browser."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.test_stories import PAGES, settled, visit, within_view


def click_until(page: Page, chart: Locator, field: str) -> str:
    """Click in the chart until the address holds a new value of `field`: that value.

    A click may fall between two channels: click until one is chosen, and no more, so that no later
    click is still on its way.
    """
    drawn = chart.locator("canvas, svg").first
    expect(drawn).to_be_visible()
    box = drawn.bounding_box()
    for share in (0.5, 0.51, 0.52, 0.53, 0.54):
        page.mouse.click(box["x"] + share * box["width"], box["y"] + 0.4 * box["height"])
        try:
            expect(page).to_have_url(re.compile(rf"\b{field}=\w+"), timeout=5_000)
            break
        except AssertionError:
            continue
    settled(page)
    return re.search(rf"\b{field}=(\w+)", page.url)[1]


def test_a_channel_clicked_shows_its_maps_in_view_and_the_link_keeps_it(server, page):
    page.set_viewport_size({"width": 1440, "height": 900})
    visit(page, f"{server.address}/activations", PAGES["activations"])
    number = click_until(page, page.get_by_test_id("stVegaLiteChart").first, "channel")
    expect(page.get_by_role("spinbutton", name=re.compile("Channel"))).to_have_value(number)
    maps = page.get_by_role("img", name=re.compile(rf"Channel {number} on the triggered image"))
    expect(maps).to_be_visible()
    within_view(page, maps)
    page.goto(page.url)
    expect(maps).to_be_visible()


def test_a_layer_clicked_on_the_path_shows_its_channels_in_view(server, page):
    page.set_viewport_size({"width": 1440, "height": 900})
    path = "activations?activations-tab=Path of the signal"
    visit(page, f"{server.address}/{path}", PAGES["activations"])
    layer = click_until(page, page.get_by_test_id("stVegaLiteChart").first, "layer")
    expect(page.get_by_role("combobox", name="Layer", exact=True)).to_have_value(layer)
    maps = page.get_by_role("img", name=re.compile("on the triggered image")).last
    expect(maps).to_be_visible()
    within_view(page, maps)
