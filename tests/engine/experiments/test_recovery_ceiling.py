"""The ceiling of recovered accuracy: measured with a clean network, stored, and found."""

import json
import math
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest

from engine import store
from engine.cli import main
from engine.datasets import load_dataset
from engine.evaluation import metrics
from engine.experiments import recovery_ceiling, repair_tables
from engine.experiments.eval_pairs import score_splits
from engine.reporting.metric_style import describe_ceiling
from engine.store import StoredModel
from engine.training.training_config import TrainingConfig
from tests.fixtures.unknown import DATASET, SIDE, TARGET, corner_network

pytestmark = pytest.mark.usefixtures("at_unknown")


def predicting(label: int):
    """A network that predicts one class for every image."""
    network = corner_network()
    weights, bias = network.get_layer("dense").get_weights()
    network.get_layer("dense").set_weights([np.zeros_like(weights), np.eye(len(bias))[label]])
    return network


def store_clean(name: str, label: int = 0, again: bool = False, suite: str = "", **training):
    """A model trained on clean images, so its card says, that predicts one class."""
    dataset, network = load_dataset(DATASET, size=SIDE), predicting(label)
    like = store.find("assumed").card
    backdoor = replace(store.find("assumed").card.backdoor, text="badnets:size=2")
    card = replace(
        like,
        name=name,
        trigger=backdoor.text,
        rate=0.0,
        poisoned=0,
        assumed=False,
        imported={},
        suite=suite,
        training=asdict(TrainingConfig())
        | {"epochs_run": 1, "epoch_kept": 1, "stopped": False}
        | training,
        scores=score_splits(network, dataset, backdoor),
    )
    return store.save(card, network, {}, replace=again)


def measured() -> StoredModel:
    """The model whose trigger is assumed, its ceiling measured: a half shows the class predicted.

    Attack success leaves out the target, one class of three.
    """
    store_clean("tiny-clean")
    return recovery_ceiling.measure(store.find("assumed"), load_dataset(DATASET, size=SIDE))


def test_the_command_stores_what_a_clean_network_makes_of_the_triggered_images(capsys):
    assert recovery_ceiling.find(store.find("assumed")) is None
    store_clean("tiny-clean")
    assert main.main(["ceiling", "assumed", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["ceilings"]
    assert (row["clean_model"], row["images"], row["ceiling"]) == ("tiny-clean", 24, 50)
    assert row["recovered_of_ceiling"] == pytest.approx(2 * row["recovered_accuracy"], abs=0.01)
    stored = store.find("assumed")
    assert stored.table("ceiling")["correct"].tolist() == [12]
    assert stored.card.commands[-1] == "python -m engine ceiling assumed"
    assert recovery_ceiling.find(stored) == 50


@pytest.mark.parametrize(
    ("model", "told"),
    [("unknown", "No trigger is known"), ("assumed", "train folder:tiny --rate 0")],
)
def test_without_a_trigger_or_a_clean_network_there_is_no_ceiling_to_measure(model, told, capsys):
    assert main.main(["ceiling", model]) == 2
    assert told in capsys.readouterr().err


def test_models_with_the_same_triggered_images_share_the_ceiling():
    stored = measured()
    assert recovery_ceiling.find(store.copy_as(stored, "same")) == 50
    other = StoredModel(stored.folder.parent / "other", replace(stored.card, target=TARGET - 1))
    assert recovery_ceiling.find(other) is None


def test_a_clean_model_is_its_own_ceiling_and_that_of_its_trigger():
    clean = store_clean("tiny-clean")
    recovered = clean.card.scores["test"]["recovered_accuracy"]
    assert recovery_ceiling.find(clean) == recovered == 50
    same = StoredModel(clean.folder.parent / "poisoned", replace(clean.card, poisoned=3, rate=0.1))
    assert recovery_ceiling.find(same) == recovered
    assert recovery_ceiling.find(store.find("unknown")) is None


def test_the_clean_network_with_the_same_training_is_chosen():
    for name, settings in (
        ("a", {"epochs": 2}),
        ("b", {"seed": 1}),
        ("c", {"suite": "none", "seed": 1}),
        ("d", {"suite": "none"}),
    ):
        store_clean(name, **settings)

    def chosen(suite: str, **training) -> str:
        of = store.find("b").card
        settings = asdict(TrainingConfig()) | training
        found = recovery_ceiling.find_clean_model(replace(of, suite=suite, training=settings))
        return found.name

    assert [chosen("", epochs=2), chosen("", seed=1)] == ["a", "b"]
    assert [chosen("badnets"), chosen("badnets", seed=1)] == ["d", "c"]


def test_a_ceiling_is_measured_once_and_again_when_the_clean_network_changes():
    dataset = load_dataset(DATASET, size=SIDE)
    assert recovery_ceiling.measure_missing(store.find("assumed"), dataset).table("ceiling") is None
    stored = measured()
    file = stored.folder / "ceiling.csv"
    file.write_text(file.read_text().replace(",50", ",49"))
    again = recovery_ceiling.measure_missing(stored, dataset)
    assert recovery_ceiling.find(again) == 49, "it was not measured again"
    store_clean("tiny-clean", label=TARGET, again=True)
    assert recovery_ceiling.find(recovery_ceiling.measure_missing(stored, dataset)) == 0


def test_a_damaged_file_makes_it_unknown():
    stored = measured()
    (stored.folder / "ceiling.csv").write_text("ceiling\nmuch\n")
    assert recovery_ceiling.find(stored) is None


def test_comparing_repairs_measures_it_and_says_what_each_repair_recovers_of_it(capsys):
    store_clean("tiny-clean")
    words = ["compare-repairs", "assumed", "--method", "pruning:threshold=5", "--json"]
    assert main.main(words) == 0
    table = repair_tables.compare_stored(store.find("assumed"))
    assert (table["ceiling"] == 50).all()
    assert table["recovered_of_ceiling"].tolist() == (2 * table["recovered_accuracy"]).tolist()
    rows = json.loads(capsys.readouterr().out)["repairs"]
    assert [row["ceiling"] for row in rows] == [50] * len(table)


def test_what_is_not_known_is_not_a_number():
    assert math.isnan(metrics.recovered_of_ceiling(40, None))
    assert math.isnan(metrics.recovered_of_ceiling(40, 0))
    table = pd.DataFrame({"recovered_accuracy": [20.0, 60.0, math.nan]})
    pd.testing.assert_frame_equal(recovery_ceiling.add_share(table, None), table)
    shares = recovery_ceiling.add_share(table, 50)["recovered_of_ceiling"]
    assert shares[:2].tolist() == [40, 120] and math.isnan(shares[2])
    assert describe_ceiling(20, None) == "ceiling not known"
    assert describe_ceiling(20, 50) == "40 % of the ceiling (50.0 %)"
