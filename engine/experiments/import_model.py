"""Importing a network that was trained elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine import store
from engine.core.errors import UserError
from engine.experiments import examine
from engine.experiments.eval_pairs import score_splits
from engine.experiments.examine import ORDERS, Candidate, Examination, Opened
from engine.experiments.new_model import NewModel
from engine.networks import input_format
from engine.networks.input_format import COLOURS, RANGES, InputFormat
from engine.store import ModelCard, StoredModel


@dataclass(frozen=True)
class Choices:
    """What the user knows about a network; what is left out is found out.

    Attributes:
        range: see `InputFormat`.
        colours: see `InputFormat`.
        outputs: see `InputFormat`.
        order: of the classes; a name in `examine.ORDERS`.
    """

    range: str = ""
    colours: str = ""
    outputs: str = ""
    order: str = ""


def import_model(opened: Opened, choices: Choices, model: NewModel) -> StoredModel:
    """Adapt a network to this program, score it on clean images and store it.

    Whether it hides a backdoor, and which, is not known then.

    Args:
        opened: see `examine.open_for`.
        choices: what the user knows.
        model: how the result is stored.

    Raises:
        UserError: the name is taken, or it is not clear what the network expects.
    """
    store.check_free(model.name, model.replace)
    form = find_form(opened, choices)
    network = input_format.adapt(opened.network, form)
    dataset = opened.dataset
    card = ModelCard(
        name=model.name,
        dataset=dataset.name,
        class_names=dataset.class_names,
        image_shape=dataset.image_shape,
        trigger="",
        target=None,
        rate=None,
        poisoned=None,
        training={},
        scores=score_splits(network, dataset, None),
        commands=(model.command,),
        imported={
            "file": opened.file,
            "format": opened.about.format,
            **form.as_dict(),
            "channels_first": opened.about.channels_first,
            "left_out": list(opened.about.left_out),
        },
    )
    return store.save(card, network, {}, model.replace)


def find_form(opened: Opened, choices: Choices) -> InputFormat:
    """What the network expects; nothing is tried out if the user says everything.

    Raises:
        UserError: as `choose_form`.
    """
    orders = examine.class_orders(opened.dataset.class_names)
    if choices.range and choices.colours and choices.outputs and choices.order in orders:
        form = InputFormat(choices.range, choices.colours, choices.outputs, orders[choices.order])
        if form.channels == opened.network.input_shape[-1]:
            return form
    return choose_form(examine.examine(opened), choices)


def choose_form(found: Examination, choices: Choices) -> InputFormat:
    """What the network expects: what the user says, and the clear winner of what is left open.

    Raises:
        UserError: no combination fits what the user says, or none of several is clearly best.
    """
    fitting = [candidate for candidate in found.candidates if _fits(candidate, choices)]
    if not fitting:
        raise UserError(
            f"{found.file} was not tried with that input range, colour order and class order:"
            " `examine` lists the combinations."
        )
    settled = choices.range and (choices.colours or found.grey) and choices.order
    chosen = fitting[0] if settled else examine.find_winner(fitting, found.classes)
    if chosen is None:
        raise UserError(_ask(found, fitting))
    form = found.form(chosen)
    return replace(form, outputs=choices.outputs or form.outputs)


def _fits(candidate: Candidate, choices: Choices) -> bool:
    return all(
        not wanted or wanted == actual
        for wanted, actual in (
            (choices.range, candidate.range),
            (choices.colours, candidate.colours),
            (choices.order, candidate.order),
        )
    )


def _ask(found: Examination, fitting: list[Candidate]) -> str:
    """A sentence that shows the best combinations and asks for a choice."""
    best = "; ".join(
        f"{RANGES[each.range][0]}, {COLOURS[each.colours]}, classes {ORDERS[each.order]}:"
        f" {each.accuracy:.1f} %"
        for each in fitting[:3]
    )
    problem = "seems to guess" if found.near_chance else "fits several descriptions"
    return (
        f"{found.file} {problem} ({best}): say what it expects with --range, --colours and"
        " --class-order."
    )
