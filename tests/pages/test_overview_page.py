"""The page Overview and what stands above every page: every change of state."""

from app.frame import header
from engine import store
from engine.experiments import recovery_ceiling
from tests.pages.driving import by_label, check_fine, metrics, open_page, visible_text


def test_a_moved_threshold_prunes_further(results):
    for name in ("overview", "pruning"):
        app = open_page(name)
        before = metrics(app)
        app.slider[0].set_value(30.0).run()
        check_fine(app)
        assert float(metrics(app)["Clean accuracy"][:-2]) < float(before["Clean accuracy"][:-2])


def test_the_story_begins_with_a_network_that_is_misled():
    app = open_page("overview", model="signs-ftrojan")
    assert "✓ correct" in visible_text(app) and "⚠ attacker's target" in visible_text(app)
    assert "As trained" in visible_text(app) and "Pruned: 84% of the channels" in visible_text(app)
    assert f"of the ceiling ({recovery_ceiling.find(store.find('signs-clean')):.1f} %)" in (
        visible_text(app)
    )


def test_at_a_large_threshold_the_attack_is_gone_and_the_page_says_whether_the_sign_is_recovered(
    results,
):
    app = open_page("overview")
    assert visible_text(app).count("attacker's target") == 1, "as trained, it is misled"
    assert "Recovered accuracy: ceiling not known." in visible_text(app)
    app.slider[0].set_value(0.0).run()
    assert "Pruned" not in visible_text(check_fine(app))
    app.slider[0].set_value(60.0).run()
    assert visible_text(check_fine(app)).count("attacker's target") == 1
    assert "channels pruned" in visible_text(app)


def test_another_dataset_with_the_same_classes_shows_its_images(monkeypatch, tmp_path):
    monkeypatch.setenv("PRUNING_LAB_DATA", str(tmp_path / "nowhere"))
    app = open_page("overview", model="signs-clean")
    choice = by_label(app.selectbox, "Images from")
    assert choice.options == ["Images: drawn signs", "Images: GTSRB"]
    choice.select("gtsrb").run()
    assert "GTSRB_Final_Test_Images.zip" in visible_text(check_fine(app)), (
        "they are missing, and it says so"
    )


def test_a_model_trained_on_a_folder_has_no_other_images_to_choose(results):
    app = open_page("overview")
    assert app.session_state[header.DATASET] == "folder:signs"
    assert "Images from" not in [choice.label for choice in app.selectbox]
