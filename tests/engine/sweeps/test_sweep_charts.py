"""Pictures of a sweep."""

import json

import pandas as pd
import pytest

from engine.cli import main
from engine.experiments.sweeps import figures, sweep_file
from engine.experiments.sweeps.results import SweepResults
from engine.experiments.workers.task import Result
from engine.reporting import sweep_charts

GRID = {"dataset": "signs", "rate": [0.01, 0.05], "parameters": {"magnitude": [10, 30]}}


@pytest.fixture
def strengths():
    cells = sweep_file.cells_of(GRID | {"seed": [0, 1], "detector": "mm-bd"})
    results = SweepResults.of("strengths")
    results.begin(cells)
    for number, cell in enumerate(cells):
        about = {"pruning": "", "detector": "", "repair": "", "problem": ""}
        rows = [
            about | {"figure": "attack_success", "value": float(number)},
            about | {"detector": "mm-bd", "figure": "flagged_target", "value": number % 2},
        ]
        results.add(cell, Result(rows, b""))
    return results.table(cells)


def test_a_map_has_a_field_for_each_pair_of_values_with_the_mean_over_seeds(strengths):
    rows = figures.of_first_subject(figures.with_subject(strengths), "attack_success")
    means = figures.spread(rows, ["rate", "trigger_magnitude"])
    chart = sweep_charts.map_chart(means, "attack_success", {"x": "rate", "y": "trigger_magnitude"})
    (fields,) = chart.to_dict()["datasets"].values()
    found = {(row["rate"], row["trigger_magnitude"]): row["mean"] for row in fields}
    assert found == {(0.01, 10): 1, (0.01, 30): 2, (0.05, 10): 5, (0.05, 30): 6}


def test_a_figure_is_that_of_the_networks_themselves_or_of_what_has_it(strengths):
    table = figures.with_subject(strengths)
    assert len(figures.of_first_subject(table, "attack_success")) == 8
    assert set(figures.of_first_subject(table, "flagged_target")["detector"]) == {"mm-bd"}


def test_the_command_draws_a_map_for_each_figure(strengths, tmp_path, capsys):
    words = ["chart-sweep", "strengths", "--out", str(tmp_path / "map.svg"), "--json"]
    assert main.main([*words, "--figure", "attack_success", "--figure", "flagged_target"]) == 0
    assert json.loads(capsys.readouterr().out)["sweep"] == "strengths"
    drawing = (tmp_path / "map.svg").read_text()
    assert drawing.startswith("<svg") and "Attack success (%)" in drawing
    assert "Target flagged" in drawing and "Poisoning rate" in drawing


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--x", "colour"], "no setting 'colour'"),
        (["--x", "rate", "--y", "rate"], "two different settings"),
        (["--figure", "psnr"], "no figure 'psnr'"),
        (["--figure", "beauty"], "no figure 'beauty'"),
    ],
)
def test_what_is_not_in_a_sweep_is_refused_in_a_sentence(
    strengths, tmp_path, capsys, options, said
):
    words = ["chart-sweep", "strengths", "--out", str(tmp_path / "map.svg")]
    assert main.main([*words, *options]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "map.svg").exists()


def test_long_names_on_an_axis_are_turned_so_that_they_do_not_overlap():
    short = pd.DataFrame({"seed": [0, 1], "mean": [1.0, 2], "low": [1.0, 2], "high": [1.0, 2]})
    long = short.assign(seed=["Pruned, -10 points: the order", "Pruned, -20 points: the order"])
    for table, angle in ((short, 0), (long, -30)):
        chart = sweep_charts.spread_chart(table, "attack_success", {"x": "seed"}).to_dict()
        assert {layer["encoding"]["x"]["axis"]["labelAngle"] for layer in chart["layer"]} == {angle}
