import json

import numpy as np
import pytest

from engine import store
from engine.cli import main
from engine.core.errors import UserError
from engine.defenses.pruning.orders import ORDERS, Order
from engine.defenses.repairs import Pruning, parse_repair
from engine.experiments import analyze

LAST = "conv2d_5"


@pytest.mark.parametrize(
    "order", [name for name, kind in ORDERS.items() if isinstance(kind, Order)]
)
def test_pruning_from_clean_images_alone_stops_where_the_curve_says(trained, dataset, order):
    curve = analyze.prune(trained, dataset, LAST, [order])[order]
    network = trained.network()
    found = Pruning(order, 20.0)(network, dataset.validation)
    pruned = found.removed[LAST]
    assert pruned == curve.channels[: curve.step_at(20.0)].tolist()
    kernel, bias = found.network.get_layer(LAST).get_weights()
    assert not kernel[..., pruned].any()
    assert not bias[pruned].any()
    for old, new in zip(trained.network().get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_repaired_model_is_kept_with_scores_before_and_after(at_home, capsys):
    words = ["repair", "small", "--method", "pruning:threshold=30", "--name", "mended", "--json"]
    assert main.main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["before"]["clean_accuracy"] - found["after"]["clean_accuracy"] > 10
    kept = store.find("mended")
    assert kept.card.repair["parent"] == "small"
    assert kept.card.repair["threshold"] == 30
    assert main.main(["evaluate", "mended", "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert scores["clean_accuracy"] == found["after"]["clean_accuracy"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prayer", "no repair 'prayer'"),
        ("pruning:order=triggered-activation", "choose from clean-activation, clean-count"),
        ("pruning:threshold=0", "between"),
        ("pruning:depth=3", "no parameter 'depth'"),
    ],
)
def test_a_repair_that_cannot_be_is_refused(text, said):
    with pytest.raises(UserError, match=said):
        parse_repair(text)
