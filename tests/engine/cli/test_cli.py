import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine import store
from engine.cli import main
from engine.core import command_line, jobs, paths


def answer(capsys, *words):
    assert main.main([*words, "--json"]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def everything(folder: Path) -> dict[str, int]:
    """All files and folders but those of the cache, which may be deleted at any time."""
    return {
        str(path): path.stat().st_mtime_ns if path.is_file() else 0
        for path in folder.rglob("*")
        if paths.cache_folder() not in (path, *path.parents)
    }


def test_data_shows_what_a_dataset_contains(at_home, capsys):
    assert answer(capsys, "data", "folder:signs") == {
        "dataset": "folder:signs",
        "classes": 6,
        "image_shape": [32, 32, 3],
        "images": {"train": 594, "validation": 66, "test": 180},
        "per_class": [
            {"class": f"class-{label}", "train": 99, "validation": 11, "test": 30}
            for label in range(6)
        ],
    }


def test_a_dataset_of_ones_own_is_checked_added_listed_used_and_removed(at_home, capsys, data):
    place = str(data / "few")
    found = answer(capsys, "data", "check", place)
    assert (found["images"], found["size"]) == ({"train": 144, "test": 144}, 32)
    added = answer(capsys, "data", "add", "mine", place, "--size", "24")
    assert added == {"dataset": "mine", **found, "size": 24}
    rows = {row["dataset"]: row for row in answer(capsys, "data", "list")["datasets"]}
    assert rows["mine"] == {"dataset": "mine", "state": "here", "files": place}
    assert rows["gtsrb"]["state"] == "not here"
    shown = answer(capsys, "data", "mine")
    assert shown["image_shape"] == [24, 24, 3] and shown["left_out"] == "nothing"
    assert sum(shown["images"].values()) == 288
    assert main.main(["data", "add", "mine", place]) == 2
    assert "a dataset 'mine' already" in capsys.readouterr().err
    assert answer(capsys, "data", "remove", "mine") == {"removed": "mine"}
    assert main.main(["data", "mine"]) == 2
    assert "no dataset 'mine'" in capsys.readouterr().err


def test_poison_writes_clean_and_poisoned_images(at_home, capsys, tmp_path):
    file = tmp_path / "out.npz"
    words = ["poison", "folder:signs", "--trigger", "ftrojan:magnitude=20", "--limit", "12"]
    found = answer(capsys, *words, "--out", str(file))
    with np.load(file) as arrays:
        assert arrays["clean"].shape == arrays["poisoned"].shape == (12, 32, 32, 3)
        change = arrays["poisoned"].astype(int) - arrays["clean"]
    assert found["largest_change"] == np.abs(change).max()
    assert 40 < found["psnr_db"] < 60


def test_options_replace_single_settings_of_a_preset(at_home, capsys):
    words = ["train", "folder:few", "--preset", "fast", "--epochs", "1", "--batch", "32"]
    answer(capsys, *words, "--target", "1", "--seed", "7", "--name", "brief")
    about = store.find("brief").card.training
    assert (about["epochs"], about["batch"], about["seed"]) == (1, 32, 7)
    assert (about["learning_rate"], about["schedule"]) == (2e-3, "one-cycle")


def test_named_models_are_compared_in_a_table(at_home, plan, capsys, tmp_path):
    file = tmp_path / "models.csv"
    assert len(answer(capsys, "models", "small", "--out", str(file))["models"]) == 1
    (row,) = pd.read_csv(file).to_dict("records")
    stored = store.find("small")
    settings = plan.training
    for name in ("epochs", "schedule", "seed"):
        assert row[name] == getattr(settings, name)
    assert row["minutes"] == pytest.approx(stored.table("history")["seconds"].sum() / 60, abs=0.06)
    assert row["clean_accuracy"] == pytest.approx(
        stored.card.scores["test"]["clean_accuracy"], abs=1e-3
    )


def test_confusions_add_up_to_the_clean_accuracy_on_the_card(at_home, capsys, tmp_path):
    file = tmp_path / "confusions.csv"
    found = answer(capsys, "confusions", "small", "--out", str(file))
    table = pd.read_csv(file)
    right = table[table["label"] == table["read_as"]]["images"].sum()
    card = store.find("small").card
    assert found["clean_accuracy"] == pytest.approx(100 * right / 180, abs=1e-3)
    assert found["clean_accuracy"] == pytest.approx(card.scores["test"]["clean_accuracy"], abs=1e-3)
    assert table.groupby("label")["images"].sum().tolist() == [30] * 6
    assert table.groupby("label")["share"].sum().to_numpy() == pytest.approx(100)
    worst = found["commonest"][0]
    assert worst["images"] == table[table["label"] != table["read_as"]]["images"].max()


def test_evaluate_repeats_the_scores_on_the_card(at_home, capsys):
    found = answer(capsys, "evaluate", "small")
    for figure, value in store.find("small").card.scores["test"].items():
        assert found[figure] == pytest.approx(value)


def test_activations_of_one_layer_go_to_a_file(at_home, capsys, tmp_path):
    file = tmp_path / "a.csv"
    words = ["activations", "small", "--layer", "max_pooling2d_2", "--out", str(file)]
    assert answer(capsys, *words)["rows"] == 128
    table = pd.read_csv(file)
    assert list(table.columns[:4]) == ["layer", "channel", "clean_mean", "triggered_mean"]


def test_prune_writes_curve_table_and_models_that_do_what_the_curve_says(at_home, capsys, tmp_path):
    out = tmp_path / "out"
    found = answer(capsys, "prune", "small", "--thresholds", "5,20", "--out", str(out), "--save")
    head = (out / "curve.csv").read_text().splitlines()[0]
    assert head == "step,channel,fraction,clean_accuracy,attack_success,recovered_accuracy"
    curve = pd.read_csv(out / "curve.csv")
    for row, name in zip(found["thresholds"], found["saved"], strict=True):
        scores = answer(capsys, "evaluate", name)
        for figure in ("clean_accuracy", "attack_success", "recovered_accuracy"):
            assert scores[figure] == pytest.approx(row[figure], abs=1e-3)
            assert scores[figure] == pytest.approx(curve[figure][row["step"]], abs=1e-3)


def test_prune_saves_no_model_unless_it_can_save_all(at_home, capsys):
    words = ["prune", "small", "--save", "--thresholds"]
    saved = answer(capsys, *words, "20,20")["saved"]
    assert len(saved) == 1, "a threshold named twice is one threshold"
    models = everything(paths.models_folder())
    assert main.main([*words, "5,20"]) == 2
    assert "already" in capsys.readouterr().err
    assert everything(paths.models_folder()) == models


def test_results_on_another_dataset_go_to_files_of_their_own(at_home, data, capsys, tmp_path):
    twin = tmp_path / "twin"
    shutil.copytree(data / "signs" / "test", twin)
    before = everything(at_home)
    words = ["small", "--dataset", f"folder:{twin}", "--out"]
    answer(capsys, "prune", *words, str(tmp_path / "curve"))
    answer(capsys, "activations", *words, str(tmp_path / "a.csv"))
    assert everything(at_home) == before
    assert (tmp_path / "curve" / "curve.csv").exists() and (tmp_path / "a.csv").exists()
    saved = answer(capsys, "prune", *words, str(tmp_path / "curve"), "--thresholds", "10", "--save")
    (row,) = saved["thresholds"]
    found = answer(capsys, "evaluate", *saved["saved"])
    assert found["clean_accuracy"] == pytest.approx(row["clean_accuracy"], abs=1e-3)


def test_models_without_scores_are_listed_with_their_problem(at_home, capsys):
    path = paths.models_folder() / "small" / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"scores": {}}))
    (row,) = [row for row in answer(capsys, "models")["models"] if row["name"] == "small"]
    assert "lacks its scores" in row["problem"]


def test_a_curve_beside_the_model_is_not_computed_twice(at_home, capsys):
    first = answer(capsys, "prune", "small")
    folder = store.find("small").folder
    written = everything(folder)
    assert answer(capsys, "prune", "small") == first
    assert everything(folder) == written


def test_models_lists_scores_and_problems(at_home, capsys):
    broken = paths.models_folder() / "broken"
    broken.mkdir()
    (broken / "card.json").write_text("{")
    found = {row["name"]: row for row in answer(capsys, "models")["models"]}
    assert found["small"]["dataset"] == "folder:signs"
    assert "cannot be used" in found["broken"]["problem"]


TRAIN = ["train", "folder:signs", "--name", "n", "--target", "1"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Missing command"),
        (["dance"], "No such command 'dance'"),
        (["train", "folder:signs"], "--name"),
        ([*TRAIN, "--rate", "-0.1"], "rate"),
        ([*TRAIN, "--preset", "slow"], "choose from paper, fast, quick"),
        ([*TRAIN, "--schedule", "steps"], "choose from constant, one-cycle"),
        ([*TRAIN, "--rate", "1"], "rate"),
        ([*TRAIN, "--rate", "nan"], "rate"),
        ([*TRAIN[:-1], "6"], "no target class 6"),
        ([*TRAIN[:-1], "-1"], "no target class -1"),
        ([*TRAIN, "--dormant-share", "1"], "share of dormant channels"),
        ([*TRAIN, "--dormant-share", "0.5", "--rate", "0"], "choose a poisoning rate above 0"),
        ([*TRAIN, "--dormant-share", "0.5", "--surrogate", "small"], "has a backdoor already"),
        (["import", "f.keras", "folder:signs", "--name", "n", "--range", "9"], "input range '9'"),
        ([*TRAIN, "--labels", "lost"], "no label mode 'lost'"),
        ([*TRAIN, "--trigger", "trojan-nn", "--surrogate", "gone"], "there is no model 'gone'"),
        (["benchmark-attacks", "folder:signs", "--attack", "nope"], "no attack 'nope'"),
        (["benchmark-attacks", "folder:signs", "--epochs", "0"], "number of epochs"),
        ([*TRAIN, "--epochs", "0"], "epochs"),
        ([*TRAIN, "--epochs", "many"], "epochs"),
        ([*TRAIN, "--trigger", "ftrojan:bands=40x1"], "outside a window"),
        ([*TRAIN, "--trigger", "ftrojan:magnitude=-3"], "magnitude"),
        ([*TRAIN, "--trigger", "ftrojan:magnitude=1e6"], "magnitude"),
        ([*TRAIN, "--trigger", "ftrojan:window=64"], "does not fit"),
        ([*TRAIN, "--trigger", "smile"], "no trigger"),
        (["train", "folder:signs", "--name", "../n"], "cannot be called"),
        (["train", "folder:signs", "--name", "small", "--target", "1"], "already"),
        (["train", "folder:nowhere", "--name", "n"], "no images at"),
        (["train", "gtsrb", "--name", "n"], "GTSRB_Final_Training_Images.zip"),
        (["train", "emnist", "--name", "n"], "no dataset 'emnist'"),
        (["data", "folder:signs", "--size", "4"], "pixels"),
        (["poison", "folder:signs", "--split", "best", "--out", "x.npz"], "no split"),
        (["poison", "folder:signs", "--limit", "0", "--out", "x.npz"], "--limit"),
        (["poison", "folder:signs", "--out", "/proc/no/x.npz"], "Could not write"),
        (["evaluate", "nobody"], "no model 'nobody'"),
        (["models", "--out", "x.csv"], "name the models"),
        (["models", "nobody", "--out", "x.csv"], "no model 'nobody'"),
        (["evaluate", "small", "--dataset", "folder:other"], "classes, but the data"),
        (["evaluate", "small", "--split", "best"], "no split"),
        (["activations", "small", "--layer", "flatten", "--out", "x.csv"], "no layer 'flatten'"),
        (["activations", "small", "--layer", "conv2d"], "--out"),
        (["activations", "small", "--dataset", "folder:twin"], "--out"),
        (["prune", "small", "--dataset", "folder:twin"], "--out"),
        (["prune", "small", "--thresholds", "nan"], "threshold"),
        (["prune", "small", "--thresholds", ""], "list such as"),
        (["prune", "small", "--layer", "dense"], "no layer 'dense'"),
        (["prune", "small", "--order", "random"], "no pruning order"),
        (["prune", "small", "--thresholds", "0"], "threshold"),
        (["prune", "small", "--thresholds", "2;10"], "list such as"),
        (["prune", "corrupt"], "cannot be used"),
        (["compare-repairs", "small"], "--all"),
        (["compare-repairs", "small", "--method", "prayer"], "no repair 'prayer'"),
        (["compare-repairs", "small", "--method", "clp:max_accuracy_drop=-1"], "between"),
        (["compare-repairs", "nobody", "--all"], "no model 'nobody'"),
        (
            ["save-repair", "small", "--method", "clp", "--name", "kept"],
            "compare-repairs small --method clp",
        ),
        (["save-repair", "small", "--method", "prayer", "--name", "kept"], "no repair 'prayer'"),
        (["detect", "nobody"], "no model 'nobody'"),
        (["detect", "small", "--dataset", "folder:twin"], "--out"),
        (
            ["robustness", "small", "--dataset", "folder:other", "--out", "x"],
            "classes, but the data",
        ),
        (["reactivate", "corrupt"], "cannot be used"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_line_exit_status_2_and_changes_nothing(
    words, said, at_home, capsys, tmp_path, monkeypatch
):
    corrupt = paths.models_folder() / "corrupt"
    corrupt.mkdir()
    (corrupt / "card.json").write_text('{"name": "corrupt"}')
    monkeypatch.chdir(tmp_path)
    paths.jobs_folder().mkdir()
    before = everything(tmp_path)
    assert main.main(words) == 2
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and said in lines[0], err
    assert "Traceback" not in err and out == ""
    assert everything(tmp_path) == before


def test_a_card_records_the_command_without_what_belongs_to_one_machine(at_home, data, capsys):
    words = ["train", "folder:few", "--epochs", "1", "--target", "1", "--name", "small"]
    answer(capsys, *words, "--root", str(data), "--job=mine", "--replace")
    assert store.find("small").card.commands == (command_line.command(*words),)


def test_work_is_done_as_the_job_that_was_named(at_home, capsys):
    found = answer(capsys, "evaluate", "small", "--job", "mine")
    (job,) = jobs.all_jobs()
    assert (job.name, job.request.kind) == ("mine", "evaluate")
    assert (job.status().state, job.status().result) == ("finished", found)


def test_a_report_names_the_layers_there_are(at_home, capsys, tmp_path):
    words = ["report", "small", "--out", str(tmp_path / "x.html"), "--layer", "dense"]
    assert main.main(words) == 2
    assert "no convolution 'dense': choose from conv2d" in capsys.readouterr().err
    assert not (tmp_path / "x.html").exists()


@pytest.mark.parametrize(
    "words", [["data", "folder:signs", "--sheet"], ["prune", "small", "--out"]]
)
def test_an_unwritable_path_is_reported_in_one_line(at_home, capsys, tmp_path, words):
    (tmp_path / "file").touch()
    assert main.main([*words, str(tmp_path / "file" / "x.png")]) == 2
    assert "error: Could not write" in capsys.readouterr().err
