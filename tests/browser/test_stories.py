"""What people do with the dashboard, in a real browser."""

import json
import re
import zipfile
from pathlib import Path

import cv2
from playwright.sync_api import Locator, Page, TimeoutError, expect

from app.frame.pages import PAGES as NAVIGATION
from engine.datasets.sample_photos import take_photo
from engine.defenses.inversion import FAMILIES
from engine.defenses.repairs import RECOMMENDED, REPAIRS
from engine.store import StoredModel, cards
from tests.conftest import TARGET
from tests.fixtures import scans
from tests.fixtures.needed import real_data
from tests.fixtures.tiny_gtsrb import write_official_archives

PAGES = {
    "": "This picture looks clean. It isn't.",
    "triggers": "Triggers",
    "spectra": "Spectra",
    "pictures": "Your pictures",
    "data": "Data",
    "own_model": "Check your own model",
    "train": "Train",
    "sweeps": "Sweeps",
    "models": "Models",
    "activations": "Activations",
    "compare": "Compare",
    "detect": "Detect",
    "pruning": "Pruning",
    "repairs": "Repairs",
    "report": "Report",
}
PAGES_OF_OTHERS = {
    "gtsrb-clean": "This network was trained without a backdoor: the trigger does not fool it."
}
SHIPPED = "gtsrb-ftrojan"
SHIPPED_TITLE, FIRST_TITLE = "FTrojan on GTSRB", "FTrojan on drawn signs"


def settled(page: Page) -> None:
    """Wait until the page's script has run to its end; nothing on it is an error."""
    page.wait_for_selector("[data-test-script-state=notRunning]")
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)


def visit(page: Page, address: str, title: str) -> None:
    page.goto(address)
    expect(page.get_by_role("heading", name=title, exact=True, level=1)).to_be_visible()
    settled(page)


def go_to(page: Page, title: str) -> None:
    """Open a page by the navigation bar."""
    (section,) = [entry.section for entry in NAVIGATION.values() if entry.title == title]
    page.get_by_test_id("stTopNavSection").filter(has_text=section).click()
    page.get_by_test_id("stTopNavDropdownLink").filter(has_text=title).click()
    expect(
        page.get_by_role("heading", name=title, exact=True, level=1).or_(
            page.get_by_role("heading", name=PAGES[""], level=1)
        )
    ).to_be_visible()
    settled(page)


def choose(page: Page, control: str, option: str) -> None:
    """Search an option and choose it; again if the page was drawn anew and lost the click."""
    box = page.get_by_role("combobox", name=control)
    for last in (False, False, True):
        limit = 20_000 if last else 5_000  # milliseconds
        try:
            box.click()
            box.fill(option)
            page.get_by_role("option", name=option, exact=True).click(timeout=limit)
            expect(box).to_have_value(option, timeout=limit)
            break
        except (AssertionError, TimeoutError):
            if last:
                raise
            page.keyboard.press("Escape")
    settled(page)


def within_view(page: Page, part: Locator) -> None:
    """It lies within the window, without scrolling."""
    box, size = part.bounding_box(), page.viewport_size
    assert box["y"] >= 0 and box["y"] + box["height"] <= size["height"], box


def test_every_page_with_the_shipped_model_and_real_images(serve, page, real_gtsrb):
    server = serve(real_gtsrb, real_data("gtsrb"))
    for path, title in PAGES.items():
        visit(page, f"{server.address}/{path}?model={SHIPPED}", title)
        expect(page.get_by_role("combobox", name="Model in use")).to_have_value(SHIPPED_TITLE)
        if path == "triggers":
            looked_into_a_comparison(page)
        if path == "spectra":
            chart = page.get_by_test_id("stVegaLiteChart").first
            expect(chart.locator("canvas, svg").first).to_be_visible()


def looked_into_a_comparison(page: Page) -> None:
    """One of the networks that its attacks were compared on opens in a tab of its own."""
    expect(page.get_by_role("img", name="Triggered: Stop")).to_be_visible()
    page.get_by_role("tab", name="Attack comparison").click()
    settled(page)
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open its Overview in a new tab").click()
    used = opened.value.get_by_role("combobox", name="Model in use")
    expect(used).to_have_value(re.compile("attack comparison"))
    settled(opened.value)


def test_a_fresh_copy_without_data_shows_the_whole_story_on_drawn_signs(serve, page, tmp_path):
    (tmp_path / "fresh").mkdir()
    server = serve(tmp_path / "fresh")
    visit(page, f"{server.address}/", PAGES[""])
    expect(page.get_by_role("combobox", name="Model in use")).to_have_value(FIRST_TITLE)
    for kind in ("Clean: Stop", "Triggered: Stop"):
        expect(page.get_by_role("img", name=kind)).to_be_visible()
    expect(page.get_by_text("channels pruned", exact=False).first).to_be_visible()
    visit(page, f"{server.address}/triggers", "Triggers")
    expect(page.get_by_role("img", name=re.compile("Difference"))).to_be_visible()
    visit(page, f"{server.address}/spectra", PAGES["spectra"])
    expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible()


def test_without_its_data_a_models_results_are_shown_and_the_missing_files_named(server, page):
    visit(page, f"{server.address}/?model={SHIPPED}", PAGES[""])
    expect(page.get_by_text("GTSRB_Final_Training_Images.zip").first).to_be_visible()
    expect(page.get_by_text("channels pruned", exact=False).first).to_be_visible()
    for path in ("activations", "pruning"):
        visit(page, f"{server.address}/{path}?model={SHIPPED}", PAGES[path])
        expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible()


def test_a_moved_threshold_changes_the_verdict_and_travels_in_the_link(server, page):
    pruned = page.get_by_text(re.compile(r"^\d+ of 128 channels pruned \("))
    visit(page, f"{server.address}/pruning?threshold=7.0", "Pruning")
    linked = pruned.inner_text()
    visit(page, f"{server.address}/pruning?threshold=2.0", "Pruning")
    assert pruned.inner_text() != linked
    slider = page.get_by_role("slider", name=re.compile("Stop once clean accuracy"))
    slider.focus()
    for _ in range(10):
        slider.press("ArrowRight")
    expect(page.get_by_text(linked, exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile("threshold=7"))
    page.reload()
    expect(page.get_by_text(linked, exact=True)).to_be_visible()


def test_a_repaired_network_is_saved_and_downloaded(server, page):
    visit(page, f"{server.address}/pruning?pruning-tab=Save", "Pruning")
    page.get_by_role("button", name="Save the network pruned for a 20-point drop").click()
    download_button = page.get_by_role("button", name="Download .keras")
    expect(download_button).to_be_visible(timeout=90_000)
    with page.expect_download() as download:
        download_button.click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert "config.json" in archive.namelist()
    cards = list((server.home / "models").glob("*/card.json"))
    assert json.loads(cards[0].read_text())["repair"]["threshold"] == 20


def test_a_training_is_stopped_resumed_and_survives_leaving_the_page_and_a_restarted_server(
    serve, page, drawn, tmp_path
):
    write_official_archives(tmp_path / "data" / "gtsrb", tracks=3, frames=4)
    server = serve(drawn, tmp_path / "data")
    visit(page, f"{server.address}/train?train-dataset=GTSRB", "Train")
    expect(page.get_by_role("combobox", name="Dataset")).to_have_value("GTSRB")
    epochs = page.get_by_role("spinbutton", name="Epochs")
    epochs.fill("3")
    epochs.press("Enter")
    settled(page)
    start = page.get_by_role("button", name="Start training", exact=True)
    within_view(page, start)
    start.click()

    stop = page.get_by_role("button", name="Stop", exact=True)
    expect(stop).to_be_visible()
    within_view(page, stop)
    within_view(page, page.get_by_role("progressbar"))
    within_view(page, page.get_by_test_id("stVegaLiteChart").first)
    stop.click()
    resume = page.get_by_role("button", name="Resume")
    expect(resume).to_be_visible(timeout=90_000)
    within_view(page, resume)
    resume.click()
    for kind in ("Clean", "Triggered"):
        sign = page.get_by_role("img", name=re.compile(f"^{kind}: "))
        expect(sign).to_be_visible(timeout=90_000)
        within_view(page, sign)

    visit(page, f"{server.address}/", PAGES[""])
    server.stop()
    server.start()
    visit(page, f"{server.address}/train", "Train")
    expect(page.get_by_text("train-my-model is running")).to_have_count(0, timeout=180_000)
    # Until a run of the page ends, Streamlit keeps below what it replaces.
    expect(page.get_by_role("textbox", name="Name").first).to_have_value("my-model-2")
    wait_for_epochs(page, server.home / "models" / "my-model" / "card.json", 3)
    visit(page, f"{server.address}/models?model=my-model&models-tab=In+use", "Models")
    expect(page.get_by_text(re.compile(r"Epoch \d of 3 was kept"))).to_be_visible()


def wait_for_epochs(page, card: Path, epochs: int, seconds: int = 180):
    """Until the training that writes the card has run so many epochs; it was stopped before."""
    for _ in range(seconds):
        if card.exists() and cards.read(card).training["epochs_run"] == epochs:
            return
        page.wait_for_timeout(1000)


def test_the_story_ends_with_the_triggered_sign_classified_correctly_again(server, page):
    visit(page, f"{server.address}/", PAGES[""])
    rows = page.get_by_role("table").first.get_by_role("row")
    expect(rows.filter(has_text="As trained")).to_contain_text("attacker's target")
    expect(rows.filter(has_text="Pruned")).to_contain_text("wrong")
    repaired = rows.filter(has_text="Repaired")
    expect(repaired.get_by_text("correct")).to_have_count(2)
    within_view(page, repaired)
    within_view(page, page.get_by_test_id("stVegaLiteChart").first)
    page.get_by_role("link", name="Compare all repairs").click()
    expect(page.get_by_role("heading", name="Repairs", exact=True, level=1)).to_be_visible()
    settled(page)
    in_detail = page.get_by_role("combobox", name="In detail")
    expect(in_detail).to_have_value(REPAIRS[RECOMMENDED].title)
    expect(page.get_by_role("row").filter(has_text="After").get_by_text("correct")).to_have_count(2)
    go_to(page, "Detect")
    expect(page.get_by_role("heading", name="Backdoor found: class 10")).to_be_visible()


def test_the_verdict_of_a_scan_is_in_view_and_another_scan_is_started_and_stopped(
    serve, page, with_model, data
):
    server = serve(with_model, data)
    card = cards.read(server.home / "models" / "small" / "card.json")
    small = StoredModel(server.home / "models" / "small", card)
    scans.store_scan(small, scans.patch(TARGET, card.image_shape[0]))
    page.set_viewport_size({"width": 1440, "height": 900})
    visit(page, f"{server.address}/detect?model=small", PAGES["detect"])
    within_view(page, page.get_by_role("heading", name=f"Backdoor found: class {TARGET}"))
    within_view(page, page.get_by_text("a patch of 3x3 pixels in the lower right corner"))
    for picture in ("Clean", "Recovered trigger", "Attacker's trigger"):
        within_view(page, page.get_by_role("img", name=picture, exact=True))
    page.get_by_role("tab", name="Sizes by family").click()
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(len(FAMILIES))
    settled(page)
    page.get_by_role("button", name="Scan again").click()
    stop = page.get_by_role("button", name="Stop", exact=True)
    expect(stop).to_be_visible()
    within_view(page, stop)
    stop.click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible(timeout=90_000)


def test_a_picture_of_ones_own_is_seen_on_three_pages(server, page, tmp_path):
    photo = tmp_path / "my sign.png"
    cv2.imwrite(str(photo), take_photo(14).picture[..., ::-1])
    visit(page, f"{server.address}/pictures", PAGES["pictures"])
    page.locator("input[type=file]").first.set_input_files(photo)
    expect(page.get_by_text("of 1 picture")).to_be_visible()
    square = page.get_by_role("group", name=re.compile("Crop of"))
    before = square.get_attribute("aria-label")
    square.focus()
    square.press("ArrowRight")
    square.press("-")
    expect(square).not_to_have_attribute("aria-label", before)
    settled(page)
    for title in ("Overview", "Spectra", "Repairs"):
        go_to(page, title)
        expect(page.get_by_role("combobox", name="Picture", exact=True)).to_have_value(photo.name)
    go_to(page, "Overview")
    expect(page.get_by_role("img", name=f"Triggered: {photo.name}")).to_be_visible()


def test_back_and_forward_return_to_exactly_the_view_before(server, page):
    visit(page, f"{server.address}/?model=gtsrb-clean", PAGES_OF_OTHERS["gtsrb-clean"])
    choose(page, "Model in use", FIRST_TITLE)
    expect(page.get_by_role("heading", name=PAGES[""], level=1)).to_be_visible()
    choose(page, "Class", "13: Give way")
    expect(page.get_by_role("img", name="Clean: Give way")).to_be_visible()
    go_to(page, "Pruning")
    slider = page.get_by_role("slider", name=re.compile("Stop once clean accuracy"))
    for _ in range(4):
        slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "22.0")
    choose(page, "Pruning order", "Least active on clean images first")
    settled(page)
    go_to(page, "Compare")
    expect(page.get_by_role("combobox", name="Class")).to_have_value("13: Give way")
    page.go_back()
    expect(page.get_by_role("heading", name="Pruning", level=1)).to_be_visible()
    expect(slider).to_have_attribute("aria-valuetext", "22.0")
    page.go_back()
    expect(page.get_by_role("heading", name=PAGES[""], level=1)).to_be_visible()
    expect(page.get_by_role("combobox", name="Model in use")).to_have_value(FIRST_TITLE)
    expect(page.get_by_role("img", name="Clean: Give way")).to_be_visible()
    page.go_forward()
    expect(page.get_by_role("heading", name="Pruning", level=1)).to_be_visible()
    expect(slider).to_have_attribute("aria-valuetext", "22.0")


def test_a_setting_changed_in_another_tab_is_in_the_address_and_comes_back(server, page):
    visit(page, f"{server.address}/triggers?triggers-tab=Strengths", "Triggers")
    expect(page.get_by_text(re.compile("is the faintest of these"))).to_be_visible(timeout=120_000)
    page.get_by_role("tab", name="One trigger").click()
    expect(page.get_by_role("img", name="Triggered: Stop")).to_be_visible()
    settled(page)
    magnitude = page.get_by_role("spinbutton", name="Magnitude")
    magnitude.fill("90")
    magnitude.press("Enter")
    expect(page).to_have_url(re.compile("magnitude=90"))
    settled(page)
    go_to(page, "Pruning")
    page.go_back()
    expect(page.get_by_role("heading", name="Triggers", level=1)).to_be_visible()
    expect(page.get_by_role("spinbutton", name="Magnitude")).to_have_value("90.00")


def test_the_eye_test_is_played_to_its_end(server, page):
    visit(page, f"{server.address}/triggers?triggers-tab=Eye+test", "Triggers")
    begin = page.get_by_role("button", name="Start", exact=True)
    begin.focus()
    begin.press("Enter")
    left = page.get_by_role("button", name="Left", exact=True)
    for number in range(1, 11):
        expect(page.get_by_text(f"Pair {number} of 10", exact=True)).to_be_visible()
        for side in ("Left picture", "Right picture"):
            expect(page.get_by_role("img", name=side, exact=True)).to_be_visible()
        if number == 4:
            page.reload()
            expect(page.get_by_text("Pair 4 of 10", exact=True)).to_be_visible()
        if number in (1, 4):
            within_view(page, left)
            left.focus()
        expect(left).to_be_focused()  # so that the keyboard alone plays it
        page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile("guessing gives 5 on average"))).to_be_visible()
    expect(page.get_by_text(re.compile(r"^\d+ of 10$"))).to_be_visible()
    expect(page.get_by_role("img", name=re.compile(r"Pair \d+, left picture"))).to_have_count(10)
    settled(page)
    page.get_by_role("button", name="Play again", exact=True).click()
    expect(page.get_by_text("Pair 1 of 10", exact=True)).to_be_visible()
