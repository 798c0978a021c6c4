import keras
import numpy as np
import pandas as pd
import pytest

from engine import store
from engine.attacks import recipes
from engine.cli import main
from engine.evaluation.metrics import CEILING, METRICS
from engine.experiments import attack_seeds, attack_suite
from engine.store import trash
from tests.conftest import TARGET


def test_the_suite_trains_prunes_and_compares_attacks(data, tmp_path, monkeypatch, capsys):
    keras.utils.set_random_seed(0)
    monkeypatch.setenv("PRUNING_LAB_DATA", str(data))
    two = {
        "none": recipes.Attack("No attack", "ftrojan", rate=0, target=TARGET),
        "badnets": recipes.Attack("BadNets", "badnets", rate=0.25, target=TARGET),
    }
    monkeypatch.setattr(recipes, "ATTACKS", two)
    words = [
        "benchmark-attacks",
        "folder:few",
        "--preset",
        "quick",
        "--epochs",
        "2",
        "--repair",
        "clp",
    ]
    assert main.main([*words, "--out", str(tmp_path / "out")]) == 0
    before = (tmp_path / "out" / "attacks.csv").read_text()
    table = pd.read_csv(tmp_path / "out" / "attacks.csv")
    assert table["attack"].tolist() == ["none", "badnets"]
    assert np.isnan(table["psnr"][0]) and table["psnr"][1] > 10
    assert table["clean_cost"][0] == 0
    clean_network = store.find("attack-folder-few-badnets").table("ceiling")["clean_model"][0]
    assert clean_network == "attack-folder-few-none"
    assert np.isnan(table["ceiling"][0]) and 0 <= table["ceiling"][1] <= 100
    assert main.main([*words[:-2], "--attack", "badnets", "--epochs", "3"]) == 2
    assert "trained with epochs 2, not 3" in capsys.readouterr().err
    defended = pd.read_csv(tmp_path / "out" / "defences.csv")
    of_one = defended[defended["attack"] == "badnets"]
    assert of_one["kind"].tolist() == ["untouched", *4 * ["paper"], "repair"]
    stored = store.find(attack_suite.model_name("folder:few", "badnets"))
    assert "--trigger badnets" in stored.card.commands[0]
    assert attack_suite.is_suite_model(stored.name)
    copy = store.copy_as(stored, "attack-folder-few-ftrojan")
    assert not attack_suite.is_suite_model(copy.name), "the name alone has no meaning"
    trash.delete(copy.name)

    check_seeds([*words, "--attack", "badnets", "--out", str(tmp_path / "out")], tmp_path / "out")
    assert (tmp_path / "out" / "attacks.csv").read_text() == before

    again = ["--attack", "badnets", "--repair", "global-pruning", "--out", str(tmp_path / "out")]
    assert main.main([*words, *again]) == 0
    assert (tmp_path / "out" / "attacks.csv").read_text() == before
    after = pd.read_csv(tmp_path / "out" / "defences.csv")
    pd.testing.assert_frame_equal(after[:6], defended[:6], check_dtype=False)
    assert set(after["name"].dropna()) == {"clp", "global-pruning"}
    trash.delete(stored.name)
    assert main.main([*words, *again, "--epochs", "3"]) == 2
    assert "networks trained with epochs 2, not 3" in capsys.readouterr().err


def check_seeds(words, folder):
    """Another seed is trained once, the network there is stays, and both are summarized."""
    first = store.find("attack-folder-few-badnets").card
    assert main.main([*words, "--seeds", "0,1"]) == 0
    second = store.find("attack-folder-few-badnets-seed1").card
    assert second.training["seed"] == 1 and second.suite == "badnets"
    assert "--seed 1" in second.commands[0] and second.sha256 != first.sha256
    assert store.find("attack-folder-few-badnets").card == first
    rows, summary = pd.read_csv(folder / "seeds.csv"), pd.read_csv(folder / "seeds-summary.csv")
    assert rows["seed"].tolist() == [*6 * [0], *6 * [1]]
    assert summary["defence"].tolist() == rows["defence"].tolist()[:6]
    for seed, card in enumerate((first, second)):
        for figure in METRICS:
            (found,) = rows[figure][(rows["seed"] == seed) & (rows["kind"] == "untouched")]
            assert found == pytest.approx(card.scores["test"][figure], rel=1e-4)
    for figure in METRICS:
        pair = rows[figure].to_numpy().reshape(2, 6)
        np.testing.assert_allclose(summary[figure], pair.mean(axis=0), rtol=1e-4)
        np.testing.assert_allclose(summary[f"{figure}_min"], pair.min(axis=0), rtol=1e-4)
        np.testing.assert_allclose(summary[f"{figure}_max"], pair.max(axis=0), rtol=1e-4)
    assert main.main([*words, "--seeds", "0,1"]) == 0
    assert store.find("attack-folder-few-badnets-seed1").card == second, "nothing is done again"


def rows_of(repair, seeds, problem=""):
    return [
        {"attack": "blend", "title": "Blend", "defence": repair, "kind": "repair", "seed": seed}
        | dict.fromkeys((*METRICS, *CEILING), 10.0 * seed)
        | {"problem": problem}
        for seed in seeds
    ]


def test_a_defence_that_failed_on_a_network_has_no_mean():
    rows = pd.DataFrame([*rows_of("CLP", [1, 2]), *rows_of("ANP", [1, 2], "Wrong shape.")])
    (found,) = attack_seeds.summarize(rows).to_dict("records")
    assert (found["defence"], found["seeds"]) == ("CLP", 2)
    spread = [found[f"attack_success{end}"] for end in ("", "_min", "_max")]
    assert spread == [15, 10, 20]
