"""The page Models: every change of state."""

from app import header
from engine import store, trash
from tests.pages.driving import by_label, fine, opened, words


def pressed(app, key):
    (button,) = [button for button in app.button if button.key == key]
    return button.click().run()


def test_every_model_has_a_card_with_its_three_scores(results):
    told = words(opened("models"))
    for name in store.names():
        assert f"**{name}**" in told
    count = len(store.names())
    for score in ("Clean accuracy", "Attack success", "Recovered accuracy"):
        assert told.count(f"{score} ") >= count


def test_a_card_is_used_from_its_button(results):
    app = pressed(opened("models"), "use-signs-clean")
    assert fine(app).session_state[header.MODEL] == "signs-clean"
    assert "In use: signs-clean" in [element.value for element in app.header]


def test_a_deleted_model_can_be_brought_back_and_another_takes_its_place(results):
    app = pressed(opened("models"), "delete-small")
    assert "small" not in store.names()
    assert fine(app).session_state[header.MODEL] == header.FIRST
    assert "**small** was deleted" in words(app)
    app = pressed(app, "undo-deletion")
    assert "small" in store.names() and "was deleted" not in words(fine(app))
    app = pressed(app, "delete-small")
    app = pressed(app, "dismiss-deletion")
    assert "was deleted" not in words(fine(app)) and trash.deleted() == ["small"]


def test_models_that_come_with_the_program_have_no_way_to_be_deleted(results):
    app = opened("models")
    (button,) = [button for button in app.button if button.key == "delete-signs-clean"]
    assert button.disabled


def test_a_damaged_card_is_told_on_its_card_alone(results):
    (store.find("small").folder / "card.json").write_text("{")
    app = opened("models", model="signs-clean")
    assert "cannot be used" in words(app)


def test_models_chosen_are_compared(results):
    app = opened("models")
    by_label(app.multiselect, "Models to compare").set_value(["small", "signs-clean"]).run()
    table = next(frame.value for frame in fine(app).dataframe if "origin" in frame.value)
    assert table["model"].tolist() == ["small", "signs-clean"]
    by_label(app.multiselect, "Models to compare").set_value([]).run()
    assert "Choose at least one model." in words(fine(app))
