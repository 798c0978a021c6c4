"""The tour: what each step says about each kind of model, and every change of state."""

import numpy as np
import pytest

from app import own_pictures
from app.elements import step_keys
from app.own_pictures import Crop, OwnPicture
from app.views.spectra.spectrum_tab import MEAN, ONE_IMAGE
from app.views.tour import look, pruning
from app.views.tour.steps import STEPS
from tests.pages.driving import by_label, check_fine, open_page, visible_text

BACKDOORED, CLEAN, REPAIRED = "signs-ftrojan", "signs-clean", "signs-ftrojan-repaired"
UNMEASURED = {  # step -> what it says of a model without results, and where it leads on
    4: ("not been measured", "activations"),
    5: ("not been computed", "pruning"),
    6: ("not been computed", "pruning"),
}


def step_of_tour(number: int, model: str):
    app = open_page("tour", model)
    app.session_state["step"] = number
    return check_fine(app.run())


def title(app) -> str:
    return app.title[0].value


def links(app) -> list[str]:
    """Names of the pages that the tour links to."""
    return [link.proto.page.rsplit("/")[-1] for link in app.get("page_link")]


@pytest.mark.parametrize("model", [BACKDOORED, CLEAN, REPAIRED])
@pytest.mark.parametrize("number", STEPS)
def test_every_step_has_one_headline_and_one_sentence(model, number):
    app = step_of_tour(number, model)
    assert len(app.title) == 1
    assert title(app) and visible_text(app)


def test_the_buttons_move_one_step_and_stop_at_the_ends():
    app = open_page("tour", BACKDOORED)
    assert by_label(app.button, "Back").disabled
    first = title(app)
    by_label(app.button, "Next").click().run()
    assert title(check_fine(app)) != first
    by_label(app.button, "Back").click().run()
    assert title(check_fine(app)) == first
    assert by_label(step_of_tour(len(STEPS), BACKDOORED).button, "Next").disabled


def test_the_row_of_numbers_leads_to_any_step():
    app = open_page("tour", BACKDOORED)
    by_label(app.segmented_control, "Step").select(3).run()
    assert "waves" in title(check_fine(app))


class FakeGuess:
    """Stands for the element with the two pictures, which only a browser can click."""

    def __init__(self) -> None:
        self.click = None  # the picture to click in the next run
        self.names: list[str] = []
        self.pictures: list[str] = []

    def __call__(self, pictures, names, chosen, colours, title, key, on_pick) -> None:
        self.pictures, self.names, self.chosen, self.colours = pictures, names, chosen, colours
        if self.click is not None:
            on_pick(self.click)
            self.click = None


@pytest.fixture
def fake_guess(monkeypatch):
    fake = FakeGuess()
    monkeypatch.setattr(look, "guess", fake)
    return fake


def test_the_answer_is_hidden_until_a_picture_is_picked(fake_guess):
    app = open_page("tour", BACKDOORED)
    assert fake_guess.pictures[0] != fake_guess.pictures[1]
    assert (fake_guess.names, fake_guess.colours) == (["A", "B"], ["", ""])
    assert fake_guess.chosen is None and "triggered" not in visible_text(app)


def test_a_guess_reveals_the_answer_and_the_first_one_counts(fake_guess, monkeypatch):
    monkeypatch.setattr(look, "_place", lambda *_: 0)
    app = open_page("tour", BACKDOORED)
    for picked, verdict in ((1, "Wrong"), (0, "Correct")):
        fake_guess.click = picked
        app.run()  # the click
        check_fine(app.run())
        assert f"{verdict}: A is triggered" in visible_text(app)
        assert "Score: 0 of 1" in visible_text(app)
        assert fake_guess.names == ["A: triggered", "B: clean"]
        assert fake_guess.chosen == picked


def test_another_picture_is_a_new_guess_and_goes_along_to_the_next_step(fake_guess):
    app = open_page("tour", BACKDOORED)
    before = fake_guess.pictures
    fake_guess.click = 0
    app.run()
    app.run()
    by_label(app.button, "Another picture").click().run()
    assert fake_guess.names == ["A", "B"] and fake_guess.pictures != before
    by_label(app.button, "Next").click().run()
    assert by_label(check_fine(app).selectbox, "Try another class").value == 15


def test_another_class_is_predicted_and_stays_for_the_other_steps(fake_guess):
    app = step_of_tour(2, BACKDOORED)
    assert "Stop" in title(app)
    by_label(app.selectbox, "Try another class").select(0).run()
    assert "Stop" not in title(check_fine(app))
    app.session_state["step"] = 1
    app.run()
    pictures = fake_guess.pictures
    app.session_state["step"] = 2
    app.run()
    assert by_label(check_fine(app).selectbox, "Try another class").value == 0
    assert pictures != []


@pytest.mark.parametrize(
    ("model", "said"),
    [(BACKDOORED, "The trigger turns “Stop” into"), (CLEAN, "does not change the answer")],
)
def test_the_prediction_says_whether_the_trigger_changes_it(model, said):
    assert said in title(step_of_tour(2, model))


def test_the_spectrum_of_one_image_or_of_many():
    app = step_of_tour(3, BACKDOORED)
    control = by_label(app.segmented_control, "Change of the spectrum in")
    assert control.value == MEAN
    before = app.get("vega_lite_chart")[0].proto.spec
    control.select(ONE_IMAGE).run()
    assert app.get("vega_lite_chart")[0].proto.spec != before
    check_fine(app)


def test_more_channels_are_marked_and_listed():
    app = step_of_tour(4, BACKDOORED)
    assert "The 5 that rise most" in visible_text(app)
    by_label(app.slider, "Channels to mark").set_value(1).run()
    assert "The channel that rises most" in visible_text(check_fine(app))


def test_the_film_moves_the_line_on_the_curve(monkeypatch):
    steps = []

    def fake_film(table, strengths, step, key, on_step, styles):
        steps.append(step)
        on_step(7)

    monkeypatch.setattr(pruning, "film", fake_film)
    app = step_of_tour(5, BACKDOORED)
    app.run()
    assert steps[0] == 0 and steps[-1] == 7


def test_a_larger_threshold_prunes_further_and_the_title_follows():
    app = step_of_tour(6, BACKDOORED)
    app.slider[0].set_value(2.0).run()
    assert "still works" in title(check_fine(app))
    app.slider[0].set_value(60.0).run()
    assert "is not a repair" in title(check_fine(app))


def test_the_repair_is_compared_with_the_network_before():
    app = step_of_tour(7, BACKDOORED)
    assert "This repair works" in title(app)
    after = pictures_in(app)
    by_label(app.segmented_control, "Triggered pictures").select("Before").run()
    assert pictures_in(check_fine(app)) != after
    assert "⚠" in pictures_in(app) and "⚠" not in after


def test_the_tour_ends_with_ones_own_model():
    for model in (BACKDOORED, CLEAN, REPAIRED):
        assert {"train", "models", "pictures"} <= set(links(step_of_tour(7, model)))


def test_of_a_clean_model_the_story_says_that_there_is_no_backdoor():
    assert "no working backdoor" in title(step_of_tour(6, CLEAN))
    assert "nothing to repair" in title(step_of_tour(7, CLEAN))


@pytest.mark.parametrize("number", UNMEASURED)
def test_a_missing_result_is_named_with_the_link_that_leads_on(number):
    app = step_of_tour(number, REPAIRED)
    said, page = UNMEASURED[number]
    assert said in visible_text(app) and page in links(app)


def test_an_untried_repair_is_named_with_the_link_that_leads_on(results):
    app = step_of_tour(7, "small")
    assert "No repair has been tried" in title(app) and "repairs" in links(app)


def test_a_repair_whose_copy_is_not_stored_shows_its_figures():
    app = step_of_tour(7, "attack-gtsrb-badnets")
    assert "not stored" in visible_text(app) and "repairs" in links(app)


@pytest.mark.parametrize("available", [True, False])
def test_ones_own_picture_takes_part_in_every_step(fake_guess, monkeypatch, tmp_path, available):
    if not available:
        monkeypatch.setenv("PRUNING_LAB_DATA", str(tmp_path / "nowhere"))
    app = open_page("tour", BACKDOORED if available else "gtsrb-ftrojan")
    photo = np.full((40, 50, 3), 90, np.uint8)
    app.session_state[own_pictures._PICTURES] = {
        "mine": OwnPicture("my-sign.jpg", photo, Crop.centred(40, 50))
    }
    app.session_state[own_pictures._IN_USE] = "mine"
    for number in STEPS:
        app.session_state["step"] = number
        check_fine(app.run())
        if number == 2:
            assert not any(box.label == "Try another class" for box in app.selectbox)
        if number in (6, 7):
            assert "Triggered: my-sign.jpg" in pictures_in(app)


@pytest.mark.parametrize("number", [1, 2, 3, 6])
def test_without_images_a_step_says_how_to_get_some(number, monkeypatch, tmp_path):
    monkeypatch.setenv("PRUNING_LAB_DATA", str(tmp_path / "nowhere"))
    app = step_of_tour(number, "gtsrb-ftrojan")
    assert "is not here" in visible_text(app) and "pictures" in links(app)


def test_a_browser_cannot_send_a_step_that_there_is_not(monkeypatch):
    sent = {}
    monkeypatch.setattr(step_keys, "_keys", lambda **arguments: sent.update(arguments))
    moves = []
    state = {"keys": {"step": 9}}
    monkeypatch.setattr(step_keys.st, "session_state", state)
    step_keys.listen(1, 7, "row", "leave", "keys", moves.append)
    for wanted in (9, 0, "2", None, 3):
        state["keys"]["step"] = wanted
        sent["on_step_change"]()
    assert moves == [3]


def pictures_in(app) -> str:
    """The row of triggered pictures, as HTML."""
    return next(html.proto.body for html in app.get("html") if "tour-row" in html.proto.body)
