"""What people take away: a report, a chart's data, a repaired model loaded again."""

import csv
from pathlib import Path

from PIL import Image
from playwright.sync_api import expect

from tests.browser.test_stories import PAGES, settled, visit


def test_a_report_is_made_downloaded_and_opens_from_disk_alone(server, page, tmp_path):
    visit(page, f"{server.address}/report?threshold=20.0", PAGES["report"])
    page.get_by_role("button", name="Make the report").click()
    button = page.get_by_role("button", name="Download it (HTML)")
    with page.expect_download() as download:
        button.click()
    file = tmp_path / "report.html"
    download.value.save_as(file)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    expect(page.get_by_role("heading", level=1)).to_contain_text("This picture looks clean")
    expect(page.get_by_text("What to do:")).to_be_visible()
    expect(page.get_by_role("img", name="Triggered", exact=True)).to_be_visible()
    expect(page.get_by_text("With a threshold of 20 points")).to_be_visible()
    elsewhere = [url for url in asked if not url.startswith(("file:", "data:"))]
    assert not elsewhere


def test_the_view_is_taken_away_as_a_slide(server, page):
    for path in ("", "pruning"):
        visit(page, f"{server.address}/{path}", PAGES[path])
        with page.expect_download() as download:
            page.get_by_role("button", name="Slide (PNG)").click()
        with Image.open(download.value.path()) as picture:
            assert picture.size == (1920, 1080)
            assert len(picture.convert("RGB").getcolors(1 << 21)) > 100, "it is not blank"


def test_a_charts_data_and_picture_are_saved(server, page):
    visit(page, f"{server.address}/", PAGES[""])
    page.get_by_role("button", name="Save").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Data (CSV)").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert len(list(csv.DictReader(lines))) == 129
    with page.expect_download() as download:
        page.get_by_role("button", name="Picture (SVG)").click()
    assert "<svg" in Path(download.value.path()).read_text()[:200]
    settled(page)
