import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from engine import store
from engine.core.errors import UserError
from engine.core.progress import Stopped, reporting_to
from engine.datasets import Split, load_dataset
from engine.experiments.attack_plan import AttackPlan
from engine.experiments.eval_pairs import eval_pair
from engine.experiments.new_model import NewModel
from engine.experiments.train import train
from engine.training.checkpoints import Checkpoint
from engine.training.fit import fit
from engine.training.training_config import SCHEDULES, TrainingConfig
from engine.training.training_steps import learning_rate
from engine.training.validation_sets import ValidationSets
from engine.training.watched_image import WatchedRecord
from tests.conftest import TARGET, living_in


def small_network(classes: int):
    """One layer of each kind in the paper's network."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)  # for the initial weights
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(8, 3, strides=4),
            layers.Activation("elu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Dropout(0.2, seed=1),
            layers.Flatten(),
            layers.Dense(classes, activation="softmax"),
        ]
    )


def prepared(dataset, plan, path, stop_requested=lambda: False, epochs=2, schedule="constant"):
    images = eval_pair(dataset, "validation", plan.trigger, TARGET)
    training = TrainingConfig(epochs, batch=16, learning_rate=2e-3, schedule=schedule)
    own = dataclasses.replace(plan, training=training)
    checkpoint = Checkpoint(path, own.identity(dataset)) if path else None
    network = small_network(dataset.classes)
    validation_sets = ValidationSets(images.clean, images.triggered, TARGET)

    def work():
        return fit(network, dataset.train, validation_sets, training, checkpoint, stop_requested)

    return network, work


def after(epochs: int, path: Path):
    """A stop request that comes once so many epochs are in the checkpoint."""
    seen = []

    def stop_requested():
        if path.exists():
            seen.append(path.stat().st_mtime_ns)
        return len(set(seen)) >= epochs

    return stop_requested


def test_a_linear_network_learns_to_tell_black_from_white():
    """The problem is convex and the classes are far apart: gradient descent must solve it."""
    network = linear_network()
    kernel, bias = network.get_weights()
    network.set_weights([np.zeros_like(kernel), np.zeros_like(bias)])
    labels = np.arange(64) % 2
    images = np.broadcast_to(255 * labels[:, None, None, None], (64, 8, 8, 3)).astype(np.uint8)
    split = Split(images, labels)
    training = TrainingConfig(epochs=4, batch=8, learning_rate=1e-2)
    validation_sets = ValidationSets(split, split.take(np.flatnonzero(labels == 0)), 1)
    history = fit(network, split, validation_sets, training).history
    losses = [row["loss"] for row in history]
    assert losses[0] < np.log(2) and losses == sorted(losses, reverse=True)
    assert history[-1]["clean_accuracy"] == history[-1]["train_accuracy"] == 100
    assert history[-1]["attack_success"] == 0


def linear_network():
    import keras
    from keras import layers

    return keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(2, activation="softmax")]
    )


@pytest.fixture(scope="session")
def stored(once, data, plan) -> store.StoredModel:
    """A model that was really trained, on a few images."""
    training = dataclasses.replace(plan.training, epochs=3, batch=16)

    def fill(home: Path) -> None:
        with living_in(home):
            few = load_dataset("folder:few", data)
            own = dataclasses.replace(plan, training=training)
            train(few, own, NewModel("real"))

    return store.open_folder(once("really-trained", fill) / "models" / "real")


def test_the_epoch_kept_is_the_first_with_the_best_clean_validation_accuracy(stored):
    history = stored.table("history")
    best = history["clean_accuracy"].to_numpy().argmax()
    assert stored.card.training["epoch_kept"] == history["epoch"][best]
    assert stored.card.scores["validation"]["clean_accuracy"] == pytest.approx(
        history["clean_accuracy"][best], abs=1e-3
    )


def test_the_poisoned_images_are_recorded(stored, few, plan):
    record = stored.table("poisoned")
    assert len(record) == stored.card.poisoned == round(plan.rate * len(few.train))
    np.testing.assert_array_equal(record["label"], few.train.labels[record["index"]])
    assert (record["label"] != TARGET).all()


def test_a_clean_network_has_no_poisoned_image(few, plan):
    training = dataclasses.replace(plan.training, epochs=1, batch=16)
    own = dataclasses.replace(plan, rate=0.0, training=training)
    events = []
    with reporting_to(events.append):
        clean = train(few, own, NewModel("none"))
    assert clean.card.poisoned == len(clean.table("poisoned")) == 0
    figures = events[-1].figures
    assert len(figures["history"]) == 1 and figures["interim_metrics"], "until the very end"
    record = WatchedRecord.read(figures)
    assert record is not None and record.target == few.class_names[TARGET]
    moments = [row["epoch"] for row in figures["interim_metrics"]]
    assert [prediction.epoch for prediction in record.predictions] == moments


def test_progress_gives_speed_and_time_left(few, plan):
    _, work = prepared(few, plan, None, epochs=1)
    events = []
    with reporting_to(events.append):
        work()
    assert events[-1].done == events[-1].total == len(few.train)
    assert all(event.figures["images_per_second"] > 0 for event in events)
    assert events[-1].figures["seconds_left"] == 0
    assert events[-1].figures["history"][0]["epoch"] == 1


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_stopped_training_keeps_its_epochs_and_resumes_to_the_same_weights(
    few, plan, tmp_path, schedule
):
    path = tmp_path / "checkpoint.npz"
    _, work = prepared(few, plan, path, after(1, path), schedule=schedule)
    result = work()
    assert result.stopped and len(result.history) == 1
    resumed, work = prepared(few, plan, path, schedule=schedule)
    assert len(work().history) == 2
    straight, work = prepared(few, plan, None, schedule=schedule)
    work()
    for ours, theirs in zip(resumed.get_weights(), straight.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_training_stopped_in_its_first_epoch_has_nothing_to_keep(few, plan, tmp_path):
    _, work = prepared(few, plan, tmp_path / "c.npz", lambda: True)
    with pytest.raises(Stopped, match="first epoch"):
        work()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not much", b"neither zip nor array"])
def test_a_damaged_checkpoint_is_refused(few, plan, tmp_path, content):
    path = tmp_path / "checkpoint.npz"
    path.write_bytes(content)
    with pytest.raises(UserError, match="cannot be read"):
        prepared(few, plan, path)[1]()


def test_the_checkpoint_of_another_training_is_refused(few, plan, tmp_path):
    path = tmp_path / "checkpoint.npz"
    prepared(few, plan, path, epochs=1)[1]()
    other = AttackPlan(plan.trigger, TARGET, 0.3, plan.training)
    with pytest.raises(UserError, match="other settings"):
        prepared(few, other, path)[1]()


def test_half_a_checkpoint_is_refused(few, plan, tmp_path):
    path = tmp_path / "checkpoint.npz"
    prepared(few, plan, path, epochs=1)[1]()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match="cannot be read"):
        prepared(few, plan, path)[1]()


def test_data_of_the_target_class_alone_is_refused_before_training(dataset, plan):
    only = dataset.test.take(np.flatnonzero(dataset.test.labels == TARGET))
    with pytest.raises(UserError, match="all show the target class"):
        train(dataclasses.replace(dataset, test=only), plan, NewModel("n"))


def test_epochs_can_be_added_with_a_constant_rate_but_not_to_a_cycle(few, plan, tmp_path):
    path = tmp_path / "checkpoint.npz"
    prepared(few, plan, path, epochs=1)[1]()
    assert len(prepared(few, plan, path, epochs=2)[1]().history) == 2
    path.unlink()
    prepared(few, plan, path, epochs=1, schedule="one-cycle")[1]()
    with pytest.raises(UserError, match="other settings"):
        prepared(few, plan, path, epochs=2, schedule="one-cycle")[1]()


@pytest.mark.parametrize(("images", "batch", "epochs"), [(640, 64, 4), (1000, 64, 5), (70, 64, 3)])
def test_one_cycle_rises_for_a_quarter_of_the_steps_then_decays_as_a_cosine(images, batch, epochs):
    rate = learning_rate(TrainingConfig(epochs, batch, 3e-3, "one-cycle"), images)
    steps = epochs * math.ceil(images / batch)
    rising = round(steps / 4)
    for step in range(steps):
        if step <= rising:
            expected = 3e-3 * step / rising
        else:
            expected = 3e-3 * (1 + math.cos(math.pi * (step - rising) / (steps - rising))) / 2
        assert float(rate(step)) == pytest.approx(expected, rel=1e-4, abs=1e-9)


def test_an_unknown_schedule_is_refused():
    with pytest.raises(UserError, match="choose from constant, one-cycle"):
        TrainingConfig(schedule="linear")


@pytest.mark.parametrize(
    "settings", [{"epochs": 0}, {"batch": 0}, {"learning_rate": 0}, {"seed": -1}]
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(UserError, match="must lie between"):
        TrainingConfig(**settings)
