"""One view of a model as a picture for a presentation: 1920 x 1080 pixels."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.core import templates
from engine.defenses.pruning.curve import Curve
from engine.imaging.render import data_url, enlarge
from engine.reporting import export, verdict
from engine.reporting.metric_style import (
    OUTCOMES,
    MetricStyle,
    describe_ceiling,
    image_kinds,
    scores_of,
)
from engine.reporting.paper_figures import pruning_curve
from engine.store import ModelCard
from engine.store.scans import Scan

_TEMPLATES = templates.load(__file__)
_CHART = (860, 400)  # pixels
_LINE, _SMALL_LINE = 52, 66  # characters
_LONGEST_NAME = 24  # characters of a class name in the table


@dataclass(frozen=True)
class View:
    """What the slide shows.

    Attributes:
        card: of the model.
        title: the model's title.
        images: the clean image and, where a trigger is known, its triggered copy, uint8 [height,
            width, 3].
        label: the true class; None if nobody said what the image shows.
        networks: name of each network -> its probabilities for these, float [images, classes].
        scan: what a scan has found in the model; None if it has not been scanned.
        ceiling: of recovered accuracy, percent; None if it is not known.
    """

    card: ModelCard
    title: str
    images: Sequence[np.ndarray]
    label: int | None
    networks: Mapping[str, np.ndarray]
    scan: Scan | None = None
    ceiling: float | None = None


def png(view: View, curve: Curve | None, step: int) -> bytes:
    """The slide as PNG.

    Args:
        view: the image and what the networks make of it.
        curve: the pruning curve to draw; None leaves it out.
        step: where the threshold cuts it.

    Raises:
        UserError: it could not be drawn.
    """
    return export.picture(svg(view, curve, step))


def svg(view: View, curve: Curve | None, step: int) -> str:
    """The slide as SVG; arguments and errors as for `png`."""
    scores = view.card.scores["test"] if curve is None else curve.test.iloc[step]
    styles = scores_of(view.card)
    return templates.render_svg(
        _TEMPLATES,
        "slide",
        title=verdict.headline(view.card, view.scan),
        model=view.title,
        name=view.card.name,
        finding=textwrap.wrap(_finding(view.card, curve, step), _LINE),
        scan=textwrap.wrap(verdict.below_headline(view.card, view.scan), _SMALL_LINE),
        pictures=list(zip(image_kinds(view.card), map(_picture, view.images), strict=True)),
        rows={
            name: [_outcome(row, view) for row in probabilities]
            for name, probabilities in view.networks.items()
        },
        scores=[
            (style.label, f"{scores[name]:.1f} %", style.colour, _note(name, scores[name], view))
            for name, style in styles.items()
        ],
        chart=_chart(curve, step, styles),
        chart_size=_CHART,
    )


def _note(name: str, percent: float, view: View) -> str:
    """What stands below a metric."""
    return describe_ceiling(percent, view.ceiling) if name == "recovered_accuracy" else ""


def _finding(card: ModelCard, curve: Curve | None, step: int) -> str:
    if curve is None or not step:
        return f"The network as it was {'imported' if card.imported else 'trained'}."
    row = curve.test.iloc[step]
    judged = verdict.of_model(row, card.assumed)
    return f"{row['fraction']:.0%} of the channels pruned: {judged}"


def _picture(image: np.ndarray) -> str:
    return data_url(enlarge(image, 420))


def _outcome(probabilities: np.ndarray, view: View) -> dict[str, str]:
    predicted = int(probabilities.argmax())
    outcome = verdict.of_any_prediction(predicted, view.label, view.card)
    name = view.card.class_names[predicted]
    if len(name) > _LONGEST_NAME:
        name = f"{name[: _LONGEST_NAME - 1]}…"
    return {
        "name": f"{name} ({probabilities[predicted]:.0%})",
        "outcome": outcome or "",
        "colour": OUTCOMES[outcome][0],
    }


def _chart(curve: Curve | None, step: int, styles: Mapping[str, MetricStyle]) -> str:
    """The pruning curve as SVG markup, with its axis labels readable from afar."""
    if curve is None:
        return ""
    cut = float(curve.test["fraction"].iloc[step])
    chart = pruning_curve(curve.test, cut, styles).properties(
        width=_CHART[0] - 90, height=_CHART[1] - 90
    )
    drawn = chart.configure_axis(labelFontSize=18, titleFontSize=18).configure_legend(
        labelFontSize=18
    )
    text = export.svg(drawn).decode()
    return text[text.index("<svg") :]
