"""The tour as an animated picture, for the documents: see `tests.screenshots`."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from tests.browser.test_tour import PROJECTOR, at_step

WIDTH = 960  # pixels
MAX_BYTES = 3_000_000
QUALITY = 90
FILM_STEPS = (0, 16, 32, 48, 64, 80, 92, 100, 104, 108, 112, 120, 128)  # channels pruned
THRESHOLD_STEPS = 40  # of half a percentage point each

Frames = list[tuple[Image.Image, int]]  # each with its duration, milliseconds


def record_tour(chromium: Browser, address: str, out: Path) -> None:
    """Take the tour and save what it shows as an animated WebP of about 20 seconds.

    Raises:
        SystemExit: the file is larger than `MAX_BYTES`; nothing is written.
    """
    context = chromium.new_context(viewport=PROJECTOR, reduced_motion="reduce")
    context.set_default_timeout(60_000)
    frames = _take_tour(context.new_page(), address)
    context.close()
    content = BytesIO()
    pictures, durations = zip(*frames, strict=True)
    pictures[0].save(
        content,
        "WEBP",
        save_all=True,
        append_images=pictures[1:],
        duration=list(durations),
        loop=0,
        quality=QUALITY,
        method=6,
    )
    size = len(content.getvalue())
    if size > MAX_BYTES:
        raise SystemExit(f"The animation has {size:,} bytes, more than {MAX_BYTES:,}.")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(content.getvalue())
    print(f"{out}: {sum(durations) / 1000:.1f} seconds, {size:,} bytes")


def _take_tour(page: Page, address: str) -> Frames:
    page.goto(f"{address}/tour")
    at_step(page, 1)
    frames = [_frame(page, 1, 1500)]
    page.get_by_role("button", name="B", exact=True).click()
    page.get_by_text(re.compile("Score:")).wait_for()
    page.mouse.move(0, 0)
    frames.append(_frame(page, 1, 1800))
    frames.append(_next(page, 2, 2300))
    frames.append(_next(page, 3, 2000))
    frames.append(_next(page, 4, 2000))
    frames.extend(_play_film(page))
    frames.append(_next(page, 6, 1300))
    _raise_threshold(page)
    frames.append(_frame(page, 6, 2200))
    frames.extend(_repair(page))
    return frames


def _play_film(page: Page) -> Frames:
    frames = [_next(page, 5, 900)]
    film = page.get_by_role("slider", name="Channels pruned")
    for step in FILM_STEPS:
        film.fill(str(step))
        page.get_by_text(re.compile(rf"^{step} of 128 channels pruned")).wait_for()
        frames.append(_frame(page, 5, 180))
    picture, _ = frames.pop()
    return [*frames, (picture, 1000)]


def _raise_threshold(page: Page) -> None:
    before = page.get_by_role("heading", level=1).inner_text()
    slider = page.get_by_role("slider", name=re.compile("Stop once clean accuracy"))
    for _ in range(THRESHOLD_STEPS):
        slider.press("ArrowRight")
    page.wait_for_function(
        "before => document.querySelector('h1').innerText !== before", arg=before
    )


def _repair(page: Page) -> Frames:
    after, _ = _next(page, 7, 0)
    page.get_by_text("Before", exact=True).click()
    page.mouse.move(0, 0)
    before = _frame(page, 7, 1300)
    return [before, (after, 2300)]


def _next(page: Page, number: int, milliseconds: int) -> tuple[Image.Image, int]:
    page.get_by_role("button", name="Next").click()
    at_step(page, number)
    page.mouse.move(0, 0)
    return _frame(page, number, milliseconds)


def _frame(page: Page, number: int, milliseconds: int) -> tuple[Image.Image, int]:
    """The step as it is shown now, at the animation's size."""
    page.wait_for_load_state("networkidle")
    at_step(page, number)
    page.wait_for_timeout(600)  # charts are drawn after the page says that it is ready
    picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
    height = round(WIDTH * picture.height / picture.width)
    return picture.resize((WIDTH, height), Image.Resampling.LANCZOS), milliseconds
