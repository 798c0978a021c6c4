"""Table 1 and Figures 5 to 8 of the paper, beside the paper's own numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd

from engine import experiment, figures, files, store
from engine.datasets import Dataset
from engine.progress import Work
from engine.pruning import blocks
from engine.pruning.curve import PAPER_THRESHOLDS, Curve
from engine.pruning.orders import DEFAULT_ORDER, ORDERS
from engine.store import Stored

# Table 1 and section 3.2; percent, and shares of channels pruned at each threshold.
PAPER_TABLE_1 = {"gtsrb": (97.165, 100.0), "cifar10": (86.160, 99.970)}
PAPER_PRUNED = {"gtsrb": dict(zip(PAPER_THRESHOLDS, (53, 70, 77, 80), strict=True))}
PAPER_LOW = {"gtsrb": (65, 26)}  # clean accuracy and attack success in the abstract's claim


def reproduce(stored: Stored, dataset: Dataset, out: Path, commands: list[str]) -> Work[Path]:
    """Compute the report of one model and write it to the folder `out`.

    Args:
        stored: a model trained on `dataset`.
        dataset: validation chooses, test reports.
        out: folder; replaced as a whole.
        commands: those that make the report again, named in it.

    Returns:
        The report, `out`/report.md.
    """
    network = stored.network()
    layer = blocks.convolutions(network)[-1]
    pooled = _ranking_layer(network, layer)
    scores = yield from experiment.evaluate(stored, dataset)
    activity = yield from experiment.measure_activations(stored, dataset, [pooled])
    curves = yield from experiment.prune(stored, dataset, layer, list(ORDERS))
    key = stored.card.dataset
    tables = {
        "table-1": _table_1(scores.percentages(), key),
        "figure-5-and-6-activations": activity,
        "figure-8-thresholds": _thresholds(curves[DEFAULT_ORDER], key),
        "orders": _orders(curves),
    }
    tables |= {f"figure-7-{name}": curve.test for name, curve in curves.items()}
    with files.new_folder(out, replace=True) as aside:
        for name, table in tables.items():
            store.write_table(aside / f"{name}.csv", table)
        for name, chart in _charts(activity, curves[DEFAULT_ORDER]).items():
            chart.save(aside / f"{name}.svg")
        text = _markdown(stored, layer, pooled, tables, curves, commands)
        (aside / "report.md").write_text(text, encoding="utf-8")
    return out / "report.md"


def _ranking_layer(network: Any, layer: str) -> str:
    """The last layer of the pruned block that has activations to show: the pooling (Figure 5)."""
    from engine.activations import channel_layers

    shown = channel_layers(network)
    return [name for name in blocks.block_of(network, layer) if name in shown][-1]


def _table_1(found: Mapping[str, float], key: str) -> pd.DataFrame:
    clean, attack = PAPER_TABLE_1.get(key, (None, None))
    rows = [
        ("Clean accuracy", found["clean_accuracy"], clean),
        ("Attack success", found["attack_success"], attack),
        ("Recovered accuracy", found["recovered_accuracy"], None),
    ]
    return pd.DataFrame(rows, columns=["measure", "here", "paper"])


def _thresholds(curve: Curve, key: str) -> pd.DataFrame:
    table = curve.at_thresholds(PAPER_THRESHOLDS)
    paper = PAPER_PRUNED.get(key, {})
    table.insert(3, "paper_fraction", [paper.get(t, float("nan")) / 100 for t in table.threshold])
    return table


def _orders(curves: Mapping[str, Curve]) -> pd.DataFrame:
    tables = []
    for name, curve in curves.items():
        table = curve.at_thresholds(PAPER_THRESHOLDS)
        table.insert(0, "order", name)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _charts(activity: pd.DataFrame, curve: Curve) -> dict[str, alt.TopLevelMixin]:
    order = activity.sort_values("clean_mean")["channel"].tolist()
    top = float(activity[["clean_mean", "triggered_mean"]].to_numpy().max())
    charts: dict[str, Any] = {
        "figure-5-clean-activations": figures.activation_bars(activity, "clean_mean", order, top),
        "figure-6-backdoor-activations": figures.activation_bars(
            activity, "triggered_mean", order, top
        ),
        "figure-7-pruning": figures.pruning_curve(curve.test),
        "figure-8-repaired": figures.repaired_bars(curve.at_thresholds(PAPER_THRESHOLDS)),
    }
    return {name: chart.properties(width=640, height=320) for name, chart in charts.items()}


def _low_point(curve: Curve, key: str) -> str:
    """The abstract's claim: how low attack success is once clean accuracy is down to 65 %."""
    if key not in PAPER_LOW:
        return ""
    clean, attack = PAPER_LOW[key]
    reached = curve.test[curve.test["clean_accuracy"] <= clean].iloc[0]
    return (
        f"Where clean accuracy first falls to {clean} %, attack success is"
        f" {reached['attack_success']:.1f} % here ({attack} % in the paper), and"
        f" {reached['recovered_accuracy']:.1f} % of the triggered images are read right.\n"
    )


def _markdown(
    stored: Stored,
    layer: str,
    pooled: str,
    tables: Mapping[str, pd.DataFrame],
    curves: Mapping[str, Curve],
    commands: list[str],
) -> str:
    card = stored.card
    low = _low_point(curves[DEFAULT_ORDER], card.dataset)
    lines = [
        f"# The paper's experiment on {card.dataset}",
        f"Model `{stored.name}`: trigger `{card.trigger}`, {card.rate:.0%} of the training images"
        f" ({card.poisoned:,}) poisoned, target class {card.target} ({card.target_name}),"
        f" {card.training['epochs_run']} epochs, epoch {card.training['epoch_kept']} kept for its"
        " clean accuracy on validation. All figures are on test images; attack success and"
        " recovered accuracy leave out the target class. Accuracies are percentages, drops are"
        " percentage points, `fraction` is the share of channels pruned.",
        "Made by:\n\n```\n" + "\n".join(commands) + "\n```",
        "## Table 1: before pruning",
        _as_markdown(tables["table-1"]),
        f"## Figures 5 and 6: mean activation of each channel of `{pooled}`",
        "On validation images, channels in the order of Figure 5 in both.",
        "![Mean activation on clean images](figure-5-clean-activations.svg)",
        "![Mean activation on triggered images](figure-6-backdoor-activations.svg)",
        f"## Figure 7: channels of `{layer}` pruned one by one, least active on clean images first",
        "![Clean accuracy, attack success and recovered accuracy](figure-7-pruning.svg)",
        low,
        "## Figure 8: the repaired networks",
        "The step is chosen on clean validation images: the first at which their accuracy has"
        " dropped by the threshold.",
        "![The three measures at each threshold](figure-8-repaired.svg)",
        _as_markdown(tables["figure-8-thresholds"]),
        "## Other orders, with the paper's two proposals (section 4)",
        "`triggered-activation` and `triggered-minus-clean` are *oracles*: they look at triggered"
        " images, which a defender does not have.",
        _as_markdown(tables["orders"]),
    ]
    return "\n\n".join(line for line in lines if line) + "\n"


def _as_markdown(table: pd.DataFrame) -> str:
    def cell(value: Any) -> str:
        if isinstance(value, float):
            return "" if pd.isna(value) else f"{value:.5g}"
        return str(value)

    rows = [[cell(value) for value in row] for row in table.itertuples(index=False)]
    head = [str(column).replace("_", " ") for column in table.columns]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
