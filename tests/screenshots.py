"""Pictures of the dashboard, for the documents.

``python -m tests.screenshots --out FOLDER`` saves a screenshot of every page, and
``python -m tests.screenshots --tour FILE.webp`` an animation of the tour.
"""

from __future__ import annotations

import argparse
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from PIL.Image import Quantize
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import Server
from tests.browser.test_stories import PAGES, settled, visit
from tests.fixtures.needed import browser
from tests.screenshots_tour import record_tour

COLOURS = 256  # of each picture, to keep its file small; chosen so that thin lines keep theirs


def take_pictures(chromium: Browser, address: str, theme: str, width: int, out: Path) -> None:
    """Save a full-length picture of each page."""
    context = chromium.new_context(
        viewport={"width": width, "height": 1000}, color_scheme=theme, reduced_motion="reduce"
    )
    context.set_default_timeout(60_000)
    page = context.new_page()
    for path, title in PAGES.items():
        visit(page, f"{address}/{path}", title)
        _fit_height(page, width)
        picture = (
            Image.open(BytesIO(page.screenshot()))
            .convert("RGB")
            .quantize(COLOURS, Quantize.MAXCOVERAGE, kmeans=2)
        )
        picture.save(out / f"{path or 'overview'}-{theme}-{width}.png", optimize=True)
        page.set_viewport_size({"width": width, "height": 1000})
    context.close()


def _fit_height(page: Page, width: int) -> None:
    """Make the window as high as the page, which grows while it loads."""
    height, needed = 0, 1000
    while needed > height:
        height = needed
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(1000)  # a rerun may be about to start
        settled(page)
        for chart in page.get_by_test_id("stVegaLiteChart").all():
            chart.locator("canvas, svg").first.wait_for()
        needed = page.get_by_test_id("stMain").evaluate("main => main.scrollHeight")


def _take_all_pictures(chromium: Browser, address: str, options: argparse.Namespace) -> None:
    options.out.mkdir(parents=True, exist_ok=True)
    for theme in options.themes.split(","):
        for width in map(int, options.widths.split(",")):
            take_pictures(chromium, address, theme, width, options.out)


def main() -> None:
    """Start a server and save the pictures that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, metavar="FOLDER")
    parser.add_argument("--tour", type=Path, metavar="FILE.webp")
    parser.add_argument("--widths", default="1440", metavar="1440,420")
    parser.add_argument("--themes", default="light,dark")
    options = parser.parse_args()
    if not options.out and not options.tour:
        parser.error("nothing to do: give --out or --tour")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Server(Path(folder) / "home", Path(folder) / "nothing")
        chromium = playwright.chromium.launch(
            executable_path=browser(), args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            if options.out:
                _take_all_pictures(chromium, server.address, options)
            if options.tour:
                record_tour(chromium, server.address, options.tour)
        finally:
            chromium.close()
            server.stop()


if __name__ == "__main__":
    main()
