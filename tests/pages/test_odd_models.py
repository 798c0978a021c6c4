"""Models with layers, names and cards unlike those of the program's own."""

import dataclasses
import json
import shutil

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from engine import store
from engine.cli import main
from engine.core import jobs, markdown, paths
from engine.defenses.pruning.curve import Curve
from engine.defenses.pruning.orders import DEFAULT_ORDER, ORDERS
from engine.defenses.repairs import RECOMMENDED, REPAIRS
from engine.networks.numpy_inference import Unsupported
from engine.store import pruning_curves as kept_results
from tests.conftest import living_in
from tests.fixtures.odd_network import (
    CONVOLUTIONS,
    keep_network_for_tensorflow,
    keep_odd_network,
)
from tests.pages.driving import (
    NAMES,
    PROJECT,
    by_label,
    check_fine,
    metrics,
    open_page,
    visible_text,
    wait_until_finished,
)

NEEDED = ("parent", "parent_sha256", "method", "summary")  # on the card of a repaired copy
UNASKED = markdown.escape(str(Unsupported("The layer 'both' of kind 'SeparableConv2D'")))


@pytest.fixture(scope="session")
def with_odd_model(once, furnished, with_results, trained):
    """A home in which a network of odd layers stands with its results."""

    def keep(home):
        shutil.copytree(with_results, home, dirs_exist_ok=True)
        with living_in(home):
            keep_odd_network(trained)
            keep_network_for_tensorflow(trained)

    commands = [["prune", "odd", "--layer", layer] for layer in CONVOLUTIONS]
    start = once("with-odd-network", keep)
    commands += [["activations", "odd"], ["prune", "tensorflow"]]
    return furnished("with-odd-model", start, *commands)


@pytest.fixture
def odd(move_in, with_odd_model):
    return move_in(with_odd_model)


def shown(name: str, tab: str = "", model: str = "odd") -> AppTest:
    """A page with a network; that it cannot run here is the only thing that may be wrong there."""
    app = AppTest.from_file(str(PROJECT / "app" / "main.py"), default_timeout=60)
    app.query_params["model"] = model
    if tab:
        app.session_state[f"{name}-tab"] = tab
    app.run()
    if name != "overview":
        app.switch_page(f"../pages/{name}.py").run()
    assert not app.exception
    assert {error.value for error in app.error} <= {UNASKED}
    assert by_label(app.selectbox, "Model in use").value == model
    return app


@pytest.mark.parametrize("name", NAMES)
def test_every_page_runs_layers_that_the_programs_networks_do_not_have(odd, name):
    assert check_fine(shown(name)).title[0].value


@pytest.mark.parametrize("name", ["overview", "pictures", "activations", "compare", "pruning"])
def test_no_page_breaks_on_layers_it_cannot_run(odd, name):
    assert shown(name, model="tensorflow").title[0].value


def test_the_path_of_a_network_that_cannot_run_on_the_page_says_so(odd):
    app = shown("activations", "Path of the signal", "tensorflow")
    assert [error.value for error in app.error] == [UNASKED]


def test_a_pruned_network_that_cannot_run_on_the_page_can_be_saved(odd):
    assert UNASKED in [error.value for error in shown("pruning", model="tensorflow").error]
    buttons = [button.label for button in shown("pruning", "Save", "tensorflow").button]
    assert "Save the network pruned for a 20-point drop" in buttons


def test_a_layer_of_any_name_has_its_curve_computed_from_the_page(odd):
    app = shown("pruning")
    by_label(app.selectbox, "Pruning order").select("triggered-activation").run()
    by_label(app.selectbox, "Layer to prune").select("Conv.First").run()
    by_label(app.button, "Compute the curve").click().run()
    wait_until_finished(
        jobs.job_named(jobs.name_of("prune", "odd", "Conv.First", "triggered-activation"))
    )
    assert "Clean accuracy" in metrics(check_fine(app.run()))


def test_a_network_pruned_at_a_layer_of_any_name_is_saved_from_the_page(odd):
    app = shown("pruning", "Save")
    by_label(app.selectbox, "Layer to prune").select("Conv.First").run()
    app.slider[0].set_value(20.0).run()
    by_label(app.button, "Save the network pruned for a 20-point drop").click().run()
    curve = kept_results.stored_curve(store.find("odd"), "Conv.First", DEFAULT_ORDER)
    name = kept_results.repaired_name(store.find("odd"), curve, 20.0)
    wait_until_finished(jobs.job_named(jobs.name_of("prune", name)))
    assert name in visible_text(check_fine(app.run()))
    assert store.find(name).card.repair["threshold"] == 20


def test_no_two_layers_thresholds_or_models_share_the_name_of_a_pruned_copy(trained):
    table = pd.DataFrame(columns=["step"])
    stored = [
        dataclasses.replace(trained, card=dataclasses.replace(trained.card, name=name))
        for name in ("m", "my_model", "my-model", "m" * 80)
    ]
    names = {
        kept_results.repaired_name(model, Curve(order, layer, table, table), threshold)
        for model in stored
        for layer in (*CONVOLUTIONS, "conv2d", "conv2d_5", "conv2d-5", "Conv2D", "x" * 300)
        for order in ORDERS
        for threshold in (2, 2.5, 25)
    }
    assert len(names) == len(stored) * 8 * len(ORDERS) * 3
    assert [store.check_name(name) for name in names]


def test_a_pruned_copy_of_the_programs_own_networks_keeps_its_plain_name(trained):
    table = pd.DataFrame(columns=["step"])
    curve = Curve("clean-activation", "conv2d_5", table, table)
    assert kept_results.repaired_name(trained, curve, 30.0) == "small-conv2d-5-clean-activation-30"


def test_a_copy_kept_from_pruning_stands_on_the_page_repairs_with_its_settings(results):
    main.main(["prune", "small", "--thresholds", "30", "--save"])
    app = open_page("repairs", tab="Save")
    assert by_label(app.selectbox, "Repaired copy").value == "pruning"
    assert "Settings: `layer=conv2d_5,order=clean-activation,threshold=30`" in visible_text(app)


def test_a_copy_whose_card_says_little_of_its_repair_is_shown(move_in, nothing_unlearned):
    move_in(nothing_unlearned)
    main.main(["prune", "small", "--thresholds", "30", "--save"])
    card = paths.models_folder() / "small-conv2d-5-clean-activation-30" / "card.json"
    content = json.loads(card.read_text())
    content["repair"] = {name: content["repair"][name] for name in NEEDED}
    card.write_text(json.dumps(content))
    app = open_page("repairs", tab="Save")
    assert REPAIRS[RECOMMENDED].title in by_label(app.selectbox, "Repaired copy").options
    by_label(app.selectbox, "Repaired copy").select("pruning").run()
    assert "Settings:" not in visible_text(check_fine(app))
    by_label(app.selectbox, "Model in use").select(card.parent.name).run()
    check_fine(app)
    for page in ("models", "overview"):
        check_fine(app.switch_page(f"../pages/{page}.py").run())
