"""The shipped reports say what the code says about the stored results."""

import pandas as pd
import pytest

from engine.reporting.reproduction import report_text, tables
from tests.engine.reporting import shipped_reports


@pytest.mark.parametrize("dataset", shipped_reports.SEEDS)
def test_the_text_of_a_shipped_report_follows_from_the_stored_curves(dataset):
    found = shipped_reports.findings(dataset)
    written = (shipped_reports.folder(dataset) / report_text.FILE).read_text(encoding="utf-8")
    assert shipped_reports.composed(dataset, found) == written


@pytest.mark.parametrize("dataset", shipped_reports.SEEDS)
def test_the_tables_of_a_shipped_report_follow_from_the_stored_curves(dataset):
    found = shipped_reports.findings(dataset)
    rows = tables.at_thresholds(found)
    made = {
        "table-1": tables.table_1(found),
        "orders-each-network": rows,
        "orders": tables.mean_over_networks(rows, dataset).drop(columns="paper_fraction"),
    }
    for name, table in made.items():
        written = pd.read_csv(shipped_reports.folder(dataset) / f"{name}.csv")
        pd.testing.assert_frame_equal(table, written, check_dtype=False, rtol=1e-4, atol=1e-4)
