import dataclasses

import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import UserError
from engine.defenses import activations
from engine.defenses.activations import ChannelStats
from engine.defenses.pruning.curve import COLUMNS, step_at, threshold_at
from engine.defenses.pruning.orders import ORDERS, find_order
from engine.evaluation import metrics
from engine.experiments import analyze
from engine.experiments.eval_pairs import eval_pair
from engine.networks import edit, running, split
from engine.store import pruning_curves
from tests.conftest import TARGET

LAST = "conv2d_5"


@pytest.fixture(scope="session")
def network(trained):
    return trained.network()


@pytest.fixture(scope="session")
def curves(trained, dataset):
    return analyze.prune(trained, dataset, LAST, list(ORDERS))


def walked(network, layer, images, channels):
    block = split.cut(network, layer)
    features, _ = block.features(running.scale(images))
    return block.tail.predict_while_pruned(features, channels)


def plain_loop(network, layer, images, channels, steps):
    """Zero kernel and bias, run the whole network again."""
    pruned = edit.clone_network(network)
    convolution, run = pruned.get_layer(layer), running.compiled(pruned)
    found = {}
    for step in steps:
        weights = network.get_layer(layer).get_weights()
        for values in weights:
            values[..., channels[:step]] = 0
        convolution.set_weights(weights)
        found[step] = run(running.scale(images)).argmax(axis=1)
    return found


def test_every_step_predicts_what_a_plain_loop_predicts(network, dataset, triggered, curves):
    images = np.concatenate([dataset.test.images[::18], triggered.images[::15]])
    channels = curves["clean-activation"].channels
    quick = walked(network, LAST, images, channels)
    for step, predictions in plain_loop(network, LAST, images, channels, range(129)).items():
        np.testing.assert_array_equal(quick[step], predictions, err_msg=f"step {step}")


@pytest.mark.parametrize(("layer", "steps"), [("conv2d_4", (0, 1, 40, 128)), ("conv2d", (5, 32))])
def test_other_convolutions_do_too(network, dataset, layer, steps):
    images = dataset.test.images[:50]
    channels = np.random.default_rng(0).permutation(network.get_layer(layer).filters)
    quick = walked(network, layer, images, channels)
    for step, predictions in plain_loop(network, layer, images, channels, steps).items():
        np.testing.assert_array_equal(quick[step], predictions)


def test_a_curve_counts_what_its_steps_predict(curves, dataset, network, triggered):
    curve = curves["clean-count"]
    clean = walked(network, LAST, dataset.test.images, curve.channels)
    hidden = walked(network, LAST, triggered.images, curve.channels)
    table = curve.test
    assert tuple(table.columns) == COLUMNS
    assert table["step"].tolist() == list(range(129))
    assert table["channel"].tolist() == [-1, *curve.channels]
    right = (clean == dataset.test.labels).mean(axis=1)
    np.testing.assert_allclose(table["clean_accuracy"], 100 * right)
    np.testing.assert_allclose(table["attack_success"], 100 * (hidden == TARGET).mean(axis=1))
    np.testing.assert_allclose(
        table["recovered_accuracy"], 100 * (hidden == triggered.labels).mean(axis=1)
    )


def test_orders_rank_the_output_of_the_block_as_the_paper_says(curves, network, dataset, plan):
    images = eval_pair(dataset, "validation", plan.trigger, TARGET)
    layer = "max_pooling2d_2"

    def stats(split):
        return activations.measure(network, [layer], split.images)[layer]

    clean, hidden = stats(images.clean), stats(images.triggered)
    expected = {
        "clean-activation": clean.mean,
        "clean-count": clean.positive,
        "triggered-activation": -hidden.mean,
        "triggered-minus-clean": clean.mean - hidden.mean,
    }
    for name, score in expected.items():
        pruned = score[curves[name].channels]
        assert (np.diff(pruned) >= -1e-6).all(), name


def test_the_default_order_is_re_derived_from_a_plain_run_of_the_network(curves, network, dataset):
    values = running.scale(dataset.validation.images)
    for item in network.layers:
        values = np.asarray(item(values, training=False))
        if item.name == "max_pooling2d_2":
            break
    means = values.mean(axis=(0, 1, 2), dtype=np.float64)
    assert (np.diff(means[curves["clean-activation"].channels]) >= -1e-6).all()


def test_a_damaged_curve_beside_the_model_is_reported(trained, curves, tmp_path):
    copy = dataclasses.replace(trained, folder=tmp_path)
    table = curves["clean-count"].test
    base = pruning_curves.curve_name(LAST, "clean-count")
    table.drop(columns="channel").to_csv(tmp_path / f"{base}.csv", index=False)
    table.to_csv(tmp_path / f"{base}-validation.csv", index=False)
    with pytest.raises(UserError, match="no column channel"):
        pruning_curves.stored_curve(copy, LAST, "clean-count")


def test_orders_that_need_triggered_images_are_marked_as_oracles():
    marked = {name for name, order in ORDERS.items() if "Oracle" in type(order).__name__}
    assert marked == {"triggered-activation", "triggered-minus-clean"}
    assert all(ORDERS[name].title.startswith("Oracle") for name in marked)
    unseen = ChannelStats(np.array([np.nan]), np.array([np.nan]))
    seen = ChannelStats(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    assert ORDERS["clean-activation"].rank(seen, unseen).tolist() == [1, 0]


def validation(accuracies):
    return pd.DataFrame({"clean_accuracy": accuracies})


def test_pruning_stops_at_the_first_step_that_has_dropped_by_the_threshold():
    table = validation([97.0, 96.0, 95.0, 96.5, 87.0, 50.0])
    assert step_at(table, 2) == 2
    assert step_at(table, 10) == 4
    assert step_at(table, 60) == 5, "never reached: the last step"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 100), min_size=2, max_size=40),
    st.floats(0.01, 99),
    st.floats(0.01, 99),
)
def test_a_larger_threshold_never_stops_earlier(accuracies, one, other):
    low, high = sorted((one, other))
    assert step_at(validation(accuracies), low) <= step_at(validation(accuracies), high)


@pytest.mark.parametrize("threshold", [0, -2, 101, float("nan")])
def test_a_threshold_that_is_no_drop_is_refused(threshold):
    with pytest.raises(UserError, match="threshold is a drop"):
        step_at(validation([90, 80]), threshold)


def test_unknown_orders_and_layers_are_refused(network):
    with pytest.raises(UserError, match="no pruning order 'random'"):
        find_order("random")
    with pytest.raises(UserError, match="no layer 'activation_5'"):
        split.cut(network, "activation_5")


def test_editing_leaves_the_original_unchanged_and_survives_saving(network, dataset, tmp_path):
    before = [weights.copy() for weights in network.get_weights()]
    repaired = edit.without_channels(network, LAST, np.array([3, 7]))
    for old, new in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    kernel, bias = repaired.get_layer(LAST).get_weights()
    assert not kernel[..., [3, 7]].any() and not bias[[3, 7]].any()
    assert kernel.any()
    repaired.save(tmp_path / "repaired.keras")
    again = keras.saving.load_model(tmp_path / "repaired.keras")
    images = dataset.test.images[:40]
    predictions = metrics.predict(again, images)
    np.testing.assert_array_equal(predictions, metrics.predict(repaired, images))
    rest = np.setdiff1d(np.arange(128), [3, 7])
    walk = walked(network, LAST, images, np.concatenate([[3, 7], rest]))
    np.testing.assert_array_equal(predictions, walk[2])


def test_networks_with_other_blocks_are_pruned_alike(dataset):
    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            keras.layers.Conv2D(8, 3, activation="relu", use_bias=False, name="first"),
            keras.layers.AveragePooling2D(3),
            keras.layers.Conv2D(6, 3, activation="elu", name="second"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(6, activation="softmax"),
        ]
    )
    images = dataset.test.images[:30]
    for layer, count in (("first", 8), ("second", 6)):
        channels = np.random.default_rng(1).permutation(count)
        quick = walked(network, layer, images, channels)
        for step, predictions in plain_loop(network, layer, images, channels, range(count)).items():
            np.testing.assert_array_equal(quick[step], predictions)


@given(st.lists(st.integers(0, 10_000).map(lambda n: n / 100), min_size=2, max_size=40), st.data())
def test_the_threshold_at_a_step_leads_there_or_to_the_first_step_that_had_dropped_as_far(
    accuracies, data
):
    validation = pd.DataFrame({"clean_accuracy": accuracies})
    step = data.draw(st.integers(0, len(accuracies) - 1))
    threshold = threshold_at(validation, step)
    lowest = min(accuracies[: step + 1])
    assert threshold == pytest.approx(accuracies[0] - lowest)
    if threshold > 1e-6:
        assert step_at(validation, threshold) == accuracies.index(lowest)
