"""A sweep file becomes cells, or one sentence says what is wrong with it."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.attacks.triggers import parse_trigger
from engine.core.errors import UserError
from engine.evaluation.targets import NEXT_CLASS
from engine.experiments.sweeps import sweep_file
from engine.experiments.sweeps.cell import Cell


def test_every_combination_is_a_cell_in_the_order_of_the_file():
    cells = sweep_file.cells_of(
        {"dataset": "signs", "attack": ["ftrojan", "badnets"], "rate": [0.01, 0.05], "seed": [0, 7]}
    )
    found = [(cell.attack, cell.rate, cell.seed) for cell in cells]
    assert found == list(itertools.product(["ftrojan", "badnets"], [0.01, 0.05], [0, 7]))


def test_what_is_left_out_is_the_attacks_own():
    (wanet,) = sweep_file.cells_of({"dataset": "cifar10", "attack": "wanet"})
    assert (wanet.rate, wanet.target, dict(wanet.poisoning)["cross_samples"]) == (0.1, 8, 2.0)
    (turned,) = sweep_file.cells_of({"dataset": "signs", "attack": "badnets-all-to-all"})
    assert turned.target == NEXT_CLASS
    assert wanet.detectors == wanet.repairs == ()


def test_parameters_are_those_of_the_trigger_and_each_value_is_a_cell():
    cells = sweep_file.cells_of(
        {"dataset": "signs", "attack": "ftrojan", "parameters": {"magnitude": [10, 30]}}
    )
    assert [parse_trigger(cell.trigger).magnitude for cell in cells] == [10, 30]
    assert [cell.settings()["trigger_magnitude"] for cell in cells] == [10, 30]


def test_a_clean_network_is_trained_once_whatever_the_rates():
    cells = sweep_file.cells_of(
        {"dataset": "signs", "attack": ["none", "ftrojan"], "rate": [0.01, 0.05]}
    )
    assert [cell.rate for cell in cells] == [0, 0.01, 0.05]


@pytest.mark.parametrize(
    ("attack", "rate", "labels", "cross_samples"),
    [
        ("sig:amplitude=60", 0.045, "clean-label", 0),
        ("wanet:strength=0.3", 0.1, "dirty-label", 2),
        ("badnets:size=5", 0.05, "dirty-label", 0),
    ],
)
def test_a_trigger_as_text_is_poisoned_with_as_its_attack_is(attack, rate, labels, cross_samples):
    (cell,) = sweep_file.cells_of({"dataset": "signs", "attack": attack})
    poisoning = dict(cell.poisoning)
    assert (cell.rate, poisoning["labels"], poisoning["cross_samples"]) == (
        *(rate, labels, cross_samples),
    )
    assert attack.partition("=")[2] in cell.trigger and cell.attack == attack.partition(":")[0]


def test_a_repair_named_twice_is_tried_once():
    (cell,) = sweep_file.cells_of({"dataset": "signs", "repair": ["clp", "clp"]})
    assert cell.repairs == ("clp",)


def test_detectors_and_repairs_are_tried_on_every_network():
    cells = sweep_file.cells_of(
        {"dataset": "signs", "seed": [0, 1], "detector": "mm-bd", "repair": ["clp", "ft-sam"]}
    )
    assert [(cell.detectors, cell.repairs) for cell in cells] == [
        (("mm-bd",), ("clp", "ft-sam"))
    ] * 2


@pytest.mark.parametrize(
    ("described", "said"),
    [
        ({}, "names no dataset"),
        ([], "list of settings"),
        ({"dataset": "signs", "colour": 1}, "no setting 'colour'"),
        ({"dataset": "signs", "rate": "much"}, "rate cannot be 'much'"),
        ({"dataset": "signs", "rate": True}, "rate cannot be"),
        ({"dataset": "signs", "seed": []}, "list of seed is empty"),
        ({"dataset": "signs", "seed": [[1]]}, "list within a list"),
        ({"dataset": "signs", "rate": 2}, "share below 1"),
        ({"dataset": "signs", "rate": float("nan")}, "share below 1"),
        ({"dataset": "signs", "target": -1}, "target class"),
        ({"dataset": "no-such-dataset", "target": 1}, "no-such-dataset"),
        ({"dataset": "signs", "seed": {"a": 1}}, "seed cannot be"),
        ({"dataset": "signs", "attack": "nothing-known"}, "nothing-known"),
        ({"dataset": "signs", "repair": "nothing-known"}, "nothing-known"),
        ({"dataset": "signs", "detector": "nothing-known"}, "nothing-known"),
        ({"dataset": "signs", "network": "nothing-known"}, "nothing-known"),
        ({"dataset": "signs", "preset": "nothing-known"}, "nothing-known"),
        ({"dataset": "signs", "target": "somewhere"}, "target class 'somewhere'"),
        ({"dataset": "signs", "parameters": [1]}, "parameters of the trigger"),
        ({"dataset": "signs", "parameters": {"size": 3}}, "no parameter 'size'"),
        ({"dataset": "signs", "seed": list(range(20_000))}, "10000 cells at most"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(described, said):
    with pytest.raises(UserError, match=said):
        sweep_file.cells_of(described)


@pytest.mark.parametrize(
    "content", [b"dataset: [", b"\xff\xfe\x00", b"a: &a [*a]", b"- " * 5000, b"a: 2020-13-45"]
)
def test_a_file_that_is_no_sweep_is_refused_in_a_sentence(tmp_path, content):
    file = tmp_path / "sweep.yaml"
    file.write_bytes(content)
    with pytest.raises(UserError):
        sweep_file.read(file)


@given(
    st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=4, unique=True),
    st.lists(st.sampled_from(["none", "badnets", "sig", "bpp"]), min_size=1, unique=True),
)
def test_cells_survive_their_text_and_have_keys_of_their_own(seeds, attacks):
    cells = sweep_file.cells_of({"dataset": "signs", "seed": seeds, "attack": attacks})
    assert [Cell.from_json(cell.to_json()) for cell in cells] == cells
    assert len({cell.key for cell in cells}) == len(cells) == len(seeds) * len(attacks)
