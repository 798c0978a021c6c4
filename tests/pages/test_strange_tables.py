"""Tables beside a model that somebody else wrote: a sentence where they would be shown."""

import numpy as np
import pandas as pd
import pytest

from app.views.activations import channel
from engine import store
from engine.core import markdown, paths
from engine.store.scans import trigger_table
from tests.fixtures import scans
from tests.pages.driving import PROJECT

SHIPPED = paths.SHIPPED_MODELS / "signs-ftrojan"
UNFORESEEN = "Unexpected error"


def strange(app, *reasons):
    """The page says each of these, and nothing that nobody foresaw."""
    assert not app.exception, app.exception
    told = markdown.unescape("\n".join(error.value for error in app.error))
    assert UNFORESEEN not in told
    for reason in reasons:
        assert reason in told, told
    return app


def opened_whatever_it_says(page, model, tab=""):
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(PROJECT / "app" / "main.py"), default_timeout=60)
    app.query_params["model"] = model
    app.run()
    app.session_state["model"] = model
    app.switch_page(f"../pages/{page}.py")
    if tab:
        app.session_state[f"{page}-tab"] = tab
    return app.run()


def put(name, table):
    table.to_csv(store.find("small").folder / f"{name}.csv", index=False)


def shipped(name):
    return pd.read_csv(SHIPPED / f"{name}.csv", dtype=str, keep_default_na=False)


@pytest.mark.parametrize(
    ("page", "tab", "name", "column"),
    [
        ("models", "In use", "history", "loss"),
        ("activations", "", "activations", "clean_mean"),
        ("repairs", "", "repairs", "clean_accuracy"),
        ("repairs", "Does it last?", "robustness", "attack_success"),
        ("compare", "All test images", "predictions", "clean"),
        ("pruning", "", "curve-conv2d_5-clean-activation", "clean_accuracy"),
        ("overview", "", "curve-conv2d_5-clean-activation", "clean_accuracy"),
        ("report", "", "curve-conv2d_5-clean-activation", "clean_accuracy"),
    ],
)
def test_text_in_place_of_a_number_is_reported_where_the_table_is_shown(
    results, page, tab, name, column
):
    table = shipped(name)
    table.loc[1, column] = "many"
    put(name, table)
    strange(opened_whatever_it_says(page, "small", tab), f"column {column} holds text")


def larger(name):
    """A curve of 200 channels, for a convolution that has 128."""
    steps = np.arange(201)
    figures = dict.fromkeys(("clean_accuracy", "attack_success", "recovered_accuracy"), 50.0)
    return pd.DataFrame({"step": steps, "channel": steps - 1, "fraction": steps / 200, **figures})


def test_a_curve_with_too_many_channels_is_reported(results):
    name = "curve-conv2d_5-clean-activation"
    put(name, larger(name))
    put(f"{name}-validation", larger(name))
    app = opened_whatever_it_says("pruning", "small")
    strange(app, "has 128 channels, but a table beside the model names channel 128")


def test_activations_with_too_many_channels_are_reported(results):
    table = store.find("small").table("activations")
    last = table["layer"].iloc[-1]
    more = table[table["layer"] == last].assign(channel=lambda rows: rows["channel"] + 128)
    put("activations", pd.concat([table, more]))
    app = opened_whatever_it_says("activations", "small")
    app.session_state[channel.CHANNEL] = 200
    strange(app.run(), "names channel 200: delete the table")


def test_a_recovered_trigger_of_another_size_is_reported(results):
    scans.store_scan(store.find("small"), scans.patch(1, 32))
    put("recovered-trigger", trigger_table(scans.patch(1, 16)))
    strange(opened_whatever_it_says("detect", "small"), "does not fit the model's images")
