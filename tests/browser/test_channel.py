"""Looking into a channel, in a real browser."""

import re

from playwright.sync_api import expect

from tests.browser.test_stories import PAGES, visit


def test_a_bar_clicked_shows_its_channels_maps_and_the_link_keeps_it(server, page):
    visit(page, f"{server.address}/activations", PAGES["activations"])
    chart = page.get_by_test_id("stVegaLiteChart").first
    drawn = chart.locator("canvas, svg").first
    expect(drawn).to_be_visible()
    channel = page.get_by_role("spinbutton", name=re.compile("Channel"))
    expect(channel).to_have_value("")
    box = drawn.bounding_box()
    # A click may fall between two channels: click until one is chosen, and no more, so that no
    # later click is still on its way.
    for share in (0.5, 0.51, 0.52, 0.53, 0.54):
        page.mouse.click(box["x"] + share * box["width"], box["y"] + 0.55 * box["height"])
        try:
            expect(channel).not_to_have_value("", timeout=5_000)
            break
        except AssertionError:
            continue
    number = channel.input_value()
    maps = page.get_by_role("img", name=re.compile(rf"Channel {number} on the triggered image"))
    expect(maps).to_be_visible()
    expect(page).to_have_url(re.compile(f"channel={number}"))
    page.goto(page.url)
    expect(maps).to_be_visible()
