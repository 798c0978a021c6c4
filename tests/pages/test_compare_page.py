"""The page Compare: every change of state."""

import numpy as np
import pytest

from app.views.compare import confusion
from engine import store
from engine.cli import main
from engine.core import jobs
from tests.pages.driving import by_label, check_fine, open_page, visible_text, wait_until_finished


def titles(app) -> list[str]:
    return by_label(app.selectbox, "First network").options


def test_two_networks_say_what_they_make_of_one_image(results):
    app = open_page("compare")
    first, *others = titles(app)
    assert others, "the same network, pruned, at least"
    before = visible_text(app)
    by_label(app.selectbox, "Second network").select(first).run()
    assert visible_text(check_fine(app)) != before
    by_label(app.selectbox, "Class").select(0).run()
    check_fine(app)


def test_all_test_images_are_classified_on_demand_and_counted(results, do_jobs, capsys):
    app = open_page("compare", tab="All test images")
    by_label(app.selectbox, "Second network").select(titles(app)[0]).run()
    app.button(key="start-predict-small").click().run()
    do_jobs()
    wait_until_finished(jobs.job_named("predict-small"))
    capsys.readouterr()
    app = open_page("compare", tab="All test images")
    assert "classified correctly (the diagonal)" in visible_text(app)
    by_label(app.segmented_control, "Images").select("clean").run()
    share = store.find("small").card.scores["test"]["clean_accuracy"]
    assert f"{share:.1f} % classified correctly" in visible_text(check_fine(app))


def test_the_images_behind_a_cell_are_shown(results, capsys):
    main.main(["predict", "small"])
    capsys.readouterr()
    table = store.find("small").table("predictions")
    label, predicted = (int(table[name].iloc[0]) for name in ("label", "triggered"))
    app = open_page("compare", tab="All test images")
    app.session_state["confusion-cell"] = (0, label, predicted)
    count = int(((table["label"] == label) & (table["triggered"] == predicted)).sum())
    assert f"{count} images of" in visible_text(check_fine(app.run()))


def test_curves_are_overlaid(results):
    app = open_page("compare", tab="Pruning curves")
    assert "Only one of the two" in visible_text(app) or not app.info


def test_cells_count_every_image_once(results, capsys):
    main.main(["predict", "small"])
    capsys.readouterr()
    card, table = store.find("small").card, store.find("small").table("predictions")
    for kind in ("clean", "triggered"):
        plain = np.zeros((len(card.class_names), len(card.class_names)), int)
        for label, predicted in zip(table["label"], table[kind], strict=True):
            plain[label, predicted] += 1
        cells = confusion.count(table, kind, card.class_names)
        found = np.zeros_like(plain)
        found[cells["label"], cells["predicted"]] = cells["images"]
        np.testing.assert_array_equal(found, plain)
    share = 100 * (table["clean"] == table["label"]).mean()
    assert share == pytest.approx(card.scores["test"]["clean_accuracy"])
