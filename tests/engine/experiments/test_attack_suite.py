import keras
import numpy as np
import pandas as pd

from engine import store
from engine.attacks import recipes
from engine.cli import main
from engine.experiments import attack_suite
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

    again = ["--attack", "badnets", "--repair", "global-pruning", "--out", str(tmp_path / "out")]
    assert main.main([*words, *again]) == 0
    assert (tmp_path / "out" / "attacks.csv").read_text() == before
    after = pd.read_csv(tmp_path / "out" / "defences.csv")
    pd.testing.assert_frame_equal(after[:6], defended[:6], check_dtype=False)
    assert set(after["name"].dropna()) == {"clp", "global-pruning"}
    trash.delete(stored.name)
    assert main.main([*words, *again, "--epochs", "3"]) == 2
    assert "networks trained with epochs 2, not 3" in capsys.readouterr().err
