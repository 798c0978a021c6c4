"""Other experiments train their networks where a sweep would, and then find them trained."""

import dataclasses

from engine import store
from engine.attacks import recipes
from engine.core import progress
from engine.datasets import load_dataset
from engine.experiments import attack_suite
from engine.experiments.attack_suite import Member, SuiteSettings
from engine.experiments.new_model import NewModel
from engine.experiments.same_training import differing_settings
from engine.experiments.sweeps import sweep_file
from engine.experiments.sweeps.train_networks import train_missing
from engine.experiments.workers.child_process import Limits
from engine.experiments.workers.schedulers import OneAfterTheOther
from engine.experiments.workers.task import Result
from engine.reporting import reproduction
from tests.conftest import TARGET

HERE = OneAfterTheOther(Limits(1))


class Refusing:
    """A scheduler that must not be asked for anything."""

    def run(self, tasks, total, keep):
        raise AssertionError(f"asked for {list(tasks)}")


class Failing:
    """A scheduler on which every cell fails."""

    def run(self, tasks, total, keep):
        for task in tasks:
            keep(task.key, Result([], b"", "It has no such dataset."))


def test_a_suite_trained_elsewhere_is_found_trained(data, monkeypatch):
    monkeypatch.setenv("PRUNING_LAB_DATA", str(data))
    badnets = recipes.Attack("BadNets", "badnets", rate=0.25, target=TARGET)
    monkeypatch.setattr(recipes, "ATTACKS", {"badnets": badnets})
    settings = SuiteSettings("quick", 1, seeds=(3,))
    attack_suite.train_elsewhere("folder:few", ["badnets"], settings, HERE)
    name = Member("badnets", 3).model_name("folder:few")
    stored = store.find(name)
    assert attack_suite.is_suite_model(name)
    assert f"--name {name}" in stored.card.commands[0] and "--seed 3" in stored.card.commands[0]
    plan = attack_suite.plan_attack("badnets", "folder:few", settings.training(3))
    assert differing_settings(stored.card, plan) == {}
    attack_suite.train_elsewhere("folder:few", ["badnets"], settings, Refusing())

    before = stored.card.sha256  # the suite goes on with that network
    attack_suite.run_suite(load_dataset("folder:few"), ["badnets"], settings, lambda: False)
    assert store.find(name).card.sha256 == before


def test_what_differs_from_a_plan_is_named():
    card = store.find("signs-ftrojan").card
    (cell,) = sweep_file.cells_of({"dataset": "signs", "preset": "fast", "epochs": 16})
    assert differing_settings(card, cell.plan()) == {}
    for change, name in (
        ({"rate": 0.1}, "rate"),
        ({"network": "resnet"}, "architecture"),
        ({"target": 3}, "target"),
        ({"precision": "bfloat16"}, "precision"),
        ({"seed": 5}, "seed"),
        ({"parameters": {"magnitude": 31}}, "trigger"),
    ):
        described = {"dataset": "signs", "preset": "fast", "epochs": 16} | change
        (other,) = sweep_file.cells_of(described)
        assert list(differing_settings(card, other.plan())) == [name]


def test_a_cell_that_fails_is_reported_and_left_to_be_trained_here():
    (cell,) = sweep_file.cells_of({"dataset": "signs"})
    said = []
    with progress.reporting_to(lambda event: said.append(event.message)):
        train_missing({"wanted": cell}, Failing())
    assert said == ["wanted failed there: It has no such dataset."]
    assert "wanted" not in store.names()


def test_the_papers_networks_are_the_same_here_and_elsewhere(monkeypatch):
    subjects = reproduction.choose("signs", [7, 8])
    cells = reproduction.cells_of(subjects, "signs")
    planned = []

    def note(dataset, plan, model: NewModel, checkpoint):
        planned.append((model.name, plan))

    monkeypatch.setattr("engine.reporting.reproduction.subjects.train", note)
    dataset = dataclasses.make_dataclass("Named", [("name", str)])("signs")
    for subject in subjects:
        reproduction.subjects.find_or_train(subject, dataset)
    assert (
        list(cells)
        == [name for name, _ in planned]
        == ["signs-ftrojan-seed7", "signs-ftrojan-seed8"]
    )
    for name, plan in planned:
        elsewhere = dataclasses.replace(cells[name].plan(), surrogate=plan.surrogate)
        assert elsewhere == plan


def test_nothing_is_trained_for_a_report_on_one_model():
    chosen = reproduction.choose("gtsrb", [], "gtsrb-ftrojan")
    assert reproduction.cells_of(chosen, "gtsrb") == {}


def test_what_learns_from_a_clean_network_is_trained_here_alone():
    attack_suite.train_elsewhere("gtsrb", ["input-aware"], SuiteSettings("quick", 99), Refusing())
