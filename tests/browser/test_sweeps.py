"""A sweep from the form to its chart, in a real browser."""

import re

from playwright.sync_api import expect

from engine.experiments.sweeps.results import SweepResults
from tests.browser.test_stories import choose, settled, visit, within_view
from tests.fixtures.tiny_gtsrb import write_official_archives


def test_a_sweep_is_started_watched_and_looked_at_and_its_address_shows_the_same(
    serve, page, drawn, tmp_path
):
    write_official_archives(tmp_path / "data" / "gtsrb", tracks=3, frames=4)
    server = serve(drawn, tmp_path / "data")
    visit(page, f"{server.address}/sweeps", "Sweeps")
    page.get_by_role("tab", name="New sweep").click()
    settled(page)
    choose(page, "Dataset", "GTSRB")
    seeds = page.get_by_role("spinbutton", name="Seeds")
    seeds.fill("1")
    seeds.press("Enter")
    settled(page)
    expect(page.get_by_test_id("stMetricValue").first).to_have_text("2")
    start = page.get_by_role("button", name="Start the sweep")
    within_view(page, start)
    start.click()

    within_view(page, page.get_by_role("button", name="Stop", exact=True))
    done = page.get_by_test_id("stMetric").filter(has_text="Cells done")
    expect(done).to_contain_text("0 of 2")
    expect(page.get_by_test_id("stVegaLiteChart")).to_be_visible(timeout=120_000)
    expect(done).to_contain_text("2 of 2", timeout=120_000)  # without a reload
    results = SweepResults(server.home / "sweeps" / "sweep-1")
    assert set(results.table(results.cells())["attack"]) == {"ftrojan", "badnets"}

    # The page as it is once nothing runs takes the place of the one that refreshed itself.
    expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)
    settled(page)
    expect(page.get_by_role("combobox", name="Figure")).to_have_count(1)
    choose(page, "Figure", "Clean accuracy")
    expect(page).to_have_url(re.compile("figure=Clean"))
    page.reload()
    settled(page)
    page.get_by_role("tab", name="Results").click()
    settled(page)
    expect(page.get_by_role("combobox", name="Figure")).to_have_value("Clean accuracy")
    expect(page.get_by_test_id("stVegaLiteChart")).to_be_visible()
