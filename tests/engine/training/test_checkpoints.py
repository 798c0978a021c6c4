"""Trainings that resume: which model they may replace, and what they do when the disk is full."""

import dataclasses

import numpy as np
import pytest

from engine import store
from engine.cli import main
from engine.core import atomic_files, paths, progress
from engine.core.errors import UserError
from engine.core.progress import reporting_to
from engine.experiments.new_model import NewModel
from engine.experiments.train import train
from engine.networks.architectures import PaperNetwork
from engine.training.checkpoints import read_result
from engine.training.training_config import TrainingConfig
from tests.fixtures.events import Killed, at_first, die


@pytest.fixture(autouse=True)
def small_network(monkeypatch):
    """Train a small network here, in an instant."""

    def small(self, classes, image_shape, seed):
        import keras
        from keras import layers

        keras.utils.set_random_seed(seed)
        return keras.Sequential(
            [
                keras.Input(image_shape),
                layers.Conv2D(4, 3, strides=4, activation="elu"),
                layers.Flatten(),
                layers.Dense(classes, activation="softmax"),
            ]
        )

    monkeypatch.setattr(PaperNetwork, "build", small)
    monkeypatch.setattr(progress, "RETRY_SECONDS", 0.0)


@pytest.fixture
def path(tmp_path):
    """Where the checkpoint is kept."""
    return tmp_path / "run" / "checkpoint.npz"


@pytest.fixture
def train_x(few, plan, path):
    """A function that trains the model "x" for two epochs."""
    own = dataclasses.replace(plan, training=TrainingConfig(epochs=2, batch=16))

    def run(stop_requested=lambda: False, replace=False):
        return train(few, own, NewModel("x", "command", replace), path, stop_requested)

    return run


def kill(train_x, path):
    """End the training abruptly as soon as there is a checkpoint."""
    with reporting_to(at_first(lambda event: path.exists(), die)), pytest.raises(Killed):
        train_x()


def stop_at(path):
    """A stop request that comes as soon as there is a checkpoint."""
    return path.exists


def test_a_checkpoint_does_not_allow_replacing_another_model_of_that_name(train_x, path, trained):
    kill(train_x, path)
    other = store.copy_as(trained, "x")
    with pytest.raises(UserError, match="There is a model 'x' already"):
        train_x()
    assert store.find("x").card == other.card
    assert path.exists()


def test_the_command_refuses_a_taken_name_before_it_reads_any_data(
    train_x, path, trained, data, tmp_path
):
    words = ["train", "folder:nowhere", "--root", str(tmp_path), "--name", "x", "--target", "1"]
    checkpoint = paths.jobs_folder() / "train-x" / "checkpoint.npz"
    kill(train_x, path)
    checkpoint.parent.mkdir(parents=True)
    path.rename(checkpoint)
    other = store.copy_as(trained, "x")
    assert main.main(words) == 2
    assert store.find("x").card == other.card


def test_a_name_taken_during_a_training_is_left_alone(train_x, path, trained):
    other = []

    def take_the_name():
        other.append(store.copy_as(trained, "x"))

    with (
        reporting_to(at_first(lambda event: True, take_the_name)),
        pytest.raises(UserError, match="There is a model 'x' already"),
    ):
        train_x()
    assert store.find("x").card == other[0].card
    assert len(read_result(path).history) == 2, "the network must not be lost"


def test_a_training_may_replace_the_model_it_stored_itself(train_x, path):
    stopped = train_x(stop_at(path))
    assert stopped.card.training["stopped"]
    finished = train_x()
    assert finished.card.training["epochs_run"] == 2
    assert store.find("x").card == finished.card
    assert not path.exists()


def test_a_training_may_not_replace_a_model_that_replaced_its_own(train_x, path, trained):
    train_x(stop_at(path))
    other = store.copy_as(trained, "x", replace=True)
    with pytest.raises(UserError, match="There is a model 'x' already"):
        train_x()
    assert store.find("x").card == other.card


def test_a_training_may_not_replace_a_repaired_copy_of_its_model(train_x, path):
    stopped = train_x(stop_at(path))
    repair = {"parent": "x", "parent_sha256": "0" * 64, "method": "clp", "summary": "Repaired."}
    card = dataclasses.replace(stopped.card, repair=repair)
    repaired = store.save(card, stopped.network(), {}, replace=True)
    with pytest.raises(UserError, match="There is a model 'x' already"):
        train_x()
    assert store.find("x").card == repaired.card


def test_with_replace_a_training_replaces_any_model(train_x, path, trained):
    kill(train_x, path)
    store.copy_as(trained, "x")
    finished = train_x(replace=True)
    assert store.find("x").card == finished.card


def test_a_finished_training_is_not_repeated_under_its_name(train_x):
    first = train_x()
    with pytest.raises(UserError, match="There is a model 'x' already"):
        train_x()
    assert store.find("x").card == first.card


def block(folder):
    """Make writing to a folder fail, by putting a file in its place."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("")


def paused(event):
    return event.message.startswith("Paused") and "Could not write" in event.message


def test_a_training_waits_until_its_checkpoint_can_be_written(train_x, path):
    straight = train_x().network().get_weights()
    path.parent.rmdir()
    block(path.parent)
    events = []

    def unblock_at_the_third_pause(event):
        if paused(event):
            events.append(event)
            if len(events) == 3:
                path.parent.unlink()

    with reporting_to(unblock_at_the_third_pause):
        train_x(replace=True)
    assert len(events) == 3
    assert all(event.figures["history"][-1]["epoch"] == 1 for event in events)
    for ours, theirs in zip(store.find("x").network().get_weights(), straight, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_training_stopped_while_it_waits_stores_its_epochs(train_x, path):
    block(path.parent)
    asked = []
    with reporting_to(at_first(paused, lambda: asked.append(True))):
        stored = train_x(lambda: bool(asked))
    assert stored.card.training["stopped"]
    assert stored.card.training["epochs_run"] == 1


def test_a_training_that_can_store_nothing_says_how_much_is_lost(train_x, path):
    block(path.parent)
    asked = []

    def block_the_models_too_and_stop():
        block(paths.models_folder())
        asked.append(True)

    with (
        reporting_to(at_first(paused, block_the_models_too_and_stop)),
        pytest.raises(UserError, match="of 1 epochs trained, the checkpoint keeps 0"),
    ):
        train_x(lambda: bool(asked))


def test_a_trained_network_waits_until_it_can_be_stored(train_x, path):
    block(paths.models_folder())
    with reporting_to(at_first(paused, paths.models_folder().unlink)):
        stored = train_x()
    assert stored.card.training["epochs_run"] == 2
    assert not path.exists()


def test_a_trained_network_that_cannot_be_stored_stays_in_the_checkpoint(train_x, path):
    block(paths.models_folder())
    asked = []
    with (
        reporting_to(at_first(paused, lambda: asked.append(True))),
        pytest.raises(UserError, match="of 2 epochs trained, the checkpoint keeps 2"),
    ):
        train_x(lambda: bool(asked))
    paths.models_folder().unlink()
    assert train_x().card.training["epochs_run"] == 2


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not much", b"neither zip nor array"])
def test_a_damaged_checkpoint_does_not_allow_replacing_a_model(train_x, path, trained, content):
    path.parent.mkdir()
    path.write_bytes(content)
    store.copy_as(trained, "x")
    with pytest.raises(UserError, match="There is a model 'x' already"):
        train_x()


def test_a_temporary_failure_is_reported_and_tried_again():
    failures = [atomic_files.WriteError("one"), atomic_files.WriteError("two")]

    def attempt():
        if failures:
            raise failures.pop(0)
        return "done"

    seen = []

    def pause(error):
        seen.append(error.problem)

    assert progress.retry(attempt, atomic_files.WriteError, lambda: False, pause) == "done"
    assert seen == ["one", "two"]
