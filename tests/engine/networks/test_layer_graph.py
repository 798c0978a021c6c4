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


def straight() -> keras.Model:
    inputs = keras.Input((8, 8, 3))
    return keras.Model(inputs, layers.Flatten(name="b")(layers.Conv2D(4, 3, name="a")(inputs)))


def branching() -> keras.Model:
    inputs = keras.Input((8, 8, 3))
    values = layers.Conv2D(3, 3, padding="same", name="a")(inputs)
    return keras.Model(inputs, layers.Add(name="sum")([inputs, values]))


def test_a_chain_is_the_same_from_the_network_and_from_its_description():
    network = straight()
    built = layer_graph.chain(layer_graph.network_nodes(network))
    described = layer_graph.chain(layer_graph.description_nodes(saved(network)))
    assert [layer.name for layer in built] == [item["config"]["name"] for item in described]
    assert [layer.name for layer in built[1:]] == ["a", "b"]


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


@pytest.mark.parametrize("nodes", [layer_graph.network_nodes, layer_graph.description_nodes])
def test_layers_that_join_are_not_a_chain(nodes):
    network = branching()
    graph = nodes(network if nodes is layer_graph.network_nodes else saved(network))
    with pytest.raises(layer_graph.NotAChain, match="'sum' does not follow 'a' alone"):
        layer_graph.chain(graph)


def test_followers_are_the_layers_that_take_an_output():
    network = branching()
    followers = layer_graph.followers(layer_graph.network_nodes(network))
    assert [layer.name for layer in followers[network.layers[0].name]] == ["a", "sum"]
    assert [layer.name for layer in followers["a"]] == ["sum"]
    assert followers["sum"] == []


def test_a_layer_that_is_used_twice_is_refused():
    inputs = keras.Input((8, 8, 3))
    shared = layers.Conv2D(3, 3, padding="same", name="shared")
    with pytest.raises(UserError, match="'shared' is used more than once"):
        layer_graph.network_nodes(keras.Model(inputs, shared(shared(inputs))))
