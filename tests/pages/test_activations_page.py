"""The page Activations: every change of state."""

import numpy as np

from app import caches
from app.views.activations import channel
from engine import store
from engine.networks import running
from tests.pages.driving import by_label, check_fine, open_page, visible_text


def test_a_channel_shows_its_maps_and_top_images(results):
    app = open_page("activations")
    by_label(app.number_input, "Channel (0 to 127)").set_value(5).run()
    check_fine(app)
    assert "channel **5** responds most" in visible_text(app)


def test_a_channel_the_layer_does_not_have_is_forgotten(results):
    app = open_page("activations")
    by_label(app.number_input, "Channel (0 to 127)").set_value(100).run()
    by_label(app.selectbox, "Layer").select("conv2d").run()
    assert by_label(check_fine(app).number_input, "Channel (0 to 31)").value is None


def test_the_pruning_order_is_drawn_only_over_layers_it_prunes(results):
    app = open_page("activations")
    drawn = by_label(app.selectbox, "Show pruning order")
    assert drawn.value == "clean-activation"
    by_label(app.selectbox, "Layer").select("conv2d").run()
    assert len(by_label(check_fine(app).selectbox, "Show pruning order").options) == 1


def test_pruning_ranks_follow_the_curve(results):
    curve = caches.curve(store.find("small"), "conv2d_5", "clean-activation")
    open_page("activations")
    for place in (0, 60, 127):
        assert channel.pruning_ranks(curve)[curve.channels[place]] == place + 1


def test_the_top_images_are_those_a_plain_loop_finds(results, dataset, trained):
    stored = store.find("small")
    network = running.intermediate_outputs(trained.network(), ["conv2d_5"])
    indices, means = caches.mean_activations(stored, "folder:signs", "conv2d_5")
    assert len(indices) == len(dataset.test)
    for index in (0, 50, 179):
        image = running.scale(dataset.test.images[index : index + 1])
        expected = np.asarray(network(image)["conv2d_5"]).mean(axis=(0, 1, 2))
        np.testing.assert_allclose(means[index], expected, atol=1e-4)


def test_both_maps_have_one_scale():
    low = channel.apply_viridis(np.zeros((2, 2)), 0, 1)
    high = channel.apply_viridis(np.ones((2, 2)), 0, 1)
    assert (low[0, 0] == low[1, 1]).all() and not (low == high).all()
    assert channel.apply_viridis(np.ones((2, 2)), 1, 1).shape == (2, 2, 3), "a flat map"
