"""The page Models: every change of state."""

from app.frame import header
from engine import store
from engine.core import markdown
from engine.experiments import attack_suite
from engine.store import trash
from tests.pages.driving import by_label, check_fine, open_page, visible_text


def pressed(app, key):
    (button,) = [button for button in app.button if button.key == key]
    return button.click().run()


def test_every_model_has_a_card_with_its_three_scores(results):
    told = visible_text(open_page("models"))
    for name in store.names():
        assert f"**{name}**" in told
    count = len(store.names())
    for score in ("Clean accuracy", "Attack success", "Recovered accuracy"):
        assert told.count(f"{score} ") >= count


def test_networks_that_serve_to_compare_attacks_are_folded_away_and_offered_last(results):
    app = open_page("models")
    names = [name for name in store.names() if attack_suite.is_suite_model(name)]
    (folded,) = [box for box in app.expander if "for the comparison" in box.label]
    assert f"({len(names)})" in folded.label
    told = visible_text(folded)
    assert all((f"**{name}**" in told) == (name in names) for name in store.names())
    assert by_label(app.selectbox, "Model in use").options[-len(names) :] == names
    app = pressed(app, f"use-{names[0]}")
    (folded,) = [box for box in check_fine(app).expander if "for the comparison" in box.label]
    assert f"({len(names) - 1})" in folded.label, "the one in use stands first"


def test_a_card_is_used_from_its_button(results):
    app = pressed(open_page("models"), "use-signs-clean")
    assert check_fine(app).session_state[header.MODEL] == "signs-clean"
    headers = [markdown.unescape(element.value) for element in app.header]
    assert "In use: signs-clean" in headers


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
    (button,) = [button for button in app.button if button.key == "delete-signs-clean"]
    assert button.disabled


def test_a_damaged_model_is_reported_on_its_own_card_alone(results):
    (store.find("small").folder / "card.json").write_text("{")
    app = open_page("models", model="signs-clean")
    assert "cannot be used" in visible_text(app)


def test_models_of_one_dataset_are_compared_and_then_those_chosen(results):
    app = open_page("models", model="signs-ftrojan")
    compared = by_label(app.multiselect, "Models to compare")
    assert compared.value == ["signs-ftrojan", "signs-clean", "signs-ftrojan-repaired"]
    by_label(app.multiselect, "Models to compare").set_value(["small", "signs-clean"]).run()
    table = next(frame.value for frame in check_fine(app).dataframe if "origin" in frame.value)
    assert table["model"].tolist() == ["small", "signs-clean"]
    by_label(app.multiselect, "Models to compare").set_value([]).run()
    assert "Choose at least one model." in visible_text(check_fine(app))


def command(app) -> str:
    (told,) = [code.value for code in app.code if "--name my-model" in code.value]
    return told


def test_any_attack_can_be_trained_with_its_own_rate_labels_and_cross_samples(results):
    app = open_page("models")
    assert "--trigger ftrojan:" in command(app) and "--labels" not in command(app)
    by_label(app.selectbox, "Attack").select("wanet").run()
    assert "--trigger wanet:strength=0.5" in command(check_fine(app))
    by_label(app.number_input, "Cross-samples per poisoned image").set_value(0.5).run()
    assert "--cross-samples 0.5" in command(check_fine(app))
    by_label(app.selectbox, "Attack").select("label-consistent").run()
    told = command(check_fine(app))
    assert "place=corners" in told and "--rate 0.045" in told
    assert "--labels clean-label --pgd-epsilon 16 --surrogate signs-clean" in told
    by_label(app.number_input, "PGD perturbation (grey levels)").set_value(0.0)
    by_label(app.segmented_control, "Labels of the poisoned images").select("dirty-label")
    app.run()
    told = command(check_fine(app))
    assert "--labels" not in told and "--pgd-epsilon" not in told and "--surrogate" not in told
    by_label(app.slider, "Poisoning rate").set_value(10.0).run()
    assert "--rate 0.1" in command(check_fine(app))
    by_label(app.slider, "Dormant channels").set_value(50).run()
    assert "--dormant-share 0.5 --surrogate signs-clean" in command(check_fine(app))


def test_an_attack_without_its_surrogate_says_what_to_do(results):
    app = open_page("models")
    by_label(app.selectbox, "Attack").select("trojan-nn").run()
    assert "--surrogate signs-clean" in command(check_fine(app))
    by_label(app.selectbox, "Dataset").select("cifar10").run()
    assert "needs a clean model of cifar10" in visible_text(check_fine(app))
    (button,) = [button for button in app.button if button.label == "Train"]
    assert button.disabled


def test_an_all_to_all_attack_can_be_trained(results):
    app = open_page("models")
    assert "--target 10" in command(app)
    by_label(app.segmented_control, "Attacker's target").select(True).run()
    assert "--target next" in command(check_fine(app))
