"""What is found out about a network from elsewhere, on networks that tell classes by a colour."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from engine.core import paths
from engine.core.errors import UserError
from engine.datasets import Dataset, Split
from engine.experiments import examine as examining
from engine.experiments.examine import Examination, Opened, class_orders, fit_order
from engine.experiments.import_model import Choices, choose_form, find_form
from engine.networks.input_format import InputFormat
from engine.networks.untrusted import OpenedNetwork

CLASSES, SIDE = 12, 8


def images_of(labels: np.ndarray, seed: int) -> Split:
    """Images whose red tells the class, with some noise; the other colours tell nothing."""
    rng = np.random.default_rng(seed)
    level = 10 + labels * 20
    colour = np.stack([level, *rng.integers(20, 230, (2, len(labels)))], axis=1)
    noise = rng.integers(-4, 5, (len(labels), SIDE, SIDE, 3))
    images = (colour[:, None, None] + noise).clip(0, 255).astype(np.uint8)
    return Split(images, labels.astype(np.int64))


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    def split(count: int, seed: int) -> Split:
        return images_of(np.arange(count) % CLASSES, seed)

    names = tuple(f"{number} {'zyxwvutsrqpo'[number]}" for number in range(CLASSES))
    return Dataset("levels", names, split(240, 1), split(600, 2), split(60, 3))


def network(form: InputFormat) -> keras.Model:
    """Gives the class of such images exactly, if they come in that form.

    The logit of class k is -(level - k)^2 without the part that is the same for all classes.
    """
    inputs = keras.Input((SIDE, SIDE, form.channels))
    values = layers.GlobalAveragePooling2D()(inputs)
    model = keras.Model(inputs, layers.Dense(CLASSES, name="scores")(values))
    wanted = np.zeros((3, 1), np.float32)
    wanted[0] = 255  # red, as it is from 0 to 1
    factors, offsets = form.matrix()
    kernel = np.linalg.pinv(factors.astype(np.float64)) @ wanted  # the network's values to red
    levels = 10 + np.arange(CLASSES) * 20
    order = np.argsort(form.class_order) if form.class_order else np.arange(CLASSES)
    weights = (kernel * levels / 100)[:, order]
    bias = (-(levels**2) / 200 - (offsets @ kernel) * levels / 100)[order]
    model.get_layer("scores").set_weights([weights, bias])
    return model


def examined(form: InputFormat, dataset: Dataset) -> Examination:
    about = OpenedNetwork(Path("network.keras"), "keras", False, ())
    return examining.examine(Opened("network.keras", about, network(form), dataset))


TEXT = class_orders([str(number) for number in range(CLASSES)])["numbers-as-text"]


@pytest.mark.parametrize(
    "form",
    [
        InputFormat("0..255", "rgb"),
        InputFormat("0..1", "bgr"),
        InputFormat("-1..1", "rgb"),
        InputFormat("imagenet", "rgb"),
        InputFormat("0..255", "bgr", class_order=TEXT),
        InputFormat("0..255", "rgb", class_order=(5, 3, 1, 0, 2, 4, 11, 9, 7, 6, 8, 10)),
    ],
    ids=str,
)
def test_what_a_network_expects_is_found_out(form: InputFormat, dataset: Dataset) -> None:
    found = examined(form, dataset)

    assert found.winner is not None
    assert found.winner.accuracy == 100
    assert found.form(found.winner) == dataclasses.replace(form, outputs="logits")
    assert not found.near_chance


def test_the_order_that_text_sorting_gives_is_called_by_its_name(dataset: Dataset) -> None:
    found = examined(InputFormat("0..255", class_order=TEXT), dataset)

    assert found.winner is not None
    assert found.winner.order in ("numbers-as-text", "names-as-text")


def test_a_network_that_guesses_has_no_winner_and_is_not_imported(dataset: Dataset) -> None:
    about = OpenedNetwork(Path("network.keras"), "keras", False, ())
    guessing = network(InputFormat())
    guessing.get_layer("scores").set_weights([np.zeros((3, CLASSES)), np.zeros(CLASSES)])

    found = examining.examine(Opened("network.keras", about, guessing, dataset))

    assert found.near_chance
    assert found.winner is None
    with pytest.raises(UserError, match="seems to guess"):
        choose_form(found, Choices())


def test_what_the_user_says_counts_more_than_what_was_found(dataset: Dataset) -> None:
    found = examined(InputFormat("0..255"), dataset)

    form = choose_form(found, Choices("0..1", "rgb", "scores", "given"))

    assert form == InputFormat("0..1", "rgb", "scores")


def test_nothing_is_tried_out_if_the_user_says_everything(dataset: Dataset) -> None:
    about = OpenedNetwork(Path("network.keras"), "keras", False, ())
    larger = np.zeros((CLASSES, SIDE + 1, SIDE + 1, 3), np.uint8)  # the network cannot take these
    unfit = dataclasses.replace(dataset, validation=Split(larger, np.arange(CLASSES)))
    unfit = dataclasses.replace(unfit, train=unfit.validation)
    opened = Opened("network.keras", about, network(InputFormat()), unfit)

    form = find_form(opened, Choices("-1..1", "bgr", "logits", "numbers-as-text"))

    assert form == InputFormat("-1..1", "bgr", "logits", TEXT)
    with pytest.raises((TypeError, ValueError)):
        find_form(opened, Choices("-1..1", "bgr"))


def test_a_choice_that_was_not_tried_is_refused(dataset: Dataset) -> None:
    found = examined(InputFormat("0..255"), dataset)

    with pytest.raises(UserError, match="was not tried"):
        choose_form(found, Choices(order="fitted"))


def test_grey_images_do_not_tell_the_order_of_the_colours(dataset: Dataset) -> None:
    grey = dataclasses.replace(
        dataset,
        validation=Split(
            np.repeat(dataset.validation.images[..., :1], 3, axis=-1), dataset.validation.labels
        ),
    )
    found = examined(InputFormat("0..255"), grey)

    assert found.winner is not None
    assert (found.winner.range, found.winner.colours) == ("0..255", "rgb")


def test_class_orders_lead_from_classes_to_outputs() -> None:
    assert class_orders(["b", "a", "c"]) == {"given": (), "names-as-text": (1, 0, 2)}
    assert TEXT[:4] == (0, 1, 4, 5)


def test_the_fitted_order_makes_most_images_correct() -> None:
    outputs = np.array([2, 2, 0, 0, 1, 1, 1])
    labels = np.array([0, 0, 1, 1, 2, 2, 0])

    assert fit_order(outputs, labels, 3) == (2, 0, 1)


def test_a_network_with_other_classes_than_the_dataset_is_refused_and_leaves_nothing(
    dataset: Dataset,
) -> None:
    file = paths.SHIPPED_MODELS / "signs-clean" / "model.keras"
    larger = dataclasses.replace(
        dataset,
        train=Split(np.zeros((CLASSES, 32, 32, 3), np.uint8), np.arange(CLASSES)),
    )

    with pytest.raises(UserError, match=f"43 outputs, but levels has {CLASSES} classes"):
        examining.open_for(file, lambda size: larger)
    with pytest.raises(UserError, match="takes images of 32x32, but those of levels"):
        examining.open_for(file, lambda size: dataset)
    assert not paths.models_folder().exists()
