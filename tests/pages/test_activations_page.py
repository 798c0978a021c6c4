"""The page Activations: every change of state."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from app import caches
from app.charts import activation_charts
from app.views.activations import channels_tab, layer_choice, path_tab
from engine import store
from engine.imaging import render
from engine.networks import numpy_inference, running
from tests.pages.driving import by_label, check_fine, open_page, visible_text

PATH, LAYERS = "Path of the signal", "Layers"
SLIDER = "Stop once clean accuracy falls by (points)"


@pytest.fixture
def rows():
    table = store.find("small").table("activations")
    layer = table[table["layer"] == "max_pooling2d_2"].drop(columns="layer").reset_index(drop=True)
    return layer.assign(
        difference=layer["triggered_mean"] - layer["clean_mean"],
        place=layer["channel"],
        chosen=0,
        images="",
        rank=0,
        pruned=False,
    )


def test_a_channel_shows_its_maps_and_top_images(results):
    app = open_page("activations")
    by_label(app.number_input, "Channel (0 to 127)").set_value(5).run()
    text = visible_text(check_fine(app))
    assert "**Channel 5:** mean" in text
    assert "channel **5** responds most" in text
    assert "cosine distance" in text


def test_without_a_choice_the_channel_raised_most_is_shown(results, rows):
    most = int(rows.loc[rows["difference"].idxmax(), "channel"])
    text = visible_text(open_page("activations"))
    assert f"raises channel **{most}** most" in text
    assert f"**Channel {most}:**" in text


def test_a_channel_the_layer_does_not_have_is_forgotten(results):
    app = open_page("activations")
    by_label(app.number_input, "Channel (0 to 127)").set_value(100).run()
    by_label(app.selectbox, "Layer").select("conv2d").run()
    assert by_label(check_fine(app).number_input, "Channel (0 to 31)").value is None


def test_channels_pruned_at_the_threshold_are_named_and_follow_it(results):
    curve = caches.models.curve(store.find("small"), "conv2d_5", "clean-activation")
    app = open_page("activations")
    for threshold in (0.0, 30.0):
        by_label(app.slider, SLIDER).set_value(threshold).run()
        step = curve.step_at(threshold) if threshold else 0
        assert f"Pruned are {step} of 128 channels" in visible_text(check_fine(app))
        table = app.dataframe[0].value
        assert set(table["channel"][table["pruned"]]) == set(curve.channels[:step])
        for place in (0, 60, 127):
            (rank,) = table["rank"][table["channel"] == curve.channels[place]]
            assert rank == place + 1


def test_an_order_without_a_curve_shades_nothing_and_leads_to_pruning(results):
    app = open_page("activations")
    by_label(app.selectbox, "Pruning order").select("triggered-activation").run()
    check_fine(app)
    assert "pruned" not in app.dataframe[0].value
    assert "Compute the pruning curve of conv2d_5" in [
        link.proto.label for link in app.get("page_link")
    ]


@pytest.mark.parametrize(("sort", "column"), channels_tab.SORTS.values())
def test_channels_are_sorted_by_any_of_the_four(results, sort, column):
    app = open_page("activations")
    (key,) = [key for key, (title, _) in channels_tab.SORTS.items() if title == sort]
    by_label(app.segmented_control, "Sort channels by").select(key).run()
    assert check_fine(app).dataframe[0].value[column].is_monotonic_increasing


def test_the_settings_of_the_channels_outlast_a_visit_to_another_tab(results):
    app = open_page("activations")
    by_label(app.slider, SLIDER).set_value(5.0).run()
    for tab in (PATH, "Channels"):
        app.session_state["activations-tab"] = tab
        app.run()
    assert by_label(check_fine(app).slider, SLIDER).value == 5.0


def test_the_path_says_where_the_signals_part_and_shows_a_layers_channels(results):
    app = open_page("activations", tab=PATH)
    by_label(app.selectbox, "Layer").select("conv2d_3").run()
    text = visible_text(check_fine(app))
    assert "**conv2d_3: distance" in text
    assert "The two images themselves differ by" in text


def test_the_path_needs_no_measured_activations(results):
    (store.find("small").folder / "activations.csv").unlink()
    app = open_page("activations", tab=PATH)
    assert "**max_pooling2d_2: distance" in visible_text(app)
    app = open_page("activations")
    assert "have not been measured yet" in visible_text(app)
    assert by_label(app.button, "Measure activations")


def test_the_layers_tab_names_the_layer_changed_most(results):
    assert "**The trigger changes" in visible_text(open_page("activations", tab=LAYERS))


def described(distances, outputs):
    names = ["image", *(f"layer{number}" for number in range(1, len(distances)))]
    path = pd.DataFrame(
        {
            "layer": names,
            "distance": distances,
            "sources": [(), *((name,) for name in names[:-1])],
            "before": [np.nan, *distances[:-1]],
        }
    )
    return path_tab.describe(path, np.array(outputs), ("Stop", "Yield"))


def test_the_path_is_described_as_it_goes():
    parting = described([0.0001, 0.1, 0.5, 0.52, 1.0], [[0.9, 0.1], [0.2, 0.8]])
    assert "part most at layer2:** the distance goes from 0.100 to 0.500" in parting
    assert "says Stop for the clean image and Yield for the triggered one" in parting
    together = described([0.0001, 0.002, 0.001, 0.0], [[0.9, 0.1], [0.8, 0.2]])
    assert "hardly part" in together and "says Stop for both" in together


def test_the_path_of_a_network_that_branches_follows_each_branch():
    taken = {"a": ("in",), "left": ("a",), "skipped": ("a",), "sum": ("left", "skipped")}
    plain = [numpy_inference.Layer(name, sources, np.add) for name, sources in taken.items()]
    network = numpy_inference.Network("in", tuple(plain), tuple(plain))
    angles = {path_tab.IMAGE: 0.0, "a": 0.1, "left": 1.0, "sum": 0.5}
    outputs = {
        name: np.array([[1, 0], [np.cos(angle), np.sin(angle)]]) for name, angle in angles.items()
    }
    path = path_tab.trace(network, outputs)
    assert path["sources"].tolist() == [(), ("image",), ("a",), ("left", "a")]
    distance = dict(zip(path["layer"], path["distance"], strict=True))
    assert path["before"].tolist()[1:] == [0, distance["a"], distance["left"]]
    assert "part most at left" in path_tab.describe(path, np.zeros((2, 2)), ())
    joined = path_tab.describe_layer(path, "sum")
    assert "after 0.460 at left and 0.005 at a, where these join" in joined
    assert "branches join" in path_tab.describe_lines(path)
    assert path_tab.describe_lines(path.iloc[:3]) == ""


def test_a_click_on_the_image_or_the_output_keeps_the_layer(monkeypatch):
    state = {}
    monkeypatch.setattr(layer_choice.st, "session_state", state)
    for clicked, kept in (("image", None), ("conv2d", "conv2d"), ("dense", "conv2d")):
        selection = type("Selection", (), {"selection": {"clicked": [{"layer": clicked}]}})
        state["path"] = selection
        layer_choice.select_clicked("path", ["conv2d", "activation"])
        assert state.get(layer_choice.LAYER) == kept


def test_pruned_channels_have_a_legend_entry_only_with_a_curve(results, rows):
    domain = ["Clean images", "Triggered images"]
    for shown, expected in (
        (rows, domain),
        (rows.assign(rank=rows["channel"] + 1), [*domain, activation_charts.PRUNED]),
    ):
        spec = activation_charts.channel_ranges(shown).to_dict()
        assert spec["layer"][0]["encoding"]["color"]["scale"]["domain"] == expected
        assert len(spec["datasets"]) == 1, "all layers share the rows, which can be exchanged"


def test_a_layer_belongs_to_the_convolution_before_it(results):
    model = store.find("small")
    assert layer_choice.convolution_of(model, "max_pooling2d_2") == "conv2d_5"
    assert layer_choice.convolution_of(model, "conv2d_5") == "conv2d_5"
    assert layer_choice.convolution_of(model, "activation") == "conv2d"
    assert layer_choice.convolution_of(model, "dense") is None


def test_the_images_measured_are_counted_where_the_card_says_how_many(trained):
    counts = {"clean_images": 1950, "triggered_images": 1850}
    card = dataclasses.replace(trained.card, scores={"validation": counts, "test": {}})
    assert channels_tab.describe_images(card) == "1,950 clean, 1,850 triggered"
    silent = dataclasses.replace(trained.card, scores={"validation": {}, "test": {}})
    assert channels_tab.describe_images(silent) == ""


def test_the_top_images_are_those_a_plain_loop_finds(results, dataset, trained):
    stored = store.find("small")
    network = running.intermediate_outputs(trained.network(), ["conv2d_5"])
    indices, means = caches.predictions.mean_activations(stored, "folder:signs", "conv2d_5")
    assert len(indices) == len(dataset.test)
    for index in (0, 50, 179):
        image = running.scale(dataset.test.images[index : index + 1])
        expected = np.asarray(network(image)["conv2d_5"]).mean(axis=(0, 1, 2))
        np.testing.assert_allclose(means[index], expected, atol=1e-4)


def test_both_maps_have_one_scale():
    low = render.apply_viridis(np.zeros((2, 2)), 0, 1)
    high = render.apply_viridis(np.ones((2, 2)), 0, 1)
    assert (low[0, 0] == low[1, 1]).all() and not (low == high).all()
    assert render.apply_viridis(np.ones((2, 2)), 1, 1).shape == (2, 2, 3), "a flat map"
