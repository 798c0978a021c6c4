"""What a browser may do with the dashboard, and who can reach it, in a real browser."""

import json
import re
import shutil
import socket
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from engine.networks import architectures
from tests.browser.test_stories import PAGES, settled, visit

WATCH = """
window.violations = []
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`))
"""
OURS = re.compile(r"^(https?://127\.0\.0\.1:\d+/|data:|blob:|about:)")
MISSING = "the server responded with a status of 404"  # Streamlit seeking where it is mounted


@pytest.fixture
def watched(page):
    """A page, with what its console and its requests gave reason to worry about."""
    page.add_init_script(WATCH)
    page.worries = []

    def note(text: str) -> None:
        page.worries.append(text)

    def console(message) -> None:
        if message.type == "error" and MISSING not in message.text:
            note(message.text)

    page.on("console", console)
    page.on("pageerror", lambda error: note(str(error)))
    page.on("request", lambda asked: OURS.match(asked.url) or note(asked.url))
    return page


def at_peace(page: Page) -> None:
    settled(page)
    assert page.evaluate("window.violations") == [] and page.worries == []


def test_every_page_works_within_what_the_browser_may_do(server, watched):
    for path, title in PAGES.items():
        visit(watched, f"{server.address}/{path}", title)
        for chart in watched.get_by_test_id("stVegaLiteChart").all():
            expect(chart.locator("canvas, svg").first).to_be_visible()
        at_peace(watched)


def test_elements_of_our_own_move_within_what_the_browser_may_do(server, watched):
    visit(watched, f"{server.address}/pruning", "Pruning")
    watched.get_by_role("button", name="▶ Play").click()
    expect(watched.get_by_role("button", name="❚❚ Pause")).to_be_visible()
    slider = watched.get_by_role("slider", name=re.compile("Stop once clean accuracy"))
    slider.press("ArrowRight")
    at_peace(watched)

    visit(watched, f"{server.address}/triggers?laid-over=true", "Triggers")
    divider = watched.get_by_role("slider", name=re.compile("Divider between"))
    divider.focus()
    divider.press("ArrowRight")
    assert divider.input_value() == "51"
    number = watched.get_by_role("spinbutton", name=re.compile(r"Image \(of"))
    before = number.input_value()
    watched.locator(".st-key-image-grid [aria-pressed=false]").first.click()
    expect(number).not_to_have_value(before)
    at_peace(watched)


def test_reports_downloads_and_uploads_work_within_what_the_browser_may_do(
    server, watched, tmp_path
):
    visit(watched, f"{server.address}/report", "Report")
    watched.get_by_role("button", name="Make the report").click()
    report = watched.frame_locator("iframe")
    expect(report.get_by_role("heading", level=1)).to_contain_text("This picture looks clean")
    expect(report.get_by_role("img").first).to_be_visible()
    with watched.expect_download() as download:
        watched.get_by_role("button", name="Download it (HTML)").click()
    assert "What to do:" in download.value.path().read_text(encoding="utf-8")
    at_peace(watched)

    visit(watched, server.address, PAGES[""])
    watched.get_by_role("button", name="Save").click()
    with watched.expect_download() as download:
        watched.get_by_role("button", name="Picture (SVG)").click()
    assert download.value.path().read_text(encoding="utf-8").startswith("<svg")
    at_peace(watched)

    architectures.paper_network().save(tmp_path / "theirs.keras")
    visit(watched, f"{server.address}/own_model", "Check your own model")
    watched.locator("input[type=file]").first.set_input_files(tmp_path / "theirs.keras")
    expect(watched.get_by_text("theirs.keras")).to_be_visible()
    at_peace(watched)


OUTSIDE = "https://example.com/x.png"


def test_nothing_is_loaded_from_elsewhere_whatever_gets_into_a_page(server, watched):
    visit(watched, server.address, PAGES[""])
    watched.evaluate(
        """async (address) => {
          const done = (part) => new Promise((end) => { part.onerror = end; part.onload = end })
          const add = (tag, settings) => Object.assign(document.createElement(tag), settings)
          const picture = add("img", { src: address }), script = add("script", { src: address })
          document.body.append(picture, script, add("iframe", { src: address }))
          document.body.insertAdjacentHTML("beforeend", "<img src='' onerror='window.ran = true'>")
          await Promise.all([done(picture), done(script), fetch(address).catch(() => {})])
        }""",
        OUTSIDE,
    )
    refused = {text.split()[0] for text in watched.evaluate("window.violations")}
    kinds = {"img-src", "script-src-elem", "script-src-attr", "frame-src", "connect-src"}
    assert refused == kinds and watched.evaluate("window.ran") is None


NAMES = [
    f"![x]({OUTSIDE})",
    f"<img src={OUTSIDE}>",
    ":material/warning: :smile: :red[loud]",
    "# Heading of www.example.com and a@example.com",
    "not shown",
    "$x^2$ ~~gone~~ `code` | **bold** [link](https://example.com)",
]


def test_names_on_a_strangers_card_are_shown_as_they_are_written(
    serve, watched, with_results, data, tmp_path
):
    home = Path(shutil.copytree(with_results, tmp_path / "edited"))
    card = home / "models" / "small" / "card.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"class_names": NAMES}))
    server = serve(home, data)
    visit(watched, f"{server.address}/pruning?model=small&pruning-tab=Before+and+after", "Pruning")
    shown = watched.get_by_test_id("stImageCaption")
    expect(shown).to_have_count(4)
    captions = [text.replace("\u2060", "") for text in shown.all_inner_texts()]
    assert captions == [f"Triggered: {NAMES[label]}" for label in (0, 2, 3, 5)]
    expect(watched.locator("a[href*='example.com']")).to_have_count(0)
    expect(watched.get_by_role("heading", level=1)).to_have_count(1)
    at_peace(watched)
    visit(watched, f"{server.address}/models?model=small&models-tab=In+use", "Models")
    seen = watched.get_by_test_id("stMain").inner_text().replace("\u2060", "")
    assert f"labelled 1: {NAMES[1]}." in seen
    at_peace(watched)


def own_address() -> str:
    """Under which others reach this machine; nothing is sent to learn it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(asking.getsockname()[0])


def test_others_on_the_network_cannot_reach_the_dashboard(server):
    address = own_address()
    if address.startswith("127."):
        pytest.skip("this machine has no address under which others could reach it")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address, server.port), timeout=5)


@pytest.mark.parametrize("path", ["", "static/js", "_stcore/health", "nowhere/at/all"])
def test_every_answer_has_its_headers(server, path):
    if path == "static/js":
        index = urllib.request.urlopen(server.address).read().decode()
        path = re.search(r"\./(static/js/index[^\"]+)", index)[1]
    with urllib.request.urlopen(f"{server.address}/{path}") as answer:
        headers = answer.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy and "default-src 'none'" in policy
    assert "http" not in policy and "*" not in policy and "'unsafe-eval'" not in policy
