"""The words and tables about what further training brings back."""

import numpy as np
import pandas as pd

from engine import store
from engine.experiments.backdoor_reactivation import CLEAN_NETWORK, OF_REPAIRS
from engine.reporting import model_report, reactivation
from engine.reporting.model_report import View
from engine.store.tables import CLEAN_IMAGES, FIVE_POISONED

KINDS = [(CLEAN_IMAGES, 0), (CLEAN_IMAGES, 4), (FIVE_POISONED, 5)]


def table(**success: list[float]) -> pd.DataFrame:
    rows = [
        {"repair": repair.replace("_", " "), "sha256": "0" * 64, "images": images, "epochs": epochs}
        | {"clean_accuracy": 90.0, "attack_success": percent, "recovered_accuracy": 80.0}
        for repair, values in success.items()
        for (images, epochs), percent in zip(KINDS, values, strict=False)
    ]
    return pd.DataFrame(rows)


def test_each_repair_has_a_row_and_what_is_not_measured_has_no_number():
    found = reactivation.success_by_repair(table(clp=[1, 2], clean_network=[3, 4, 50]))
    assert found["repair"].tolist()[0].startswith("Channel Lipschitz")
    assert "without the backdoor" in found["repair"].tolist()[1]
    np.testing.assert_array_equal(
        found[list(reactivation.SUCCESS)], [[1, 2, np.nan], [3, 4, 50]], strict=False
    )
    assert CLEAN_NETWORK not in found["repair"].tolist()


def test_a_repair_that_no_longer_exists_keeps_its_name():
    assert reactivation.success_by_repair(table(prayer=[1, 2, 3]))["repair"].tolist() == ["prayer"]


def test_the_report_shows_what_is_measured_and_says_what_is_not(at_home):
    stored = store.find("small")
    view = View("conv2d_5", "clean-activation", 10.0)
    assert "does the repair last?" not in model_report.html(stored, view, None, "python")
    stored = stored.save_tables({OF_REPAIRS: table(clp=[1.5, 2.5])}, "python")
    own = table(clp=[0.25, 7.75, 66.5]).drop(columns=["repair", "sha256"])
    stored = stored.save_tables({"reactivation": own}, "python")
    text = model_report.html(stored, view, None, "python")
    assert "does the repair last?" in text and reactivation.NOT_MEASURED in text
    assert "clean images and five poisoned ones" in text and "66.50" in text
