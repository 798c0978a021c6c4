"""What a description says of channels is what the network in Keras says."""

import json
from functools import partial

import keras
import pytest
from keras import layers

from engine.core.errors import UserError
from engine.networks import architectures, channel_blocks, channels, split
from engine.networks.untrusted.parts import Parts
from tests.fixtures import branching_networks


def described(model):
    return Parts(json.loads(model.to_json()), {})


def can_be_pruned(model, layer):
    try:
        channels.check_can_be_pruned(model, layer)
    except UserError:
        return False
    return True


def classes_from_a_convolution(images):
    values = layers.ReLU()(layers.Conv2D(4, 3, name="features")(images))
    values = layers.Conv2D(3, 1, name="scores")(values)
    return layers.Softmax()(layers.GlobalAveragePooling2D()(values))


def softmax_inside(images):
    values = layers.Conv2D(4, 3, activation="softmax", name="mixed")(images)
    return layers.Dense(3, activation="softmax")(layers.Flatten()(values))


def small(make):
    images = keras.Input((8, 8, 3))
    return keras.Model(images, make(images))


def one_to_train(name):
    return architectures.parse_architecture(name).build(3, (16, 16, 3), seed=1)


NETWORKS = {
    **{name: partial(branching_networks.build, name, 4) for name in branching_networks.BODIES},
    **{f"{name}, to train": partial(one_to_train, name) for name in architectures.ARCHITECTURES},
    "classes from a convolution": partial(small, classes_from_a_convolution),
    "a softmax inside": partial(small, softmax_inside),
}


@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_convolutions_and_their_blocks_are_those_of_the_network(make):
    model = make()
    parts = described(model)
    convolutions = channels.convolutions(model)
    prunable = [name for name in convolutions if can_be_pruned(model, name)]
    assert channel_blocks.prunable_convolutions(parts) == prunable
    blocks = channel_blocks.channel_blocks(parts)
    assert list(blocks) == convolutions
    assert {name: blocks[name] for name in prunable} == {
        name: split.block_of(model, name) for name in prunable
    }


def test_a_convolution_whose_channels_are_the_classes_is_not_pruned():
    parts = described(small(classes_from_a_convolution))
    assert channel_blocks.prunable_convolutions(parts) == ["features"]


def test_layers_in_a_circle_come_to_an_end():
    inputs = keras.Input((8, 8, 3))
    values = layers.ReLU(name="b")(layers.Conv2D(3, 1, name="a")(inputs))
    parts = described(keras.Model(inputs, layers.ReLU(name="c")(values)))
    by_name = {item["config"]["name"]: item for item in parts.config["config"]["layers"]}
    by_name["b"]["inbound_nodes"] = by_name["c"]["inbound_nodes"]
    by_name["c"]["inbound_nodes"][0]["args"][0]["config"]["keras_history"][0] = "c"
    assert channel_blocks.channel_blocks(parts)["a"] == ["a"]
