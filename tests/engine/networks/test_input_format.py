"""What is added to an imported network, and taken away again for a download."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers
from scipy import special

from engine.core.errors import UserError
from engine.networks.input_format import COLOURS, RANGES, InputFormat, adapt, restore

ORDER = (2, 0, 3, 1)
OUTPUTS = {"probabilities": "softmax", "logits": "linear", "scores": "sigmoid"}
IMAGES = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)


def network(channels: int, activation: str, end: str) -> keras.Model:
    """A small network whose logits come from a dense layer or from global pooling."""
    inputs = keras.Input((8, 8, channels))
    if end == "pooling":
        values = layers.Conv2D(4, 3, kernel_initializer=small())(inputs)
        values = layers.GlobalAveragePooling2D()(values)
        return keras.Model(inputs, layers.Activation(activation)(values))
    values = layers.Conv2D(5, 3, activation="relu", kernel_initializer=small())(inputs)
    values = layers.GlobalAveragePooling2D()(values)
    if end == "dense":
        return keras.Model(inputs, layers.Dense(4, activation=activation)(values))
    return keras.Model(inputs, layers.Activation(activation)(layers.Dense(4)(values)))


def small() -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(stddev=0.02, seed=1)


def outputs(model: keras.Model, images: np.ndarray) -> np.ndarray:
    return np.asarray(model(images.astype(np.float32), training=False))


@pytest.mark.parametrize("end", ["dense", "dense and activation", "pooling"])
@pytest.mark.parametrize("kind", OUTPUTS)
@pytest.mark.parametrize(
    ("values", "colours"), [(r, "rgb") for r in RANGES] + [("0..255", c) for c in COLOURS]
)
def test_an_adapted_network_gives_the_same_probabilities_in_the_datasets_order(
    values: str, colours: str, kind: str, end: str
) -> None:
    form = InputFormat(values, colours, kind, ORDER)
    model = network(form.channels, OUTPUTS[kind], end)
    expected = outputs(model, form.scaled(IMAGES)).astype(np.float64)
    if kind == "scores":
        expected = special.logit(expected)
    if kind != "probabilities":
        expected = special.softmax(expected, axis=1)

    found = outputs(adapt(model, form), IMAGES / 255)

    np.testing.assert_allclose(found, expected[:, list(ORDER)], atol=2e-4)


@pytest.mark.parametrize("end", ["dense", "dense and activation", "pooling"])
@pytest.mark.parametrize("kind", OUTPUTS)
@pytest.mark.parametrize("colours", COLOURS)
def test_restoring_undoes_adapting(colours: str, kind: str, end: str) -> None:
    form = InputFormat("0..255", colours, kind, ORDER)
    model = network(form.channels, OUTPUTS[kind], end)
    own = form.scaled(IMAGES)

    back = restore(adapt(model, form), form)

    assert back.input_shape == model.input_shape
    np.testing.assert_allclose(outputs(back, own), outputs(model, own), atol=1e-5)


def test_what_was_added_is_never_trained() -> None:
    adapted = adapt(
        network(1, "linear", "pooling"), InputFormat("imagenet", "grey", "logits", ORDER)
    )

    trained = {variable.path.split("/")[0] for variable in adapted.trainable_variables}

    assert all(name.startswith("conv2d") for name in trained)


def test_a_format_survives_the_way_over_a_card() -> None:
    form = InputFormat("imagenet", "bgr", "logits", ORDER)

    assert InputFormat.from_card(form.as_dict()) == form


@pytest.mark.parametrize(
    "wrong",
    [{"range": "0..7"}, {"colours": "pink"}, {"outputs": "guesses"}, {"class_order": (0, 0, 1)}],
)
def test_an_unknown_format_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UserError):
        InputFormat(**wrong)  # type: ignore[arg-type]
