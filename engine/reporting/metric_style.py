"""Label, short help, unit and colour of every metric: one place for charts, tables and pages.

Each colour has one meaning, and the palette is safe for colour-blind readers (Okabe and Ito 2008).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.evaluation.metrics import METRICS, measured, recovered_of_ceiling
from engine.evaluation.visibility import Visibility
from engine.store import ModelCard

CLEAN = "#0072B2"  # clean images, correct predictions
TRIGGERED = "#D55E00"  # triggered images, the attacker's target
RECOVERED = "#009E73"  # triggered images classified correctly
NEUTRAL = "#7a8189"  # everything else


@dataclass(frozen=True)
class MetricStyle:
    """How a metric is presented.

    Attributes:
        label: its name in charts, tables and pages.
        unit: empty for a plain number.
        help: what it measures, in a sentence or two.
        colour: hexadecimal RGB.
    """

    label: str
    unit: str = ""
    help: str = ""
    colour: str = NEUTRAL

    @property
    def heading(self) -> str:
        """Label and unit, such as "Clean accuracy (%)"."""
        return f"{self.label} ({self.unit})" if self.unit else self.label


OUTCOMES: Mapping[str | None, tuple[str, str]] = {  # of a prediction -> colour and mark
    "correct": (CLEAN, "✓"),
    "attacker's target": (TRIGGERED, "⚠"),
    "assumed target": (TRIGGERED, "⚠"),
    "wrong": (NEUTRAL, "✗"),
    None: (NEUTRAL, ""),
}

STYLES: Mapping[str, MetricStyle] = {
    "clean_accuracy": MetricStyle(
        "Clean accuracy", "%", "Share of clean test images classified correctly.", CLEAN
    ),
    "attack_success": MetricStyle(
        "Attack success",
        "%",
        "Share of triggered test images classified as the attacker's target. Images of the target"
        " class itself are left out.",
        TRIGGERED,
    ),
    "recovered_accuracy": MetricStyle(
        "Recovered accuracy",
        "%",
        "Share of the same triggered images classified correctly. Only a rise here means a repair:"
        " attack success can fall to 0 while every triggered image is still misclassified.",
        RECOVERED,
    ),
    "ceiling": MetricStyle(
        "Ceiling",
        "%",
        "Recovered accuracy of a network trained without the backdoor, on the same triggered"
        " images: a trigger can hide what an image shows, so no repair recovers much more.",
    ),
    "recovered_of_ceiling": MetricStyle(
        "Recovered / ceiling",
        "%",
        "Recovered accuracy in percent of its ceiling, which is what a network trained without the"
        " backdoor makes of the same triggered images.",
        RECOVERED,
    ),
    "validation_accuracy": MetricStyle(
        "Clean accuracy, validation",
        "%",
        "Share of clean validation images classified correctly. Every choice is made on these.",
        CLEAN,
    ),
    "der": MetricStyle(
        "DER",
        "0 to 1",
        "Defence effectiveness rate: half of (drop in attack success - drop in clean accuracy + 1)."
        " 0.5 means nothing gained. It ignores recovered accuracy.",
    ),
    "psnr": MetricStyle(
        "PSNR", "dB", "Peak signal-to-noise ratio. Above about 40 dB people see no difference."
    ),
    "ssim": MetricStyle(
        "SSIM", "", "Structural similarity. 1 means that the images are identical."
    ),
    "largest_change": MetricStyle(
        "Largest change", "of 255", "Of any colour channel of any pixel, in grey levels."
    ),
    "clean_cost": MetricStyle(
        "Accuracy lost",
        "points",
        "Clean accuracy lost against a network trained the same way without an attack.",
    ),
    "threshold": MetricStyle(
        "Threshold",
        "points",
        "Pruning stops at the first step where clean validation accuracy has dropped by this much.",
    ),
    "step": MetricStyle("Channels pruned"),
    "fraction": MetricStyle("Channels pruned", "%"),
}

SCORES: Mapping[str, MetricStyle] = {name: STYLES[name] for name in METRICS}

ASSUMED = " (assumed trigger)"  # ends the labels of what was measured with one
_ASSUMED: Mapping[str, MetricStyle] = {
    **SCORES,
    "attack_success": MetricStyle(
        f"Attack success{ASSUMED}",
        "%",
        "Share of test images with the assumed trigger classified as the assumed target. Images of"
        " that class itself are left out. Nobody knows whether the network was poisoned with this"
        " trigger.",
        TRIGGERED,
    ),
    "recovered_accuracy": MetricStyle(
        f"Recovered accuracy{ASSUMED}",
        "%",
        "Share of the same images, with the assumed trigger, classified correctly.",
        RECOVERED,
    ),
}


def scores_of(card: ModelCard) -> Mapping[str, MetricStyle]:
    """The metrics that can be measured on a model, worded for what is known of its trigger."""
    styles = _ASSUMED if card.assumed else SCORES
    return {name: styles[name] for name in measured(card.scores["test"])}


def describe_ceiling(recovered: float, ceiling: float | None) -> str:
    """What recovered accuracy is of its ceiling, such as "90 % of the ceiling (84.7 %)".

    Args:
        recovered: recovered accuracy, percent.
        ceiling: percent; None if it is not known.
    """
    if ceiling is None:
        return "ceiling not known"
    return f"{recovered_of_ceiling(recovered, ceiling):.0f} % of the ceiling ({ceiling:.1f} %)"


def image_kinds(card: ModelCard) -> tuple[str, ...]:
    """What the pictures of an image are called: the clean one and, if there is one, the other."""
    if not card.knows_trigger:
        return ("Clean",)
    return "Clean", "Assumed trigger" if card.assumed else "Triggered"


ACTIVATIONS: Mapping[str, MetricStyle] = {
    "clean_mean": MetricStyle("Clean images", help="Mean on clean images", colour=CLEAN),
    "triggered_mean": MetricStyle(
        "Triggered images", help="Mean on triggered images", colour=TRIGGERED
    ),
}


def format_visibility(found: Visibility) -> dict[str, str]:
    """How visible a trigger is, as text with units: name of the metric -> value."""
    return {
        "psnr": f"{found.psnr:.1f} dB" if found.largest_change else "no change",
        "ssim": f"{found.ssim:.4f}",
        "largest_change": f"{found.largest_change} of 255",
    }


def heading(column: str) -> str:
    """The heading of a table column: its metric's label and unit, else its own name."""
    return STYLES[column].heading if column in STYLES else column.replace("_", " ")
