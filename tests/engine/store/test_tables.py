"""CSV tables: genuine ones are read, anything else is refused in one sentence that names it."""

import io
import os

import numpy as np
import pandas as pd
import pytest

from engine import store
from engine.core import paths
from engine.core.errors import UserError
from engine.experiments import attack_tables
from engine.store import pruning_curves, tables
from engine.store.scans import trigger_table
from tests.fixtures import scans

HISTORY = (
    "epoch,loss,train_accuracy,seconds,clean_accuracy,attack_success,recovered_accuracy\n"
    "1,0.5,80,30.5,90,10,85\n"
    "2,0.25,90,61,95,99.5,0.5\n"
)
SHIPPED = sorted(paths.SHIPPED_MODELS.glob("*/*.csv"))
REPORT = paths.PROJECT / "report"


def parsed(content: bytes | str, schema, tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return tables.read(path, schema)


def refused(
    content: bytes | str,
    schema,
    tmp_path,
    reason: str,
    advice: str = "delete it and compute it again",
) -> None:
    with pytest.raises(UserError, match=reason) as caught:
        parsed(content, schema, tmp_path)
    assert "\n" not in str(caught.value)
    assert str(tmp_path / "table.csv") in str(caught.value)
    assert advice in str(caught.value)


def edited(schema_name: str, **cells) -> str:
    """A shipped table of that kind with other cells in its second row."""
    path = next(path for path in SHIPPED if tables.schema_of(path.stem) is kind(schema_name))
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    for name, value in cells.items():
        table.loc[1, name] = value
    return table.to_csv(index=False)


def kind(name: str):
    return tables.CURVE if name == "curve" else tables.MODEL_TABLES[name]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_shipped_table_can_be_used(path):
    table = tables.read_model_table(path.parent, path.stem)
    assert list(table.columns) == list(tables.schema_of(path.stem).columns)
    assert len(table) == len(pd.read_csv(path))


@pytest.mark.parametrize("dataset", ["gtsrb", "signs"])
def test_every_shipped_comparison_can_be_used(dataset):
    poisoned, defended = attack_tables.read_tables(REPORT / f"attacks-{dataset}")
    assert set(defended["attack"]) == set(poisoned["attack"])
    assert poisoned["epochs"].dtype == np.int64


def test_the_shipped_comparison_of_longer_trainings_can_be_used():
    poisoned, _ = attack_tables.find_tables("gtsrb")
    longer = attack_tables.read_longer_trainings("gtsrb", poisoned)
    assert set(longer["attack"]) <= set(poisoned["attack"])
    assert (longer["epochs"] == 8).all()


@pytest.mark.parametrize(
    "path", sorted(REPORT.glob("*/figure-7-*.csv")), ids=lambda path: path.stem
)
def test_every_shipped_curve_of_the_report_is_one(path):
    assert len(tables.read(path, tables.CURVE)) == 129


def test_values_come_back_as_they_were_written(tmp_path):
    written = pd.DataFrame(
        {
            "method": ["fine-tuning", "NA", "None"],
            "clean_accuracy": [90.5, np.nan, 80.0],
            "attack_success": [0.0, np.nan, 100.0],
            "recovered_accuracy": [80.25, np.nan, 1.0],
            "validation_accuracy": [91.0, np.nan, 80.0],
            "channels": [3, np.nan, 0],
            "seconds": [1.5, np.nan, 2.0],
            "summary": ["Trained, and more.", "", 'He said "no".'],
            "problem": ["", "It has no convolution.", ""],
        }
    )
    store.write_table(tmp_path / "repairs.csv", written)
    read = tables.read_model_table(tmp_path, "repairs")
    pd.testing.assert_frame_equal(read.fillna({"summary": "", "problem": ""}), written)


def test_whole_numbers_are_int64_and_flags_bool(tmp_path):
    history = parsed(HISTORY, tables.MODEL_TABLES["history"], tmp_path)
    assert history["epoch"].dtype == np.int64
    assert history["seconds"].dtype == np.float64
    content = OF_A_SCAN["detection"].to_csv(index=False)
    assert parsed(content, kind("detection"), tmp_path)["flagged"].dtype == bool


def test_numbers_that_are_not_finite_are_written_as_empty_cells(tmp_path):
    history = pd.read_csv(io.StringIO(HISTORY)).assign(loss=[np.inf, np.nan])
    store.write_table(tmp_path / "history.csv", history)
    assert tables.read_model_table(tmp_path, "history")["loss"].isna().all()


def test_a_byte_order_mark_and_another_order_of_the_columns_do_no_harm(tmp_path):
    table = pd.read_csv(io.StringIO(HISTORY))
    turned = table[table.columns[::-1]].to_csv(index=False, lineterminator="\r\n")
    read = parsed(b"\xef\xbb\xbf" + turned.encode(), tables.MODEL_TABLES["history"], tmp_path)
    assert list(read.columns) == list(table.columns)
    assert read["epoch"].tolist() == [1, 2]


def test_a_table_that_is_not_there_is_none(tmp_path):
    assert tables.read_model_table(tmp_path, "history") is None
    assert tables.read_model_table(tmp_path, "curve-conv2d-clean-activation") is None
    assert tables.read_model_table(tmp_path, "curve-../x-clean-activation") is None


def test_a_table_that_no_part_of_the_program_knows_is_refused(tmp_path):
    with pytest.raises(UserError, match="no table 'surprise': choose from history"):
        tables.read_model_table(tmp_path, "surprise")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (HISTORY.replace("0.25", "low"), "column loss holds text where a number belongs"),
        (HISTORY.replace("0.25", "inf"), "column loss holds a number that is not finite"),
        (HISTORY.replace("0.25", "-inf"), "column loss holds a number that is not finite"),
        (HISTORY.replace("0.25", "1e999"), "column loss holds a number that is not finite"),
        (HISTORY.replace("0.25", "1e300"), "column loss holds a number outside"),
        (HISTORY.replace("0.25", "9" * 5000), "column loss holds"),
        (HISTORY.replace("0.25", "0x10"), "column loss holds text"),
        (HISTORY.replace("0.25", "True"), "column loss holds text"),
        (HISTORY.replace("99.5", "nan"), "column attack_success holds"),
        (HISTORY.replace("99.5", ""), "column attack_success has an empty cell"),
        (HISTORY.replace("99.5", "-1"), "column attack_success holds a number outside 0 to 100"),
        (HISTORY.replace("99.5", "100.5"), "column attack_success holds a number outside"),
        (HISTORY.replace("61", "-61"), "column seconds holds a number outside"),
        (HISTORY.replace("\n2,", "\n1.5,"), "column epoch holds a number that is not whole"),
        (HISTORY.replace("\n2,", "\n7,"), "its epochs do not go from 1"),
        (HISTORY.replace("loss", "lost"), "no column loss"),
        (HISTORY.replace("loss", "epoch"), "no column loss"),
        (HISTORY.replace("\n", ",x\n"), "a column 'x' too many"),
        (HISTORY.replace("0.5\n", "0.5,1\n"), "it is not a table"),
        (HISTORY.replace("85\n", "85,1\n").replace("0.5\n", "0.5,1\n"), "a cell too many"),
        (HISTORY.splitlines()[0], "it has no rows"),
        (HISTORY[:-20], "column train_accuracy has an empty cell"),
        (HISTORY.replace("0.25", '"0.25'), "it is not a table"),
        (HISTORY.encode() + b"\0", "it is not text"),
        (HISTORY.encode("utf-16"), "it is not t"),
        (HISTORY.encode() + b"\xff", "it is not a table"),
        (bytes(range(1, 256)), "it is not a table"),
        ("", "it is not a table"),
        ("\n\n\n", "it is not a table"),
        (HISTORY + HISTORY.splitlines()[1] * 3, "it is not a table"),
        (HISTORY + "3,0.5,80,30.5,90,10,85\n" * 20_000, "more than 10000 rows"),
    ],
)
def test_a_table_with_something_else_in_it_is_refused(content, reason, tmp_path):
    refused(content, tables.MODEL_TABLES["history"], tmp_path, reason)


@pytest.mark.parametrize(
    ("name", "cells", "reason"),
    [
        ("curve", {"step": "2"}, "its steps do not go from 0"),
        ("curve", {"channel": "-1"}, "each channel once"),
        ("curve", {"channel": "500"}, "each channel once"),
        ("curve", {"fraction": "0.9"}, "its fractions are not those of its steps"),
        ("curve", {"fraction": "1.1"}, "column fraction holds a number outside 0 to 1"),
        ("activations", {"channel": "0"}, "each channel of 'conv2d' once"),
        ("activations", {"clean_positive": "1.5"}, "column clean_positive"),
        ("activations", {"layer": ""}, "column layer has an empty cell"),
        ("activations", {"layer": "a\x07"}, "column layer holds characters that cannot be shown"),
        ("activations", {"layer": "a" * 5000}, "column layer holds a text that is too long"),
        ("repairs", {"clean_accuracy": ""}, "neither its figures nor a problem"),
        ("repairs", {"channels": "1.5"}, "column channels holds a number that is not whole"),
        ("poisoned", {"index": "-1"}, "column index holds a number outside"),
        ("robustness", {"transform": ""}, "column transform has an empty cell"),
        ("reactivation", {"epochs": "many"}, "column epochs holds text"),
        ("reactivation", {"images": "drawn"}, "images other than clean ones"),
    ],
)
def test_rows_that_do_not_go_together_are_refused(name, cells, reason, tmp_path):
    parsed(edited(name), kind(name), tmp_path)
    refused(edited(name, **cells), kind(name), tmp_path, reason)


NAMES = ("stop", "yield", "priority", "no entry")
PATCH = scans.patch(1, 4)
OF_A_SCAN = {
    "detection": scans.evidence(NAMES, PATCH),
    "pattern-sizes": scans.sizes(NAMES, PATCH),
    "recovered-trigger": trigger_table(PATCH),
}


def of_a_scan(name: str, number: int, **cells) -> str:
    """A table of a scan with other cells in one of its rows."""
    table = OF_A_SCAN[name].astype(object)
    for column, value in cells.items():
        table.iloc[number, table.columns.get_loc(column)] = value
    return table.to_csv(index=False)


@pytest.mark.parametrize("name", OF_A_SCAN)
def test_a_table_of_a_scan_comes_back_as_it_was_written(name, tmp_path):
    written = OF_A_SCAN[name]
    store.write_table(tmp_path / f"{name}.csv", written)
    read = tables.read_model_table(tmp_path, name)
    pd.testing.assert_frame_equal(read, written.reset_index(drop=True), check_dtype=False)


@pytest.mark.parametrize(
    ("name", "number", "cells", "reason"),
    [
        ("detection", 1, {"label": 42}, "each class once"),
        ("detection", 1, {"label": 1}, "each class once"),
        ("detection", 1, {"score": 99}, "the most suspicious class does not come first"),
        ("detection", 1, {"score": "nan"}, "column score holds"),
        ("detection", 1, {"score": None}, "column score has an empty cell"),
        ("detection", 1, {"flagged": "maybe"}, "column flagged holds something other"),
        ("detection", 1, {"flagged": True}, "flags more than one class"),
        ("detection", 0, {"family": None}, "flags a class without a pattern"),
        ("detection", 0, {"success": None}, "flags a class without a pattern"),
        ("detection", 1, {"family": "smoke"}, "a family of patterns that is not known"),
        ("detection", 1, {"p_value": 1.5}, "column p_value holds a number outside 0 to 1"),
        ("pattern-sizes", 1, {"family": "smoke"}, "a family of patterns that is not known"),
        ("pattern-sizes", 1, {"label": 0}, "a class of a family twice"),
        ("pattern-sizes", 1, {"size": "nan"}, "column size holds"),
        ("pattern-sizes", 1, {"size": -1}, "column size holds a number outside"),
        ("recovered-trigger", 1, {"array": "smoke"}, "an array 'smoke', which is not known"),
        ("recovered-trigger", 1, {"column": 0}, "each number of mask in order"),
        ("recovered-trigger", 1, {"channel": 1}, "each number of mask in order"),
        ("recovered-trigger", 15, {"row": 9}, "of images of different sizes"),
        ("recovered-trigger", 1, {"row": 900_000_000}, "of images of different sizes"),
        ("recovered-trigger", 1, {"value": "nan"}, "column value holds"),
        ("recovered-trigger", 1, {"value": 1e6}, "column value holds a number outside"),
        ("recovered-trigger", 1, {"value": -0.5}, "an opacity outside 0 to 1"),
    ],
)
def test_a_scan_that_does_not_go_together_is_refused(name, number, cells, reason, tmp_path):
    refused(
        of_a_scan(name, number, **cells),
        kind(name),
        tmp_path,
        reason,
        advice="scan the model again",
    )


@pytest.mark.parametrize("order", [[1, 0], [0], [0, 0, 1]])
def test_numbers_of_a_recovered_trigger_out_of_order_are_refused(order, tmp_path):
    table = OF_A_SCAN["recovered-trigger"]
    turned = pd.concat([table.iloc[order], table.iloc[2:]]).to_csv(index=False)
    reason = "each number of mask in order"
    refused(turned, kind("recovered-trigger"), tmp_path, reason, advice="scan the model again")


def test_a_scan_stored_by_an_older_version_asks_for_another_scan(tmp_path):
    older = "label,name,psnr_db,flagged\n1,yield,42.5,True\n0,stop,31.0,False\n"
    refused(older, kind("detection"), tmp_path, "no column score", advice="scan the model again")


def test_a_file_far_too_large_is_refused_unread(tmp_path):
    with (tmp_path / "history.csv").open("wb") as file:
        file.truncate(2 << 30)
    with pytest.raises(UserError, match="larger than 32 MB"):
        tables.read_model_table(tmp_path, "history")


@pytest.mark.parametrize(
    "put",
    [
        lambda path: path.mkdir(),
        os.mkfifo,
        lambda path: path.symlink_to("/dev/zero"),
    ],
    ids=["folder", "pipe", "device"],
)
def test_what_is_no_regular_file_is_not_opened(put, tmp_path):
    put(tmp_path / "history.csv")
    with pytest.raises(UserError, match="not a regular file"):
        tables.read_model_table(tmp_path, "history")


def test_two_halves_of_different_curves_are_refused(tmp_path):
    stored = store.open_folder(paths.SHIPPED_MODELS / "signs-ftrojan")
    layer, order = pruning_curves.stored_curves(stored)[0]
    curve = pruning_curves.stored_curve(stored, layer, order)
    turned = curve.validation.assign(channel=[-1, *curve.channels[::-1]])
    for part, table in (("", curve.test), ("-validation", turned)):
        store.write_table(tmp_path / f"{pruning_curves.curve_name(layer, order)}{part}.csv", table)
    with pytest.raises(UserError, match="do not belong together"):
        pruning_curves.stored_curve(store.StoredModel(tmp_path, stored.card), layer, order)


@pytest.mark.parametrize("file", [attack_tables.SUMMARY_FILE, attack_tables.DEFENCES_FILE])
def test_a_comparison_with_text_where_numbers_belong_is_refused(file, tmp_path):
    for name in (attack_tables.SUMMARY_FILE, attack_tables.DEFENCES_FILE):
        (tmp_path / name).write_bytes((REPORT / "attacks-gtsrb" / name).read_bytes())
    table = pd.read_csv(tmp_path / file, dtype=str, keep_default_na=False)
    table.loc[1, "attack_success"] = "high"
    table.to_csv(tmp_path / file, index=False)
    with pytest.raises(UserError, match="column attack_success holds text"):
        attack_tables.read_tables(tmp_path)
