"""The threshold dragged on the chart, the film, the swipe and the grid, in a real browser."""

import re

from playwright.sync_api import expect

from tests.browser.test_stories import PAGES, settled, visit


def drag(page, chart, start: float, end: float) -> None:
    """Press on the chart, move in steps and let go; places are shares of its width."""
    box = chart.bounding_box()
    height = box["y"] + 0.6 * box["height"]
    page.mouse.move(box["x"] + start * box["width"], height)
    page.mouse.down()
    for share in (0.25, 0.5, 0.75, 1.0):
        page.mouse.move(box["x"] + (start + share * (end - start)) * box["width"], height)
    page.mouse.up()


def test_the_curve_is_dragged_and_slider_film_and_link_follow(server, page):
    visit(page, f"{server.address}/pruning", PAGES["pruning"])
    pruned = page.get_by_text(re.compile(r"^\d+ of 128 channels pruned \("))
    before = pruned.inner_text()
    chart = page.get_by_test_id("stVegaLiteChart").first
    expect(chart.locator("canvas, svg").first).to_be_visible()
    drag(page, chart, 0.5, 0.7)
    expect(page.get_by_text(before, exact=True)).to_have_count(0)
    settled(page)
    (channels,) = re.findall(r"channels=(\d+)", page.url)
    expect(pruned).to_contain_text(f"{channels} of 128")
    expect(page.get_by_role("slider", name="Channels pruned")).to_have_value(channels)
    slider = page.get_by_role("slider", name=re.compile("Stop once clean accuracy"))
    assert float(slider.input_value()) < 20
    after = pruned.inner_text()
    page.goto(page.url)
    expect(page.get_by_text(after, exact=True)).to_be_visible()


def test_a_shared_link_shows_the_same_view(server, page):
    link = f"{server.address}/?class=13: Give way&image=3&threshold=30"
    visit(page, link, PAGES[""])
    expect(page.get_by_role("img", name="Clean: Give way")).to_be_visible()
    expect(page.get_by_role("spinbutton", name=re.compile(r"Image \(of"))).to_have_value("3")
    expect(page.get_by_text(re.compile(r"\d+ of 128 channels pruned")).first).to_be_visible()


def test_the_film_plays_pauses_goes_by_keys_and_moves_the_threshold(server, page):
    visit(page, f"{server.address}/pruning?threshold=0.0", PAGES["pruning"])
    shown = page.get_by_text(re.compile(r"\d+ of 128 channels pruned, attack success"))
    expect(shown).to_contain_text("0 of 128")
    page.get_by_role("button", name="Play").click()
    expect(shown).to_contain_text("Just removed: channel")
    page.get_by_role("button", name="Pause").click()
    settled(page)
    here = shown.inner_text()
    expect(page).to_have_url(re.compile(r"channels=\d+"))
    page.get_by_role("button", name="One channel further").click()
    expect(shown).not_to_have_text(here)
    scrubber = page.get_by_role("slider", name="Channels pruned")
    scrubber.press("End")
    expect(shown).to_contain_text("128 of 128")
    expect(page.get_by_text(re.compile(r"^128 of 128 channels pruned \("))).to_be_visible()
    expect(page.get_by_role("button", name="Play")).to_be_visible()


def test_keys_move_the_divider_and_a_picture_can_be_picked_from_the_grid(server, page):
    visit(page, f"{server.address}/triggers?laid-over=true", PAGES["triggers"])
    divider = page.get_by_role("slider", name="Divider between Clean and Triggered")
    divider.press("Home")
    assert divider.get_attribute("aria-valuetext") == "Clean: 0 % of the width"
    page.get_by_role("button", name="Stop, image 1", exact=True).click()
    expect(page.get_by_role("spinbutton", name=re.compile(r"Image \(of"))).to_have_value("1")
    expect(page).to_have_url(re.compile("image=1"))
