"""The graph of a network's layers, as Keras builds it and as a file describes it."""

import json

import keras
import pytest
from keras import layers

from engine import store
from engine.core.errors import UserError
from engine.networks import layer_graph


def saved(network: keras.Model) -> dict:
    return json.loads(network.to_json())


def branching() -> keras.Model:
    inputs = keras.Input((8, 8, 3), name="in")
    values = layers.ReLU(name="b")(layers.Conv2D(3, 3, padding="same", name="a")(inputs))
    return keras.Model(inputs, layers.Add(name="sum")([inputs, values]))


def test_a_network_has_the_same_nodes_in_memory_and_in_its_description():
    network = branching()
    for nodes in (
        layer_graph.network_nodes(network),
        layer_graph.description_nodes(saved(network)),
    ):
        assert [(node.name, node.sources) for node in nodes] == [
            ("in", ()),
            ("a", ("in",)),
            ("b", ("a",)),
            ("sum", ("in", "b")),
        ]


def test_a_shipped_network_has_the_same_nodes_in_memory_and_in_its_file():
    model = store.find("signs-ftrojan")
    built = layer_graph.network_nodes(model.network())
    described = layer_graph.description_nodes(model.parts().config)
    named = [[(node.name, node.sources) for node in nodes] for nodes in (built, described)]
    # A Sequential network in memory does not count its input as a layer.
    inputs = {item.name for item in described if item.layer["class_name"] == "InputLayer"}
    named = [
        [
            (name, tuple(source for source in sources if source not in inputs))
            for name, sources in nodes
            if name not in inputs
        ]
        for nodes in named
    ]
    assert named[0] == named[1]
    assert len(named[0]) > 5


def test_followers_are_the_layers_that_take_an_output():
    followers = layer_graph.followers(layer_graph.network_nodes(branching()))
    names = {name: [layer.name for layer in followers[name]] for name in ("in", "a", "sum")}
    assert names == {"in": ["a", "sum"], "a": ["b"], "sum": []}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["in", "a", "b", "sum"], {"in": (), "a": ("in",), "b": ("a",), "sum": ("in", "b")}),
        (["a", "sum"], {"a": (), "sum": ("a",)}),
        (["in", "sum"], {"in": (), "sum": ("in",)}),
    ],
)
def test_values_come_from_the_nearest_of_the_layers_asked_for(names, expected):
    nodes = layer_graph.network_nodes(branching())
    assert layer_graph.sources_among(nodes, names) == expected


def test_outputs_are_named_however_a_file_lists_them():
    inputs = keras.Input((8, 8, 3))
    one, two = layers.Flatten(name="one")(inputs), layers.ReLU(name="two")(inputs)
    networks = {
        keras.Sequential([inputs, layers.Flatten(name="end")]): ["end"],
        keras.Model(inputs, one): ["one"],
        keras.Model(inputs, [two]): ["two"],
        keras.Model(inputs, [one, two]): ["one", "two"],
    }
    for network, names in networks.items():
        assert layer_graph.output_names(saved(network)) == names


def test_a_layer_that_is_used_twice_is_refused():
    inputs = keras.Input((8, 8, 3))
    shared = layers.Conv2D(3, 3, padding="same", name="shared")
    with pytest.raises(UserError, match="'shared' is used more than once"):
        layer_graph.network_nodes(keras.Model(inputs, shared(shared(inputs))))
