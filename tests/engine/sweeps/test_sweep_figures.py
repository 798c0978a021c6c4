"""The spread of a sweep's figures, against a plain loop."""

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import UserError
from engine.defenses.repairs import REPAIRS
from engine.experiments.sweeps import figures, subjects, sweep_file
from engine.experiments.sweeps.results import SweepResults, own_sweeps, sweep_names

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["ftrojan", "badnets"]),
        st.sampled_from([0.01, 0.05]),
        st.one_of(st.floats(0, 100), st.just(math.nan)),
    ),
    min_size=1,
    max_size=20,
)


@given(ROWS)
def test_the_spread_is_that_of_a_plain_loop(rows):
    table = pd.DataFrame(rows, columns=["attack", "rate", "value"])
    found = figures.spread(table, ["attack", "rate"]).set_index(["attack", "rate"])
    groups = {}
    for attack, rate, value in rows:
        if not math.isnan(value):
            groups.setdefault((attack, rate), []).append(value)
    assert set(found.index) == set(groups)
    for group, values in groups.items():
        row = found.loc[group]
        assert (row["low"], row["high"]) == (min(values), max(values))
        assert row["mean"] == pytest.approx(sum(values) / len(values))
        assert row["networks"] == len(values)


def test_only_what_differs_is_offered_as_an_axis():
    about = {
        "dataset": "s",
        "attack": "a",
        "rate": [0.1, 0.2],
        "repair": ["", "clp"],
        "detector": ["", ""],
        "pruning": ["", ""],
    }
    table = figures.with_subject(pd.DataFrame(about | {"value": [1.0, 2.0]}))
    assert figures.varying_settings(table) == ["rate", "subject"]
    trigger = table.assign(attack=["a", "b"], trigger_size=[3, math.nan])
    assert figures.varying_settings(trigger) == ["attack", "subject"]
    assert table["subject"].tolist() == [subjects.NETWORK, REPAIRS["clp"].title]


def test_every_setting_of_a_cell_can_be_an_axis():
    (cell,) = sweep_file.cells_of({"dataset": "signs"})
    assert not set(cell.settings()) & set(figures.NOT_SETTINGS)


def test_a_sweep_knows_its_cells_before_any_is_done():
    cells = sweep_file.cells_of({"dataset": "signs", "seed": [0, 1]})
    SweepResults.of("one").begin(cells)
    assert own_sweeps() == ["one"] and sweep_names()[0] == "one"
    assert SweepResults.of("one").cells() == cells


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"cells": 3}', '{"cells": []}', '{"cells": [{"a": 1}]}']
)
def test_a_damaged_plan_is_one_sentence(content):
    results = SweepResults.of("broken")
    results.folder.mkdir(parents=True)
    (results.folder / "sweep.json").write_text(content)
    with pytest.raises(UserError, match="start it again"):
        results.cells()
