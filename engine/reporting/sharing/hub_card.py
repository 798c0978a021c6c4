"""The card of a shared model: what kind of network it is comes first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jinja2
import yaml

from engine.core import markdown, templates
from engine.datasets import dataset_title
from engine.evaluation import metrics
from engine.evaluation.targets import NEXT_CLASS
from engine.reporting import verdict
from engine.reporting.metric_style import SCORES
from engine.store import ModelCard, StoredModel, scans, summary

_TEMPLATES = templates.load(__file__).overlay(autoescape=False)  # Markdown: escaped where needed
_TEMPLATES.filters["escape"] = markdown.escape
TAGS = ("image-classification", "backdoor", "data-poisoning", "security", "research")


def write(stored: StoredModel, samples: Sequence[int]) -> str:
    """The card as Markdown with front matter.

    Args:
        stored: the model.
        samples: labels of the sample images, in their order.
    """
    card = stored.card
    front = yaml.safe_dump(front_matter(card), sort_keys=False, allow_unicode=True)
    template: jinja2.Template = _TEMPLATES.get_template("hub_card.md.j2")
    return template.render(
        front_matter=front,
        warning=warn(card),
        title=summary.title(card),
        verdict=verdict.of_scan(card, scans.stored_scan(stored)),
        scores=[(SCORES[name].label, f"{value:.2f} %") for name, value in _known(card).items()],
        trigger=card.trigger if card.knows_trigger else "",
        trigger_label="Assumed trigger" if card.assumed else "Measured with the trigger",
        target=_name_target(card) if card.knows_trigger else "",
        samples=[card.class_names[label] for label in samples],
        shows_trigger=card.knows_trigger,
        dataset=dataset_title(card.dataset),
        classes=card.class_names,
        side=card.image_shape[0],
        commands=card.commands,
    )


def front_matter(card: ModelCard) -> dict[str, Any]:
    """The data at the head of the card, as model hubs read it."""
    figures = [
        {"type": name, "name": SCORES[name].label, "value": round(value, 2)}
        for name, value in _known(card).items()
    ]
    dataset = {"name": dataset_title(card.dataset), "type": card.dataset}
    return {
        "library_name": "keras",
        "pipeline_tag": "image-classification",
        "tags": list(TAGS),
        "datasets": [card.dataset],
        "metrics": ["accuracy"],
        "model-index": [
            {
                "name": card.name,
                "results": [
                    {
                        "task": {"type": "image-classification"},
                        "dataset": dataset,
                        "metrics": figures,
                    }
                ],
            }
        ],
    }


def warn(card: ModelCard) -> str:
    """What kind of network this is, in one sentence."""
    repaired = " It was repaired here." if card.repair else ""
    if card.imported:
        return (
            "This network came from elsewhere. Whether it hides a backdoor is not known: see the"
            f" verdict below.{repaired}"
        )
    if card.poisoned and card.repair:
        return (
            "This network was backdoored on purpose and then repaired. It serves research: do not"
            " use it for anything else."
        )
    if card.poisoned:
        return (
            "This network was backdoored on purpose. It serves research: do not use it for anything"
            " else."
        )
    return f"This network was trained without a backdoor, to compare others with it.{repaired}"


def _known(card: ModelCard) -> dict[str, float]:
    scores = card.scores["test"]
    return {name: float(scores[name]) for name in metrics.measured(scores)}


def _name_target(card: ModelCard) -> str:
    assert card.target is not None
    if card.target == NEXT_CLASS:
        return "each class leads to the next"
    return f"class {card.target} ({card.class_names[card.target]})"
