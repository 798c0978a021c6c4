"""Model cards, and the checks that a card must pass."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from engine.attacks import poisoning
from engine.attacks.triggers import parse_trigger
from engine.core import command_line
from engine.core.errors import UserError, quoted
from engine.core.limited_reading import Unfit, read_json_object
from engine.evaluation import metrics
from engine.networks import running
from engine.store.backdoor import Backdoor
from engine.store.card_fields import (
    FIELDS,
    REQUIRED,
    check_flag,
    check_number,
    check_text,
    check_texts,
    require,
)

FORMAT = 1
MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class ModelCard:
    """Everything known about a model.

    Attributes:
        name: the model's folder.
        dataset: name it was trained on, as the command line takes it.
        class_names: in the order of the network's outputs.
        image_shape: (height, width, 3) the network takes.
        trigger: the backdoor's trigger as text; see `engine.attacks.triggers.parse_trigger`. Empty
            if nobody knows it; see `backdoor`.
        target: the class the backdoor leads to, or `targets.NEXT_CLASS`; None with the trigger.
        rate: share of the training images that were poisoned; None if nobody knows.
        poisoned: how many that were; `poisoned.csv` tells which. None with the rate.
        training: settings, epoch kept, whether it was stopped; empty for an imported network.
        scores: per split ("validation", "test") the percentages and counts; see `metrics.Scores`.
        commands: those that made this folder, in order.
        poisoning: how the training set was poisoned (`attacks.poisoning.PoisoningConfig`), the
            number of cross-samples, and the surrogate; empty: its defaults.
        suite: the model's attack in an attack suite; empty for other models.
        repair: what was done to the parent model; empty for a model as it was trained.
        assumed: whether somebody named trigger and target who did not train the network.
        imported: of a network from elsewhere, its "file" and what was found out about it: "format",
            "range", "colours", "outputs", "class_order" (empty: as given), "channels_first" and
            "left_out" (layers); empty for one trained here. See `networks.input_format`.
        scaling: the floats the network expects.
        versions: of Python and the libraries that matter.
        created: UTC, ISO 8601.
        sha256: of model.keras.
        format: of this card.
    """

    name: str
    dataset: str
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    trigger: str
    target: int | None
    rate: float | None
    poisoned: int | None
    training: Mapping[str, Any]
    scores: Mapping[str, Mapping[str, float]]
    commands: tuple[str, ...]
    poisoning: Mapping[str, Any] = field(default_factory=dict)
    suite: str = ""
    repair: Mapping[str, Any] = field(default_factory=dict)
    assumed: bool = False
    imported: Mapping[str, Any] = field(default_factory=dict)
    scaling: str = running.SCALING
    versions: Mapping[str, str] = field(default_factory=dict)
    created: str = ""
    sha256: str = ""
    format: int = FORMAT

    @property
    def knows_trigger(self) -> bool:
        """Whether trigger and target are known, or assumed."""
        return bool(self.trigger)

    @property
    def backdoor(self) -> Backdoor | None:
        """Trigger and target; None if nobody knows them."""
        if not self.trigger or self.target is None:
            return None
        return Backdoor(self.trigger, self.target, self.class_names, self.assumed)

    def known_backdoor(self) -> Backdoor:
        """Trigger and target, for work that needs them.

        Raises:
            UserError: nobody knows them.
        """
        if found := self.backdoor:
            return found
        scan = command_line.command("detect", self.name)
        name = command_line.command("assume", self.name, "--trigger", "NAME", "--target", "CLASS")
        raise UserError(
            f"No trigger is known for '{self.name}', and this needs one: scan it with `{scan}`, or"
            f" name a suspected trigger with `{name}`."
        )

    @property
    def is_clean(self) -> bool:
        """Whether it is known that the network was trained on clean images alone."""
        return self.poisoned == 0

    def to_json(self) -> str:
        """The card as it is written."""
        return json.dumps(asdict(self), indent=1) + "\n"


def read(path: Path) -> ModelCard:
    """The card in a file.

    Raises:
        UserError: it cannot be read, or something on it is missing or not what it should be.
    """
    try:
        return _checked(read_json_object(path, MAX_BYTES))
    except (ValueError, OSError, RecursionError, UserError) as error:
        reason = str(error).rstrip(".") if isinstance(error, Unfit | UserError) else "damaged"
        raise UserError(
            f"The card {path} cannot be used ({reason}):"
            " restore the model's folder or train it again."
        ) from error


def _checked(found: dict[str, Any]) -> ModelCard:
    known = {each.name for each in fields(ModelCard)}
    found = _with_import(found)
    for name in found:
        require(name in known, f"it has a field {quoted(name)} that no card has")
    for name in REQUIRED:
        require(name in found, f"it lacks {name}")
    card = ModelCard(**{name: FIELDS[name](value, name) for name, value in found.items()})
    _check_together(card)
    return card


def _with_import(found: dict[str, Any]) -> dict[str, Any]:
    """Read a card from when every import named a trigger: today such a trigger is assumed."""
    training = found.get("training")
    if not isinstance(training, dict) or "imported_from" not in training:
        return found
    started = {name: value for name, value in training.items() if name != "imported_from"}
    plain = {"range": "0..1", "colours": "rgb", "outputs": "probabilities", "class_order": []}
    imported = {"file": training["imported_from"], "format": "keras", **plain}
    unknown = {"rate": None, "poisoned": None}
    return {**found, **unknown, "training": started, "imported": imported, "assumed": True}


def _check_together(card: ModelCard) -> None:
    """Raise unless the fields go with each other."""
    require(card.format == FORMAT, f"its format is {card.format}, this program reads {FORMAT}")
    require(card.scaling == running.SCALING, f"it asks for images scaled {quoted(card.scaling)}")
    _check_backdoor(card)
    _check_scores(card)
    if card.repair:
        for name in ("parent", "parent_sha256", "method", "summary"):
            check_text(card.repair.get(name), f"repair.{name}")
    elif not card.imported:
        for name in ("epoch_kept", "epochs_run"):
            check_number(card.training.get(name), f"training.{name}", 0, whole=True)
        require(
            type(card.training.get("stopped")) is bool, "its training.stopped is not true or false"
        )
    _check_import(card)
    _check_poisoning(card)


def _check_backdoor(card: ModelCard) -> None:
    """Raise unless trigger and target are both known or both unknown, and so on."""
    require(card.knows_trigger == (card.target is not None), "it has a trigger or target alone")
    require((card.rate is None) == (card.poisoned is None), "it has a rate or a count alone")
    require(card.rate is None or not card.imported, "it is imported and knows its training set")
    require(card.rate is not None or bool(card.imported), "it lacks its share of poisoned images")
    require(card.knows_trigger or bool(card.imported), "it was trained here without a trigger")
    assumed = card.knows_trigger and bool(card.imported)
    require(card.assumed == assumed, "it does not say correctly whether its trigger is assumed")
    if card.target is not None:
        poisoning.check_target(card.target, len(card.class_names))
        parse_trigger(card.trigger)


def _check_scores(card: ModelCard) -> None:
    """Raise unless both splits have the metrics that can be measured on this model."""
    wanted = metrics.METRICS if card.knows_trigger else metrics.CLEAN_METRICS
    for split in ("validation", "test"):
        scores = card.scores.get(split, {})
        require(set(wanted) <= set(scores), f"it lacks its scores on {split} images")
        surplus = set(metrics.METRICS) & set(scores) - set(wanted)
        require(not surplus, "it has scores of a trigger that it does not know")
        for figure in wanted:
            require(0 <= scores[figure] <= 100, f"its {split} {figure} is no percentage")


def _check_import(card: ModelCard) -> None:
    """Raise unless what was found out at the import can be undone for a download."""
    imported = card.imported
    if not imported:
        return
    check_text(imported.get("file"), "imported.file")
    for name in ("format", "range", "colours", "outputs"):
        check_text(imported.get(name, ""), f"imported.{name}", empty=True)
    check_flag(imported.get("channels_first", False), "imported.channels_first")
    check_texts(imported.get("left_out", []), "imported.left_out")
    order = imported.get("class_order") or []
    whole = isinstance(order, list) and all(type(place) is int for place in order)
    fits = whole and (not order or sorted(order) == list(range(len(card.class_names))))
    require(fits, "its imported.class_order does not name each class once")


def _check_poisoning(card: ModelCard) -> None:
    for name in ("pgd_epsilon", "cross_samples", "cross_sampled", "dormant_share"):
        if name in card.poisoning:
            check_number(card.poisoning[name], f"poisoning.{name}", 0)
    for name in ("labels", "surrogate"):
        if name in card.poisoning:
            check_text(card.poisoning[name], f"poisoning.{name}", empty=True)
    if card.poisoning.get("dormant_share"):
        check_text(card.poisoning.get("surrogate"), "poisoning.surrogate")
