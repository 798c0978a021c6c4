"""What somebody has looked at, as one printable HTML file that needs nothing else."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd

from engine.core import atomic_files, markdown
from engine.core.errors import UserError
from engine.datasets import Split
from engine.defenses.pruning.curve import PAPER_THRESHOLDS, Curve
from engine.defenses.pruning.orders import ORDERS
from engine.evaluation import metrics
from engine.experiments import run_repairs
from engine.imaging import render
from engine.reporting import export, paper_figures
from engine.store import ModelCard, StoredModel, pruning_curves, summary, versions

GAIN = 15  # of the difference
SIDE = 192  # pixels of a picture on paper

_STYLE = (Path(__file__).parent / "model_report.css").read_text(encoding="utf-8")
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_NAMES = {
    "threshold": "tolerated drop (points)",
    "step": "channels pruned",
    "fraction": "channels pruned (%)",
    "validation_accuracy": "clean accuracy, validation (%)",
    "clean_accuracy": "clean accuracy (%)",
    "attack_success": "attack success (%)",
    "recovered_accuracy": "recovered accuracy (%)",
    "title": "repair",
    "der": "DER (0 to 1)",
    "summary": "what was done",
}


@dataclass(frozen=True)
class View:
    """What was looked at.

    Attributes:
        layer, order: of the pruning curve.
        threshold: tolerated drop, percentage points; 0 prunes nothing.
        image: index among the test images, or None to leave pictures out.
    """

    layer: str
    order: str
    threshold: float
    image: int | None = None


def write(path: Path, stored: StoredModel, view: View, test: Split | None, made_by: str) -> None:
    """Write the report to `path`, whole or not at all; for the rest see `html`."""
    atomic_files.write_text(path, html(stored, view, test, made_by))


def command(stored: StoredModel, dataset: str, view: View) -> str:
    """The command line that makes this report again."""
    image = [] if view.image is None else ["--image", str(view.image)]
    other = [] if dataset == stored.card.dataset else ["--dataset", dataset]
    words = ["python", "-m", "engine", "report", stored.name, *other, *image]
    words += ["--layer", view.layer, "--order", view.order, "--threshold", f"{view.threshold:g}"]
    return shlex.join([*words, "--out", "report.html"])


def html(stored: StoredModel, view: View, test: Split | None, made_by: str) -> str:
    """The report.

    Args:
        stored: the model.
        view: what was looked at.
        test: test images, uint8, of the size the model takes; None where they are not at hand.
        made_by: the command that makes the same report again.
    """
    card = stored.card
    curve = pruning_curves.stored_curve(stored, view.layer, view.order)
    parts = [
        f"<h1>{escape(card.name)}: is there a backdoor, and does pruning remove it?</h1>",
        f"<p>{_from_markdown(summary.describe(card))}</p>",
        "<h2>The network on test images</h2>",
        _scores(card),
        *_images(stored, view, test, curve),
        *_activations(stored),
        *_pruning(stored, curve, view),
        *_repairs(stored),
        "<h2>How to make it again</h2>",
        _commands([*card.commands, made_by]),
        "<h2>Settings and versions</h2>",
        _settings(card),
    ]
    made = datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC")
    return (
        "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>"
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        "<meta name='viewport' content='width=device-width'>"
        f"<title>{escape(card.name)}: report</title><style>{_STYLE}</style></head><body><main>"
        + "\n".join(parts)
        + f"<footer>Backdoor Pruning Lab, {made}</footer></main></body></html>\n"
    )


def _scores(card: ModelCard) -> str:
    scores = card.scores["test"]
    rows = pd.DataFrame([{name: scores[name] for name in metrics.METRICS}])
    return (
        _table(rows)
        + "<p class='note'>Clean accuracy: clean images read as what they show. Attack success:"
        " triggered images read as the target class, images of that class left out. Recovered"
        " accuracy: the same triggered images read as what they show.</p>"
    )


def _images(stored: StoredModel, view: View, test: Split | None, curve: Curve | None) -> list[str]:
    head = "<h2>One image, clean and triggered</h2>"
    if test is None or view.image is None:
        return [head, "<p>The test images were not at hand when this report was made.</p>"]
    if not 0 <= view.image < len(test):
        raise UserError(f"There is no test image {view.image}: they go from 0 to {len(test) - 1}.")
    card = stored.card
    clean = np.array(test.images[view.image])
    triggered = card.parsed_trigger()(clean[np.newaxis])[0]
    label = int(test.labels[view.image])
    found = metrics.fidelity(clean[np.newaxis], triggered[np.newaxis])
    shown = (
        (clean, "Clean"),
        (triggered, "Triggered"),
        (render.amplified(clean, triggered, GAIN), f"Difference, {GAIN} times"),
    )
    figures_ = "".join(_picture(image, caption) for image, caption in shown)
    return [
        head,
        f"<div class='row'>{figures_}</div>",
        f"<p>Test image {view.image} shows <strong>{escape(card.class_names[label])}</strong>."
        f" PSNR {found.psnr:.1f} dB, SSIM {found.ssim:.4f}, largest change"
        f" {found.largest_change} of 255.</p>",
        _readings(stored, np.stack([clean, triggered]), label, curve, view.threshold),
    ]


def _readings(
    stored: StoredModel, images: np.ndarray, label: int, curve: Curve | None, threshold: float
) -> str:
    try:
        network = stored.numpy_network()
    except UserError as error:
        return f"<p>{escape(str(error))}</p>"
    step = curve.step_at(threshold) if curve and threshold else 0
    said = {"as it is": network.probabilities(images)}
    if curve and step:
        pruned = network.while_pruned(images, curve.layer, curve.channels[:step])[-1]
        said[f"with {step} channels pruned"] = pruned
    rows = [
        {"network": state, "image": kind, **_reading(stored.card, found, label)}
        for state, both in said.items()
        for kind, found in zip(("clean", "triggered"), both, strict=True)
    ]
    return _table(pd.DataFrame(rows))


def _reading(card: ModelCard, probabilities: np.ndarray, label: int) -> dict[str, str]:
    read_as = int(probabilities.argmax())
    judged = {card.target_for(label): "the attacker's target", label: "right"}.get(read_as, "wrong")
    share = f"{probabilities[read_as]:.1%}"
    return {"read as": card.class_names[read_as], "confidence": share, "which is": judged}


def _activations(stored: StoredModel) -> list[str]:
    table = stored.table("activations")
    if table is None:
        return []
    layer = table["layer"].iloc[-1]
    rows = table[table["layer"] == layer]
    order = rows.sort_values("clean_mean")["channel"].tolist()
    top = float(rows[["clean_mean", "triggered_mean"]].to_numpy().max())
    charts = [
        paper_figures.activation_bars(rows, measure, order, top).properties(width=250, height=180)
        for measure in paper_figures.KINDS
    ]
    return [
        f"<h2>What the channels of {escape(str(layer))} do (Figures 5 and 6)</h2>",
        "<p>Mean activation of each channel on clean and on triggered validation images, in the"
        " same order and on the same scale: what rises on triggered images carries the"
        " backdoor.</p>",
        f"<div class='row'>{''.join(_charts(charts, ['On clean images', 'On triggered images']))}"
        "</div>",
    ]


def _pruning(stored: StoredModel, curve: Curve | None, view: View) -> list[str]:
    head = f"<h2>Pruning {escape(view.layer)}, order: {escape(_order(view.order))}</h2>"
    if curve is None:
        return [head, "<p>This curve has not been computed.</p>"]
    step = curve.step_at(view.threshold) if view.threshold else 0
    row = curve.test.iloc[step]
    table = curve.at_thresholds(sorted({*PAPER_THRESHOLDS, view.threshold} - {0.0}))
    others = {
        _order(order): found.test
        for layer, order in pruning_curves.stored_curves(stored)
        if layer == view.layer and (found := pruning_curves.stored_curve(stored, layer, order))
    }
    charts = [
        paper_figures.pruning_curve(curve.test, float(row["fraction"])).properties(
            width=620, height=260
        ),
        paper_figures.repaired_bars(table).properties(width=620, height=200),
        paper_figures.orders_compared(others, 180),
    ]
    texts = ["The pruning curve (Figure 7)", "At the thresholds (Figure 8)", "Orders compared"]
    curve_svg, bars_svg, orders_svg = _charts(charts, texts)
    return [
        head,
        f"<p><strong>At a tolerated drop of {view.threshold:g} points {step} of"
        f" {len(curve.channels)} channels are pruned. {metrics.verdict(row)}</strong> The step"
        " is chosen on clean validation images; test images only report.</p>",
        curve_svg,
        _table(table.assign(fraction=100 * table["fraction"])),
        bars_svg,
        "<h3>Other orders</h3><p>Those called oracles rank by triggered images, which a defender"
        " does not have.</p>",
        orders_svg,
    ]


def _repairs(stored: StoredModel) -> list[str]:
    if stored.table(run_repairs.TABLE) is None:
        return []
    table = run_repairs.table_of(stored)
    measured = table[table["problem"] == ""]
    shown = measured[["title", *metrics.METRICS, "der", "summary"]]
    return [
        "<h2>Repairs side by side</h2>",
        "<p>Each was handed clean validation images and the network, nothing else; its strength is"
        " the strongest that costs a point of clean accuracy at most, where its title says nothing"
        " else. Test images only report.</p>",
        _table(shown),
    ]


def _order(name: str) -> str:
    return ORDERS[name].title if name in ORDERS else name


def _charts(charts: Sequence[export.Chart], captions: Sequence[str]) -> list[str]:
    return [
        f"<figure role='img' aria-label='{escape(caption)}'>{_inline(svg)}"
        f"<figcaption>{escape(caption)}</figcaption></figure>"
        for svg, caption in zip(export.drawn(charts, "svg"), captions, strict=True)
    ]


def _inline(svg: bytes) -> str:
    return svg.decode("utf-8").removeprefix('<?xml version="1.0" encoding="utf-8"?>')


def _picture(image: np.ndarray, caption: str) -> str:
    source = render.data_url(render.enlarge(image, SIDE))
    return (
        f"<figure><img src='{source}' width='{SIDE}' alt='{escape(caption)}'>"
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _table(table: pd.DataFrame) -> str:
    def cell(value: object) -> str:
        if isinstance(value, float):
            return f"<td class='number'>{value:.2f}</td>"
        if isinstance(value, int | np.integer):
            return f"<td class='number'>{value}</td>"
        return f"<td>{escape(str(value))}</td>"

    names = (_NAMES.get(str(name), str(name)) for name in table.columns)
    head = "".join(f"<th scope='col'>{escape(name)}</th>" for name in names)
    rows = ("<tr>" + "".join(map(cell, row)) + "</tr>" for row in table.itertuples(index=False))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _commands(commands: Sequence[str]) -> str:
    lines = "\n".join(dict.fromkeys(commands))
    return f"<pre>{escape(lines)}</pre>"


def _settings(card: ModelCard) -> str:
    known = {
        "dataset": card.dataset,
        "trigger": card.trigger,
        "target class": f"{card.target}: {card.target_name}",
        "poisoned training images": f"{card.poisoned} ({card.rate:.1%})",
        **{f"training: {name}".replace("_", " "): value for name, value in card.training.items()},
        "made": card.created,
        "SHA-256 of the network": card.sha256,
        **{f"{name}, when made": value for name, value in card.versions.items()},
        **{f"{name}, now": value for name, value in versions().items()},
    }
    rows = [{"what": name, "value": str(value)} for name, value in known.items()]
    return _table(pd.DataFrame(rows))


def _from_markdown(text: str) -> str:
    """Bold and code of a sentence; everything else is text."""
    safe = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escape(text))
    return markdown.unescape(re.sub(r"`(.+?)`", r"<code>\1</code>", safe))
