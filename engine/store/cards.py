"""Model cards, and the checks that a card must pass."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from engine.attacks import poisoning
from engine.attacks.triggers import Trigger, parse_trigger
from engine.core.errors import UNPRINTABLE, UserError, quoted
from engine.core.limited_reading import Unfit, read_json_object
from engine.evaluation import metrics
from engine.evaluation.targets import NEXT_CLASS, NEXT_NAME, target_labels
from engine.networks import running

FORMAT = 1
MAX_BYTES = 1 << 20
MAX_CLASSES, MAX_SIDE = 1000, 1024
MAX_TEXT, MAX_ENTRIES, MAX_DEPTH = 4000, 10_000, 6
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class ModelCard:
    """Everything known about a model.

    Attributes:
        name: the model's folder.
        dataset: name it was trained on, as the command line takes it.
        class_names: in the order of the network's outputs.
        image_shape: (height, width, 3) the network takes.
        trigger: the backdoor's trigger as text; see `engine.attacks.triggers.parse_trigger`.
        target: the class the backdoor leads to, or `targets.NEXT_CLASS`.
        rate: share of the training images that were poisoned.
        poisoned: how many that were; `poisoned.csv` tells which.
        training: settings, epoch kept, whether it was stopped.
        scores: per split ("validation", "test") the percentages and counts.
        commands: those that made this folder, in order.
        poisoning: how the training set was poisoned (`attacks.poisoning.PoisoningConfig`), the
            number of cross-samples, and the surrogate; empty: its defaults.
        suite: the model's attack in an attack suite; empty for other models.
        repair: what was done to the parent model; empty for a model as it was trained.
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
    target: int
    rate: float
    poisoned: int
    training: Mapping[str, Any]
    scores: Mapping[str, Mapping[str, float]]
    commands: tuple[str, ...]
    poisoning: Mapping[str, Any] = field(default_factory=dict)
    suite: str = ""
    repair: Mapping[str, Any] = field(default_factory=dict)
    scaling: str = running.SCALING
    versions: Mapping[str, str] = field(default_factory=dict)
    created: str = ""
    sha256: str = ""
    format: int = FORMAT

    def parsed_trigger(self) -> Trigger:
        """The trigger itself."""
        return parse_trigger(self.trigger)

    @property
    def target_name(self) -> str:
        """The name of the target class."""
        return NEXT_NAME if self.target == NEXT_CLASS else self.class_names[self.target]

    def target_for(self, label: int) -> int:
        """The class that the attacker wants a triggered image of class `label` to get."""
        return int(target_labels(np.array([label]), self.target, len(self.class_names))[0])

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


def is_name(name: str) -> bool:
    """Whether a model can be called `name`."""
    return _NAME.fullmatch(name) is not None


def _checked(found: dict[str, Any]) -> ModelCard:
    known = {each.name for each in fields(ModelCard)}
    for name in found:
        _require(name in known, f"it has a field {quoted(name)} that no card has")
    for name in _REQUIRED:
        _require(name in found, f"it lacks {name}")
    card = ModelCard(**{name: _FIELDS[name](value, name) for name, value in found.items()})
    _check_together(card)
    return card


def _check_together(card: ModelCard) -> None:
    """Raise unless the fields go with each other."""
    _require(card.format == FORMAT, f"its format is {card.format}, this program reads {FORMAT}")
    _require(card.scaling == running.SCALING, f"it asks for images scaled {quoted(card.scaling)}")
    poisoning.check_target(card.target, len(card.class_names))
    card.parsed_trigger()
    for split in ("validation", "test"):
        scores = card.scores.get(split, {})
        _require(set(metrics.METRICS) <= set(scores), f"it lacks its scores on {split} images")
        for figure in metrics.METRICS:
            _require(0 <= scores[figure] <= 100, f"its {split} {figure} is no percentage")
    if card.repair:
        for name in ("parent", "parent_sha256", "method", "summary"):
            _text(card.repair.get(name), f"repair.{name}")
    elif "imported_from" in card.training:
        _text(card.training["imported_from"], "training.imported_from")
    else:
        for name in ("epoch_kept", "epochs_run"):
            _number(card.training.get(name), f"training.{name}", 0, whole=True)
        _require(
            type(card.training.get("stopped")) is bool, "its training.stopped is not true or false"
        )
    for name in ("pgd_epsilon", "cross_samples", "cross_sampled", "dormant_share"):
        if name in card.poisoning:
            _number(card.poisoning[name], f"poisoning.{name}", 0)
    for name in ("labels", "surrogate"):
        if name in card.poisoning:
            _text(card.poisoning[name], f"poisoning.{name}", empty=True)
    if card.poisoning.get("dormant_share"):
        _text(card.poisoning.get("surrogate"), "poisoning.surrogate")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Unfit(otherwise)


def _text(value: Any, name: str, empty: bool = False) -> str:
    _require(isinstance(value, str), f"its {name} is not text")
    _require(empty or bool(value), f"its {name} is empty")
    _require(len(value) <= MAX_TEXT, f"its {name} is overlong")
    _require(not UNPRINTABLE.search(value), f"its {name} holds characters that cannot be shown")
    text: str = value
    return text


def _number(
    value: Any, name: str, low: float = -math.inf, high: float = math.inf, whole: bool = False
) -> Any:
    kinds = (int,) if whole else (int, float)
    _require(type(value) in kinds, f"its {name} is not a {'whole ' if whole else ''}number")
    _require(abs(value) < 1e15, f"its {name} is not finite, or far too large")
    _require(low <= value <= high, f"its {name} cannot be {value:g}")
    return value


def _name(value: Any, name: str) -> str:
    text = _text(value, name)
    _require(is_name(text), f"its {name} cannot be a folder's")
    return text


def _class_names(value: Any, name: str) -> tuple[str, ...]:
    names = _texts(value, name)
    _require(2 <= len(names) <= MAX_CLASSES, f"it has {len(names)} classes")
    _require(all(len(each) <= 200 for each in names), "it has a class with an overlong name")
    return names


def _texts(value: Any, name: str) -> tuple[str, ...]:
    _require(isinstance(value, list) and len(value) <= MAX_ENTRIES, f"its {name} is not a list")
    return tuple(_text(each, name) for each in value)


def _commands(value: Any, name: str) -> tuple[str, ...]:
    _require(value != [], "it names no command that made it")
    return _texts(value, name)


def _image_shape(value: Any, name: str) -> tuple[int, int, int]:
    _require(isinstance(value, list) and len(value) == 3, "its image shape is not height, width, 3")
    height, width = (_number(side, name, 1, MAX_SIDE, whole=True) for side in value[:2])
    _require(value[2] == 3, "its image shape is not height, width, 3")
    return height, width, 3


def _scores(value: Any, name: str) -> dict[str, dict[str, float]]:
    _require(isinstance(value, dict) and len(value) <= MAX_ENTRIES, f"its {name} are no table")
    return {
        split: _numbers(scores, f"{name} on {quoted(split)}") for split, scores in value.items()
    }


def _numbers(value: Any, name: str) -> dict[str, float]:
    _require(isinstance(value, dict) and len(value) <= MAX_ENTRIES, f"its {name} are no table")
    return {key: _number(number, name) for key, number in value.items()}


def _versions(value: Any, name: str) -> dict[str, str]:
    _require(isinstance(value, dict) and len(value) <= MAX_ENTRIES, f"its {name} are no table")
    return {_text(key, name): _text(version, name) for key, version in value.items()}


def _details(value: Any, name: str) -> dict[str, Any]:
    _require(isinstance(value, dict), f"its {name} is no table")
    _check_detail(value, name, 0)
    details: dict[str, Any] = value
    return details


def _check_detail(value: Any, name: str, depth: int) -> None:
    """Raise unless `value` is text, a number, or not too many and not too deep of these."""
    _require(depth <= MAX_DEPTH, f"its {name} is nested too deeply")
    if isinstance(value, dict | list):
        _require(len(value) <= MAX_ENTRIES, f"its {name} is overlong")
        for key in value if isinstance(value, dict) else ():
            _text(key, name)
        for part in value.values() if isinstance(value, dict) else value:
            _check_detail(part, name, depth + 1)
    elif isinstance(value, str):
        _text(value, name, empty=True)
    elif value is not None and not isinstance(value, bool):
        _number(value, name)


def _training(value: Any, name: str) -> dict[str, Any]:
    """The settings; cards written when learning rates were constant do not name the schedule."""
    settings = _details(value, name)
    if "learning_rate" in settings:
        settings.setdefault("schedule", "constant")
    _text(settings.get("architecture", "paper"), f"{name}.architecture")
    return settings


def _created(value: Any, name: str) -> str:
    text = _text(value, name, empty=True)
    try:
        return text and datetime.fromisoformat(text).isoformat(timespec="seconds")
    except ValueError:
        raise Unfit(f"its {name} is not a date") from None


def _checksum(value: Any, name: str) -> str:
    text = _text(value, name, empty=True)
    _require(not text or _SHA256.fullmatch(text) is not None, f"its {name} is no checksum")
    return text


_FIELDS: dict[str, Callable[[Any, str], Any]] = {
    "name": _name,
    "dataset": _text,
    "class_names": _class_names,
    "image_shape": _image_shape,
    "trigger": _text,
    "target": lambda value, name: _number(value, name, whole=True),
    "rate": lambda value, name: _number(value, name, 0, 1),
    "poisoned": lambda value, name: _number(value, name, 0, whole=True),
    "training": _training,
    "scores": _scores,
    "commands": _commands,
    "poisoning": _details,
    "suite": lambda value, name: _text(value, name, empty=True),
    "repair": _details,
    "scaling": _text,
    "versions": _versions,
    "created": _created,
    "sha256": _checksum,
    "format": lambda value, name: _number(value, name, whole=True),
}
_REQUIRED = tuple(_FIELDS)[:11]
