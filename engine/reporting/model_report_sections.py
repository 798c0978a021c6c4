"""The content of each section of the model report, as plain data for its template.

Only the charts, which are drawn here, are trusted as HTML; the template escapes everything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from engine.core.errors import UserError
from engine.datasets import Split
from engine.defenses.pruning.curve import PAPER_THRESHOLDS, Curve
from engine.defenses.pruning.orders import ORDERS
from engine.evaluation import metrics, visibility
from engine.experiments import backdoor_reactivation, recovery_ceiling, repair_tables
from engine.imaging import render
from engine.reporting import (
    export,
    metric_style,
    paper_figures,
    reactivation,
    scan_pictures,
    verdict,
)
from engine.store import ModelCard, StoredModel, pruning_curves, versions
from engine.store.scans import Scan, stored_scan

GAIN = 15  # of the difference
SIDE, SMALL_SIDE = 170, 116  # pixels of a picture on paper
NOT_KNOWN = "not known"
_HEADINGS = {"title": "Repair", "summary": "What was done"}


@dataclass(frozen=True)
class View:
    """What the report shows of a model.

    Attributes:
        layer, order: of the pruning curve.
        threshold: drop in clean accuracy at which pruning stops, percentage points; 0 prunes
            nothing.
    """

    layer: str
    order: str
    threshold: float


@dataclass(frozen=True)
class Example:
    """The image that the report shows.

    Attributes:
        clean: uint8 [height, width, 3].
        label: its true class; None if nobody said what it shows.
        name: what it is, such as "Test image 65".
        index: in the test split; None for other pictures.
    """

    clean: np.ndarray
    label: int | None
    name: str
    index: int | None = None


@dataclass(frozen=True)
class Cell:
    """One cell of a table, as text; numbers are aligned to the right."""

    text: str
    is_number: bool = False


@dataclass(frozen=True)
class Table:
    """A table as text."""

    headings: list[str]
    rows: list[list[Cell]]


@dataclass(frozen=True)
class Figure:
    """A chart with its caption, which is also its text alternative."""

    caption: str
    svg: Markup


def test_example(test: Split, index: int) -> Example:
    """A test image as example.

    Raises:
        UserError: there is no such image.
    """
    if not 0 <= index < len(test):
        raise UserError(f"There is no test image {index}: choose from 0 to {len(test) - 1}.")
    label = int(test.labels[index])
    return Example(np.array(test.images[index]), label, f"Test image {index}", index)


def figures(stored: StoredModel) -> list[dict[str, str]]:
    """The metrics on test images, as far as they can be measured, with what each means."""
    measured = stored.card.scores["test"]
    ceiling = recovery_ceiling.find(stored)
    return [
        {
            "label": style.label,
            "value": f"{measured[name]:.2f} %",
            "note": (
                metric_style.describe_ceiling(measured[name], ceiling)
                if name == "recovered_accuracy"
                else ""
            ),
            "colour": style.colour,
            "meaning": style.help,
        }
        for name, style in metric_style.scores_of(stored.card).items()
    ]


def repair_to_advise(stored: StoredModel) -> dict[str, Any] | None:
    """The row of the repair to advise: see `repair_tables.find_to_advise`."""
    return repair_tables.find_to_advise(repair_tables.compare_stored(stored))


def scan_of(stored: StoredModel) -> tuple[Scan | None, str]:
    """What a scan has found, if there was one; and why that cannot be read, if it cannot."""
    try:
        return stored_scan(stored), ""
    except UserError as error:
        return None, str(error)


def finding(
    card: ModelCard, scan: Scan | None, problem: str, example: Example | None
) -> dict[str, Any]:
    """The verdict of the scan, with the recovered trigger as pictures.

    Args:
        card: of the model.
        scan, problem: see `scan_of`.
        example: the image that the triggers are put on; None for a grey one.
    """
    shown: scan_pictures.Pictures = {}
    if scan is not None and scan.trigger is not None:
        ground = (
            scan_pictures.neutral(scan.trigger, *card.image_shape[:2])
            if example is None
            else example.clean
        )
        shown = scan_pictures.beside_known(card, scan.trigger, ground)
    return {
        "verdict": problem or verdict.below_headline(card, scan),
        "pictures": _pictures(shown, SMALL_SIDE),
    }


def _pictures(images: Mapping[str, np.ndarray], side: int) -> list[dict[str, Any]]:
    return [
        {"caption": caption, "side": side, "url": render.data_url(render.enlarge(image, side))}
        for caption, image in images.items()
    ]


def pictures(
    stored: StoredModel, view: View, example: Example | None, curve: Curve | None
) -> dict[str, Any] | None:
    """An image, clean and triggered, and its predictions; None without an image.

    Where no trigger is known there is the clean image alone.
    """
    if example is None:
        return None
    card, clean = stored.card, example.clean
    shown, seen, images = {"Clean": clean}, None, clean[np.newaxis]
    if (backdoor := card.backdoor) is not None:
        triggered = backdoor.trigger(clean[np.newaxis])[0]
        images = np.stack([clean, triggered])
        shown[metric_style.image_kinds(card)[-1]] = triggered
        shown[f"Difference, {GAIN} times"] = render.amplify_difference(clean, triggered, GAIN)
        seen = metric_style.format_visibility(visibility.measure(images[:1], images[1:]))
    return {
        "name": example.name,
        "class_name": "" if example.label is None else card.class_names[example.label],
        "pictures": _pictures(shown, SIDE),
        "visibility": seen,
        **_predictions(stored, images, example.label, curve, view.threshold),
    }


def activations(stored: StoredModel) -> dict[str, Any] | None:
    """Figures 5 and 6 for the last layer measured; None if there are no activations."""
    table = stored.table("activations")
    if table is None:
        return None
    layer = table["layer"].iloc[-1]
    rows = table[table["layer"] == layer]
    order = rows.sort_values("clean_mean")["channel"].tolist()
    measures = [name for name in metric_style.ACTIVATIONS if name in rows]
    top = float(rows[measures].to_numpy().max())
    charts = [
        paper_figures.activation_bars(rows, measure, order, top).properties(width=250, height=180)
        for measure in measures
    ]
    captions = ["On clean images", "On triggered images"][: len(charts)]
    return {"layer": layer, "charts": _draw(charts, captions)}


def order_title(name: str) -> str:
    """The title of a pruning order."""
    return ORDERS[name].title if name in ORDERS else name


def pruning(stored: StoredModel, curve: Curve | None, view: View) -> dict[str, Any] | None:
    """Figures 7 and 8 and the verdict at the threshold; None if the curve is not computed."""
    if curve is None:
        return None
    step = curve.step_at(view.threshold) if view.threshold else 0
    row, styles = curve.test.iloc[step], metric_style.scores_of(stored.card)
    table = curve.at_thresholds(sorted({*PAPER_THRESHOLDS, view.threshold} - {0.0}))
    others = {
        order_title(order): found.test
        for layer, order in pruning_curves.stored_curves(stored)
        if layer == view.layer and (found := pruning_curves.stored_curve(stored, layer, order))
    }
    charts = [
        paper_figures.pruning_curve(curve.test, float(row["fraction"]), styles).properties(
            width=620, height=190
        ),
        paper_figures.repaired_bars(table, styles).properties(width=620, height=200),
        paper_figures.orders_compared(others, 180, styles),
    ]
    captions = ["The pruning curve (Figure 7)", "At the thresholds (Figure 8)", "Orders compared"]
    return {
        "step": step,
        "channels": len(curve.channels),
        "verdict": verdict.of_model(row, stored.card.assumed),
        "table": _threshold_table(stored, table),
        **dict(zip(("curve", "bars", "orders"), _draw(charts, captions), strict=True)),
    }


def _threshold_table(stored: StoredModel, table: pd.DataFrame) -> Table:
    table = recovery_ceiling.add_share(table, recovery_ceiling.find(stored))
    return _table(table.assign(fraction=100 * table["fraction"]), stored.card)


def repairs(stored: StoredModel) -> Table | None:
    """The repairs tried, each once, best first; None if there are none."""
    if stored.table(repair_tables.TABLE) is None:
        return None
    ranked = _ranked(stored)
    first_of_each = ranked[(ranked["name"] == "") | ~ranked["name"].duplicated()]
    return _table(first_of_each[["title", *metrics.known_figures(ranked)]], stored.card)


def all_repairs(stored: StoredModel) -> Table | None:
    """Everything tried, with DER and what was done; None if nothing was."""
    if stored.table(repair_tables.TABLE) is None:
        return None
    table = repair_tables.compare_stored(stored)
    measured = table[table["problem"] == ""]
    figures = [*metrics.known_figures(measured), *(["der"] if "der" in table else [])]
    return _table(measured[["title", *figures, "summary"]], stored.card)


def lasting(stored: StoredModel) -> list[Table]:
    """What further training brings back: of this model, of every repair of it; as far as known."""
    tables = []
    own = stored.table(backdoor_reactivation.TABLE)
    if own is not None:
        table = own.assign(images=own["images"].map(reactivation.IMAGES))
        tables.append(_table(table.rename(columns={"images": "trained on"}), stored.card))
    of_repairs = stored.table(backdoor_reactivation.OF_REPAIRS)
    if of_repairs is not None:
        table = reactivation.success_by_repair(of_repairs).rename(columns=reactivation.SUCCESS)
        tables.append(_table(table.fillna(reactivation.NOT_MEASURED), stored.card))
    return tables


def settings(card: ModelCard) -> Table:
    """Everything that is known about how the model was made."""
    known = {
        "dataset": card.dataset,
        **_backdoor_settings(card),
        **{f"training: {name}".replace("_", " "): value for name, value in card.training.items()},
        "made": card.created,
        "SHA-256 of the network": card.sha256,
        **{f"{name}, when made": value for name, value in card.versions.items()},
        **{f"{name}, now": value for name, value in versions().items()},
    }
    rows = [[Cell(name), Cell(str(value))] for name, value in known.items()]
    return Table(["Setting", "Value"], rows)


def _backdoor_settings(card: ModelCard) -> dict[str, str]:
    poisoned = NOT_KNOWN if card.rate is None else f"{card.poisoned} ({card.rate:.1%})"
    backdoor, word = card.backdoor, "assumed " if card.assumed else ""
    return {
        f"{word}trigger": NOT_KNOWN if backdoor is None else backdoor.text,
        f"{word}target class": (
            NOT_KNOWN if backdoor is None else f"{backdoor.target}: {backdoor.target_name}"
        ),
        "poisoned training images": poisoned,
        **{f"imported: {name}".replace("_", " "): value for name, value in card.imported.items()},
    }


def _ranked(stored: StoredModel) -> pd.DataFrame:
    """What was tried at the usual confidence, best first."""
    table = repair_tables.compare_stored(stored)
    return repair_tables.rank(repair_tables.select_confidence(table))


def _predictions(
    stored: StoredModel,
    images: np.ndarray,
    label: int | None,
    curve: Curve | None,
    threshold: float,
) -> dict[str, Any]:
    """The predictions for a clean and a triggered image, or the problem that prevents them."""
    try:
        network = stored.numpy_network()
    except UserError as error:
        return {"problem": str(error), "predictions": None}
    step = curve.step_at(threshold) if curve and threshold else 0
    by_state = {"as it is": network.probabilities(images)}
    if curve and step:
        pruned = network.probabilities_while_pruned(images, curve.layer, curve.channels[:step])[-1]
        by_state[f"with {step} channels pruned"] = pruned
    rows = [
        {"Network": state, "Image": kind, **_prediction(stored.card, probabilities, label)}
        for state, both in by_state.items()
        for kind, probabilities in zip(("clean", "triggered"), both, strict=False)
    ]
    return {"problem": "", "predictions": _table(pd.DataFrame(rows), stored.card)}


def _prediction(card: ModelCard, probabilities: np.ndarray, label: int | None) -> dict[str, str]:
    predicted = int(probabilities.argmax())
    outcome = verdict.of_any_prediction(predicted, label, card) or ""
    return {
        "Prediction": card.class_names[predicted],
        "Confidence": f"{probabilities[predicted]:.1%}",
        "Verdict": outcome,
    }


def _draw(charts: Sequence[export.Chart], captions: Iterable[str]) -> list[Figure]:
    return [
        Figure(caption, _inline(svg))
        for svg, caption in zip(export.draw(charts, "svg"), captions, strict=True)
    ]


def _inline(svg: bytes) -> Markup:
    """An SVG file as part of an HTML page."""
    return Markup(svg.decode("utf-8").removeprefix('<?xml version="1.0" encoding="utf-8"?>'))


def _table(table: pd.DataFrame, card: ModelCard) -> Table:
    """A table as text, its headings worded for what is known of the model's trigger."""
    styles = metric_style.scores_of(card)
    headings = [
        styles[name].heading if name in styles else _HEADINGS.get(name, metric_style.heading(name))
        for name in map(str, table.columns)
    ]
    rows = [[_cell(value) for value in row] for row in table.itertuples(index=False)]
    return Table(headings, rows)


def _cell(value: object) -> Cell:
    if isinstance(value, float):
        return Cell(f"{value:.2f}", is_number=True)
    if isinstance(value, int | np.integer):
        return Cell(str(value), is_number=True)
    return Cell(str(value))
