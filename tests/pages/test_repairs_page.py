"""The page Repairs: every change of state."""

import pandas as pd
import pytest

from engine import store
from engine.core import jobs, paths
from engine.defenses.pruning.curve import PAPER_THRESHOLDS
from engine.defenses.repairs import RECOMMENDED, REPAIRS
from engine.evaluation.metrics import METRICS
from engine.experiments import repair_tables, run_repairs
from engine.experiments.backdoor_reactivation import OF_REPAIRS
from tests.pages.driving import by_label, check_fine, open_page, visible_text, wait_until_finished


@pytest.fixture(scope="session")
def with_repair(furnished, with_results):
    return furnished("with-repair", with_results, ["compare-repairs", "small", "--method", "clp"])


@pytest.fixture
def tried(move_in, with_repair):
    """The small model with one repair tried."""
    return move_in(with_repair)


def buttons(app) -> list[str]:
    return [button.label for button in app.button]


def titles(app) -> list[str]:
    """The repairs of the table."""
    return app.dataframe[0].value["title"].tolist()


def test_without_a_repair_the_page_offers_to_try_the_recommended_one(results):
    app = open_page("repairs")
    assert by_label(app.multiselect, "Repairs to try").value == [RECOMMENDED]
    assert "Try it" in buttons(app)
    assert "There is no repaired copy of this model yet" in visible_text(
        open_page("repairs", tab="Save")
    )
    assert titles(open_page("repairs", tab="All figures"))[0] == "As it is"


def test_what_is_chosen_is_explained_and_several_can_be(results):
    app = open_page("repairs", tab="Try a repair")
    by_label(app.multiselect, "Repairs to try").set_value(["clp", "anp"]).run()
    assert "Try them" in buttons(check_fine(app))
    for name in ("clp", "anp"):
        assert REPAIRS[name].summary in visible_text(app)
    by_label(app.multiselect, "Repairs to try").set_value([]).run()
    assert by_label(check_fine(app).button, "Try it").disabled


def test_a_repair_tried_on_the_page_is_ranked(results, do_jobs):
    app = open_page("repairs")
    by_label(app.multiselect, "Repairs to try").set_value(["clp"]).run()
    by_label(app.button, "Try it").click().run()
    do_jobs()
    wait_until_finished(jobs.job_named("compare-repairs-small"))
    check_fine(app.run())
    assert REPAIRS["clp"].title in by_label(app.selectbox, "In detail").options


def test_the_ranking_has_the_best_first_and_the_papers_thresholds_in_one_row(tried):
    app = open_page("repairs")
    options = by_label(app.selectbox, "In detail").options
    assert "Ceiling of recovered accuracy: not known." in visible_text(app)
    ranked = repair_tables.rank(repair_tables.compare_stored(store.find("small")))
    assert options == ranked["title"].tolist() and len(set(options)) == len(options)
    assert ranked["recovered_accuracy"].is_monotonic_decreasing
    assert options.count(repair_tables.PAPER) == 1


def test_the_advice_does_not_depend_on_test_figures(tried):
    table = repair_tables.compare_stored(store.find("small"))
    repair = table[table["kind"] == "repair"].iloc[0]
    better = repair.copy()
    better["name"], better["recovered_accuracy"] = "fine-tuning", 100.0
    both = pd.DataFrame([repair, better])
    assert repair_tables.find_to_advise(both)["name"] == repair["name"], "the first one tried"
    better["name"], better["recovered_accuracy"] = RECOMMENDED, 0.0
    both = pd.DataFrame([repair, better])
    assert repair_tables.find_to_advise(both)["name"] == RECOMMENDED
    assert repair_tables.find_to_advise(table[table["kind"] == "paper"]) is None


def test_each_row_of_the_ranking_opens(tried):
    app = open_page("repairs")
    for title in by_label(app.selectbox, "In detail").options:
        by_label(app.selectbox, "In detail").select(title).run()
        shown = visible_text(check_fine(app))
        if title == repair_tables.PAPER:
            assert len(app.dataframe[0].value) == len(PAPER_THRESHOLDS)
        if title == REPAIRS["clp"].title:
            assert app.code[0].value.startswith("clp:")
            assert "Before" in shown and "After" in shown


CONFIDENCE = "Confidence in the accuracy limit"


def test_a_repair_is_tried_at_the_confidence_chosen_and_shown_there(tried, do_jobs):
    before = titles(open_page("repairs", tab="All figures"))
    app = open_page("repairs", tab="Try a repair")
    by_label(app.multiselect, "Repairs to try").set_value(["clp"])
    by_label(app.number_input, "Clean accuracy may drop by (points)").set_value(2.5)
    by_label(app.segmented_control, CONFIDENCE).select(95.0).run()
    by_label(check_fine(app).button, "Try it").click().run()
    do_jobs()
    wait_until_finished(jobs.job_named("compare-repairs-small"))
    app = open_page("repairs", tab="All figures")
    assert titles(app) == before
    by_label(app.segmented_control, CONFIDENCE).select(95.0).run()
    title = f"{REPAIRS['clp'].title} (max accuracy drop 2.5)"
    assert titles(check_fine(app)) == [*before[:-1], title]
    assert "max_accuracy_drop=2.5,confidence=95" in visible_text(open_page("repairs", tab="Save"))


def test_before_and_after_follow_the_image(tried):
    app = open_page("repairs")
    by_label(app.selectbox, "In detail").select(REPAIRS["clp"].title).run()
    before = visible_text(check_fine(app))
    by_label(app.selectbox, "Class").select(2).run()
    assert visible_text(check_fine(app)) != before


def test_a_repaired_copy_is_saved_as_a_model_under_a_free_name(tried):
    app = open_page("repairs", tab="Save")
    by_label(app.text_input, "Name of the new model").set_value("mended").run()
    by_label(app.button, "Save as a model").click().run()
    assert "mended" in check_fine(app).success[0].value
    assert store.find("mended").card.repair["method"] == "clp"
    by_label(app.button, "Save as a model").click().run()
    assert "already" in app.error[0].value


def test_without_a_repaired_copy_the_overview_says_that_none_has_been_tried(results):
    assert "No repair has been tried" in visible_text(open_page("overview"))


def test_a_repaired_copy_lets_the_story_end_well_on_the_overview(move_in, nothing_unlearned):
    move_in(nothing_unlearned)
    shown = visible_text(open_page("overview"))
    assert f"Repaired: {REPAIRS[RECOMMENDED].title.lower()}" in shown
    assert "No repair has been tried" not in shown
    assert (paths.repaired_folder() / "small" / RECOMMENDED / "model.keras").exists()


def test_processing_is_measured_from_the_page(results, do_jobs):
    app = open_page("repairs", tab="Does it last?")
    by_label(app.button, "Test the trigger").click().run()
    do_jobs()
    wait_until_finished(jobs.job_named("robustness-small"))
    check_fine(app.run())
    assert "transform" in app.dataframe[-1].value.columns


def reactivated(**about: object) -> pd.DataFrame:
    return pd.DataFrame([{**about, "images": "clean", "epochs": 0} | dict.fromkeys(METRICS, 12.5)])


def test_every_repair_can_be_trained_on_until_all_have_been(tried):
    assert "Test every repair" in buttons(open_page("repairs", tab="Does it last?"))
    small = store.find("small")
    ((repair, copy),) = run_repairs.saved_repairs(small).items()
    for sha256, left in (("0" * 64, True), (copy.card.sha256, False)):
        table = reactivated(repair=repair, sha256=sha256)
        small = small.save_tables({OF_REPAIRS: table}, "python")
        app = open_page("repairs", tab="Does it last?")
        assert ("Test every repair" in buttons(app)) == left
    assert app.dataframe[-1].value["poisoned"].isna().all()


def test_a_repair_trained_on_clean_images_alone_says_what_is_not_measured(
    move_in, nothing_unlearned
):
    move_in(nothing_unlearned)
    copy = run_repairs.saved_repairs(store.find("small"))[RECOMMENDED]
    copy.save_tables({"reactivation": reactivated()}, "python")
    app = open_page("repairs", tab="Does it last?")
    assert "five poisoned images: not measured yet" in visible_text(app)
    assert "clean images" in app.dataframe[-1].value["images"].tolist()
