import json

import pandas as pd
import pytest

from engine import cli
from engine.pruning.orders import ORDERS


@pytest.fixture
def report(at_home, capsys, tmp_path):
    words = ["reproduce", "folder:signs", "--model", "small", "--out", str(tmp_path / "report")]
    assert cli.main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model"] == "small"
    return tmp_path / "report"


def test_the_report_holds_every_table_and_figure_it_speaks_of(report, trained):
    text = (report / "report.md").read_text()
    for figure in (
        "figure-5-clean-activations",
        "figure-6-backdoor-activations",
        "figure-7-pruning",
        "figure-8-repaired",
    ):
        assert f"({figure}.svg)" in text
        assert (report / f"{figure}.svg").read_text().startswith("<svg")
    table = pd.read_csv(report / "table-1.csv").set_index("measure")
    assert table["here"]["Clean accuracy"] == pytest.approx(
        trained.card.scores["test"]["clean_accuracy"], abs=1e-3
    )
    assert "python -m engine reproduce folder:signs --model small" in text


def test_each_order_has_its_curve_and_its_row_at_each_threshold(report):
    rows = pd.read_csv(report / "orders.csv")
    assert rows.groupby("order").size().to_dict() == dict.fromkeys(ORDERS, 4)
    for order in ORDERS:
        assert len(pd.read_csv(report / f"figure-7-{order}.csv")) == 129
