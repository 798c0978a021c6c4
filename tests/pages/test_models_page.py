"""The page Models: every change of state."""

from app.frame import header
from engine import store
from engine.core import markdown
from engine.experiments import attack_suite
from engine.store import summary, trash
from tests.pages.driving import by_label, check_fine, metrics, open_page, visible_text


def pressed(app, key):
    (button,) = [button for button in app.button if button.key == key]
    return button.click().run()


def listed(app) -> list[str]:
    """Names of the models with a card, in the order of the page."""
    return [button.key.removeprefix("use-") for button in app.button if button.label == "Use"]


def suite() -> set[str]:
    return {name for name in store.names() if attack_suite.is_suite_model(name)}


def test_every_model_has_a_card_with_its_title_and_three_scores(results):
    app = open_page("models")
    assert sorted(listed(app)) == store.names()
    told = visible_text(app)
    for name in store.names():
        assert summary.title(store.find(name).card) in told
    for score in ("Clean", "Attack", "Recovered"):
        assert told.count(f"{score} \n") >= len(store.names())


def test_models_are_grouped_by_dataset_and_purpose_that_of_the_one_in_use_first(results):
    app = open_page("models", model="gtsrb-clean")
    assert app.header[0].value == "GTSRB"
    own = [name for name in listed(app) if name.startswith("gtsrb-")]
    purposes = [summary.purpose(store.find(name).card) for name in own]
    assert listed(app)[: len(own)] == own
    assert purposes == sorted(purposes, key=("Backdoored", "Clean", "Repaired").index)


def test_networks_that_serve_to_compare_attacks_are_folded_away(results):
    app = open_page("models")
    (folded,) = [box for box in app.expander if "Attack comparison" in box.label]
    assert f"({len(suite())})" in folded.label and not folded.proto.expanded
    assert {button.key.removeprefix("use-") for button in folded.button} == suite()


def test_a_search_finds_models_by_name_title_or_purpose(results):
    app = open_page("models")
    by_label(app.text_input, "Search").set_value("repaired CIFAR").run()
    assert listed(check_fine(app)) == ["cifar10-ftrojan-repaired"]
    by_label(app.text_input, "Search").set_value("wanet").run()
    (folded,) = [box for box in check_fine(app).expander if "Attack comparison" in box.label]
    assert folded.proto.expanded and listed(app) == ["attack-gtsrb-wanet"]
    by_label(app.text_input, "Search").set_value("no such thing").run()
    assert "No model fits." in visible_text(check_fine(app))


def test_a_purpose_leaves_the_others_out(results):
    app = open_page("models")
    by_label(app.pills, "Purpose").select("Clean").run()
    assert {summary.purpose(store.find(name).card) for name in listed(app)} == {"Clean"}


def test_a_card_is_used_from_its_button(results):
    app = pressed(open_page("models"), "use-signs-clean")
    assert check_fine(app).session_state[header.MODEL] == "signs-clean"
    (button,) = [button for button in app.button if button.key == "use-signs-clean"]
    assert button.disabled


def test_the_model_in_use_tells_how_it_was_made_and_how_its_training_went(results):
    app = open_page("models", model="signs-ftrojan", tab="In use")
    assert "5.0% of the training images" in visible_text(app)
    assert metrics(app)["Clean accuracy"] == "97.1 %"
    assert any("engine train signs" in code.value for code in app.code)
    assert not [text for text in app.caption if "no training curves" in text.value]


def test_a_repaired_model_says_that_it_has_no_training_curves(results):
    app = open_page("models", model="signs-ftrojan-repaired", tab="In use")
    assert "There are no training curves" in visible_text(app)


def test_a_deleted_model_can_be_brought_back_and_another_takes_its_place(results):
    app = pressed(open_page("models"), "delete-small")
    assert "small" not in store.names()
    assert check_fine(app).session_state[header.MODEL] == header.DEFAULT_MODEL
    assert "**small** was deleted" in visible_text(app)
    app = pressed(app, "undo-deletion")
    assert "small" in store.names() and "was deleted" not in visible_text(check_fine(app))
    app = pressed(app, "delete-small")
    app = pressed(app, "dismiss-deletion")
    assert "was deleted" not in visible_text(check_fine(app)) and trash.deleted() == ["small"]


def test_models_that_come_with_the_program_have_no_way_to_be_deleted(results):
    app = open_page("models")
    deletable = [button.key for button in app.button if button.label == "Delete"]
    assert deletable == ["delete-small"]


def test_a_damaged_model_is_reported_on_its_own_card_alone(results):
    (store.find("small").folder / "card.json").write_text("{")
    app = open_page("models", model="signs-clean")
    assert "cannot be used" in visible_text(app)


def test_models_of_one_dataset_are_compared_and_then_those_chosen(results):
    app = open_page("models", model="signs-ftrojan", tab="Compare")
    compared = by_label(app.multiselect, "Models to compare")
    assert len(compared.value) == 3
    assert compared.value[0] == "signs-ftrojan"
    assert all(store.find(name).card.dataset == "signs" for name in compared.value)
    by_label(app.multiselect, "Models to compare").set_value(["small", "signs-clean"]).run()
    (table,) = [frame.value for frame in check_fine(app).dataframe]
    titles = [
        markdown.unescape(summary.title(store.find(n).card)) for n in ("small", "signs-clean")
    ]
    assert table["model"].tolist() == titles
    by_label(app.multiselect, "Models to compare").set_value([]).run()
    assert "Choose at least one model." in visible_text(check_fine(app))
