"""The reproduction of the paper: networks, tables, figures and sentences."""

import dataclasses
import json

import click
import numpy as np
import pandas as pd
import pytest

from engine import store
from engine.cli import main, terminal
from engine.core.errors import UserError
from engine.datasets import short_name
from engine.defenses.pruning.curve import Curve
from engine.defenses.pruning.orders import ORDERS
from engine.evaluation.metrics import METRICS
from engine.experiments import analyze
from engine.networks import edit
from engine.reporting import paper_figures, reproduction
from engine.reporting.metric_style import SCORES
from engine.reporting.reproduction import conclusions, subjects, tables
from engine.reporting.reproduction.findings import Findings

DATASET = "folder:signs"
MODELS = ("folder-signs-ftrojan", "folder-signs-ftrojan-seed1")


@pytest.fixture
def seeds(at_home, trained):
    """The small network as seed 0; as seed 1, one that performs a little worse."""
    for seed, name in enumerate(MODELS):
        network = trained.network()
        if seed:
            layer = analyze.last_convolution(trained)
            network = edit.without_channels(network, layer, np.arange(60))
        settings = {**trained.card.training, "seed": seed}
        store.save(dataclasses.replace(trained.card, name=name, training=settings), network, {})


@pytest.fixture
def reproduce(at_home, capsys, tmp_path):
    def run(*words):
        out = tmp_path / "report"
        assert main.main(["reproduce", DATASET, *words, "--out", str(out), "--json"]) == 0
        return out, json.loads(capsys.readouterr().out)

    return run


def refusal(capsys, *words):
    assert main.main(["reproduce", *words]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def parsed(*words):
    """The values of a command's parameters."""
    context = click.Context(main.cli)
    return main.cli.get_command(context, words[0]).make_context(words[0], list(words[1:])).params


def test_a_report_on_one_model_contains_every_table_and_figure_it_names(reproduce, trained):
    report, answer = reproduce("--model", "small")
    assert answer["models"] == ["small"]
    words = (report / "report.md").read_text()
    for figure in (
        "figure-5-clean-activations",
        "figure-6-backdoor-activations",
        "figure-7-pruning",
        "figure-8-repaired",
    ):
        assert f"({figure}.svg)" in words
        assert (report / f"{figure}.svg").read_text().startswith("<svg")
    table = pd.read_csv(report / "table-1.csv").set_index("measure")
    assert list(table) == ["small", "paper"]
    assert table["small"]["Clean accuracy"] == pytest.approx(
        trained.card.scores["test"]["clean_accuracy"], abs=1e-3
    )
    assert "python -m engine reproduce folder:signs --model small" in words
    assert "±" not in words
    assert "nan" not in words
    orders = pd.read_csv(report / "orders.csv")
    assert not [column for column in orders if column.endswith(tables.SPREAD)]
    assert orders.groupby("order").size().to_dict() == dict.fromkeys(ORDERS, 4)
    for order in ORDERS:
        assert len(pd.read_csv(report / f"figure-7-{order}-small.csv")) == 129


def test_a_report_over_seeds_contains_their_mean_and_standard_deviation(
    reproduce, seeds, dataset, monkeypatch
):
    messages = []
    monkeypatch.setattr(terminal.Bar, "__call__", lambda _, event: messages.append(event.message))
    report, answer = reproduce("--seeds", "0,1")
    assert answer["models"] == list(MODELS)
    under_way = [message for message in messages if message.startswith(("Measuring", "Pruning"))]
    assert {message.partition(" (")[2] for message in under_way} == {"seed 0)", "seed 1)"}

    table = pd.read_csv(report / "table-1.csv")
    scored = [analyze.evaluate(store.find(name), dataset) for name in MODELS]
    found = np.array([list(scores.percentages().values()) for scores in scored])
    np.testing.assert_allclose(table[["seed 0", "seed 1"]].T, found, atol=1e-3)
    np.testing.assert_allclose(table["mean"], found.mean(axis=0), atol=1e-3)
    np.testing.assert_allclose(table["standard deviation"], found.std(axis=0, ddof=1), atol=1e-3)
    assert found.std(axis=0).any()

    each = pd.read_csv(report / "orders-each-network.csv")
    for _, row in pd.read_csv(report / "orders.csv").iterrows():
        at = each[(each["order"] == row["order"]) & (each["threshold"] == row["threshold"])]
        steps = at.set_index("network")["step"]
        there = np.array(
            [
                pd.read_csv(report / f"figure-7-{row['order']}-seed{seed}.csv")
                .loc[steps[f"seed {seed}"], ["fraction", *METRICS]]
                .to_numpy(float)
                for seed in (0, 1)
            ]
        )
        columns = ["fraction", *METRICS]
        np.testing.assert_allclose(row[columns].to_numpy(float), there.mean(axis=0), rtol=1e-4)
        spreads = row[[column + tables.SPREAD for column in columns]].to_numpy(float)
        np.testing.assert_allclose(spreads, there.std(axis=0, ddof=1), rtol=1e-3, atol=1e-3)
    assert "±" in (report / "report.md").read_text()
    assert (report / "figure-5-and-6-activations-seed1.csv").exists()


def test_figure_7_has_a_band_over_several_curves_and_none_over_one():
    curve = pd.DataFrame({"fraction": [0.0, 1.0]} | {figure: [90.0, 10.0] for figure in METRICS})
    lower = curve.assign(clean_accuracy=[80.0, 0.0])

    def layers(table):
        chart = paper_figures.pruning_curve(table).to_dict()
        (rows,) = (rows for rows in chart["datasets"].values() if len(rows) > 1)
        return [layer["mark"]["type"] for layer in chart["layer"]], pd.DataFrame(rows)

    assert layers(curve)[0] == ["line", "rule"]
    marks, rows = layers(pd.concat([curve, lower]))
    assert marks == ["area", "line", "rule"]
    clean = rows[rows["metric"] == SCORES["clean_accuracy"].label].set_index("fraction")
    assert clean.loc[0.0, ["min", "mean", "max"]].tolist() == [80.0, 85.0, 90.0]


def test_a_missing_network_is_trained_with_its_seed_and_the_papers_target(
    at_home, dataset, monkeypatch
):
    def train(dataset, plan, model, checkpoint):
        return plan, model.name, model.command

    monkeypatch.setattr(subjects, "train", train)
    for name, target in (("cifar10", 8), ("gtsrb", 10)):
        subject = reproduction.choose(name, [7])[0]
        named = dataclasses.replace(dataset, name=name)
        plan, model, command = subjects.find_or_train(subject, named)
        assert (plan.training.seed, plan.target, model) == (7, target, f"{name}-ftrojan-seed7")
        options = parsed(*command.split()[3:])
        assert (options["target"], options["seed"], options["name"]) == (target, 7, model)


def test_a_model_of_another_dataset_or_seed_is_refused(seeds, trained, capsys):
    error = refusal(capsys, "gtsrb", "--model", "small")
    assert "'small' was trained on folder:signs, not on gtsrb" in error
    settings = {**trained.card.training, "seed": 3}
    card = dataclasses.replace(trained.card, name=MODELS[1], training=settings)
    store.save(card, trained.network(), {}, replace=True)
    assert "was not trained with seed 1" in refusal(capsys, DATASET, "--seeds", "0,1")
    assert "There is no model 'smal'" in refusal(capsys, DATASET, "--model", "smal")


def test_a_seed_is_found_whatever_its_networks_name():
    names = [subject.model for subject in reproduction.choose("cifar10", [0, 1, 2])]
    assert names == ["cifar10-ftrojan-seed0", "cifar10-ftrojan", "cifar10-ftrojan-seed2"]
    assert reproduction.choose("gtsrb", [0, 2])[0].model == "gtsrb-ftrojan"


def test_seeds_are_a_list_of_different_whole_numbers(capsys):
    assert list(parsed("reproduce", "gtsrb", "--seeds", "0,1,2")["seeds"]) == [0, 1, 2]
    for wrong in ("", "one", "1,", "0,0", "1,01", "-1", "0,-1", "1.5", "1;2"):
        assert "not a list of different seeds" in refusal(capsys, "gtsrb", f"--seeds={wrong}")


def test_a_model_and_seeds_exclude_each_other(capsys):
    assert "not both" in refusal(capsys, "gtsrb", "--seeds", "0", "--model", "small")


@pytest.mark.parametrize(
    ("dataset", "name"),
    [
        ("gtsrb", "gtsrb"),
        ("folder:/data/My Signs (2).zip", "folder-my-signs-2-zip"),
        ("folder:signs/", "folder-signs"),
        ("folder:a/gtsrb", "folder-gtsrb"),
    ],
)
def test_a_dataset_folder_gives_a_name_for_models_and_reports(dataset, name):
    assert short_name(dataset) == store.check_name(name)


def test_a_dataset_folder_without_a_usable_name_asks_for_one():
    with pytest.raises(UserError, match="give --model NAME and --out DIR"):
        reproduction.choose("folder:..", [0])


def network_that(trained, clean, attack, recovered):
    """Findings of a network of three channels, with the same curve in every order."""
    curve = pd.DataFrame(
        {
            "step": range(4),
            "fraction": np.arange(4) / 3,
            "clean_accuracy": clean,
            "attack_success": attack,
            "recovered_accuracy": recovered,
        }
    ).assign(channel=0)
    curves = {order: Curve(order, "conv2d_5", curve, curve) for order in ORDERS}
    return Findings("seed 0", trained, "max_pooling2d_2", pd.DataFrame(), curves)


@pytest.mark.parametrize(
    ("attack", "recovered", "expected"),
    [
        ([99, 99, 0, 0], [1, 1, 5, 2], "recovered accuracy is at most 5.00 %"),
        ([99, 99, 0, 0], [1, 1, 5, 2], "that is not a repair"),
        ([99, 99, 0, 0], [1, 1, 70, 2], "only a partial repair"),
        ([99, 99, 0, 0], [1, 1, 95, 2], "does repair the network"),
        ([99, 99, 99, 99], [1, 1, 1, 1], "On no curve does attack success fall to 1 %"),
        ([2, 1, 0, 0], [97, 90, 50, 2], "no backdoor to repair"),
    ],
)
def test_the_verdict_on_the_repair_follows_from_the_numbers(trained, attack, recovered, expected):
    network = network_that(trained, [97, 95, 80, 3], attack, recovered)
    assert expected in conclusions.recovery_without_attack([network])


def test_a_collapse_that_does_not_happen_is_not_reported(trained):
    network = network_that(trained, [25, 24, 20, 3], [99, 99, 99, 99], [1, 1, 1, 1])
    assert "never falls to 90 %, and never falls to 1 %." in conclusions.collapse([network])
    rows = tables.at_thresholds([network])
    assert "dropped by 2, 10 and 20 points once 67, 100 and 100 %" in conclusions.channels_pruned(
        [network], rows
    )
    assert "it is not lower with either of them" in conclusions.oracles(rows)
