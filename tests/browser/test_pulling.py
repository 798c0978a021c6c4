"""The threshold pulled on the chart, the film, the swipe and the grid, in a real browser."""

import re

from playwright.sync_api import expect

from tests.browser.test_stories import PAGES, settled, visit


def pull(page, chart, start: float, end: float) -> None:
    """Press on the chart, move in steps and let go; places are shares of its width."""
    box = chart.bounding_box()
    height = box["y"] + 0.6 * box["height"]
    page.mouse.move(box["x"] + start * box["width"], height)
    page.mouse.down()
    for share in (0.25, 0.5, 0.75, 1.0):
        page.mouse.move(box["x"] + (start + share * (end - start)) * box["width"], height)
    page.mouse.up()


def test_the_threshold_is_dragged_on_the_chart_and_slider_table_and_link_follow(server, page):
    visit(page, f"{server.address}/pruning", PAGES["pruning"])
    pruned = page.get_by_text(re.compile(r"\d+ of 128 channels pruned"))
    before = pruned.inner_text()
    chart = page.get_by_test_id("stVegaLiteChart").first
    expect(chart.locator("canvas, svg").first).to_be_visible()
    chart.scroll_into_view_if_needed()
    pull(page, chart, 0.5, 0.85)
    expect(page.get_by_text(before, exact=True)).to_have_count(0)
    settled(page)
    (pulled,) = re.findall(r"threshold-pruning=([\d.]+)", page.url)
    assert float(pulled) > 2
    slider = page.get_by_role("slider", name=re.compile("Stop once clean accuracy"))
    assert float(slider.input_value()) == float(pulled)
    save = page.get_by_role(
        "button", name=f"Save the network pruned for a {float(pulled):g}-point drop"
    )
    expect(save).to_be_visible()
    after = pruned.inner_text()
    page.goto(page.url)
    expect(page.get_by_text(after, exact=True)).to_be_visible()


def test_a_shared_link_shows_the_same_view(server, page):
    link = f"{server.address}/?class=13: Give way&image=3&threshold-overview=30"
    visit(page, link, PAGES[""])
    expect(page.get_by_role("img", name="Clean: Give way")).to_be_visible()
    expect(page.get_by_role("spinbutton", name=re.compile(r"Image \(of"))).to_have_value("3")
    expect(page.get_by_text(re.compile(r"\d+ of 128 channels pruned"))).to_be_visible()


def test_the_film_plays_pauses_and_goes_by_keys(server, page):
    visit(page, f"{server.address}/pruning", PAGES["pruning"])
    told = page.get_by_text(re.compile(r"\d+ of 128 channels are switched off"))
    expect(told).to_have_text("0 of 128 channels are switched off.")
    page.get_by_role("button", name="Play").click()
    expect(told).to_contain_text("Just switched off: channel")
    page.get_by_role("button", name="Pause").click()
    here = told.inner_text()
    scrubber = page.get_by_role("slider", name="Channels pruned")
    scrubber.press("ArrowRight")
    expect(told).not_to_have_text(here)
    scrubber.press("End")
    expect(told).to_contain_text("128 of 128")
    expect(page.get_by_role("button", name="Play")).to_be_visible()


def test_keys_move_the_divider_and_a_picture_can_be_picked_from_the_grid(server, page):
    visit(page, f"{server.address}/triggers", PAGES["triggers"])
    divider = page.get_by_role("slider", name="Divider between Clean and Triggered")
    divider.press("Home")
    assert divider.get_attribute("aria-valuetext") == "Clean: 0 % of the width"
    page.get_by_role("button", name="Stop, image 1", exact=True).click()
    expect(page.get_by_role("spinbutton", name=re.compile(r"Image \(of"))).to_have_value("1")
    expect(page).to_have_url(re.compile("image=1"))
