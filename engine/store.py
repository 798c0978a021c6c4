"""Models and results on disk: a folder each, seen whole or not at all."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import platform
import re
import shutil
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from engine import evaluation, files, networks, places, poisoning, quarantine
from engine.aims import NEXT_CLASS, NEXT_NAME, aimed
from engine.errors import LabError
from engine.triggers import LearnedTrigger, Trigger, parse_trigger, states

if TYPE_CHECKING:
    import keras

FORMAT = 1
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")


@dataclass(frozen=True)
class Card:
    """What there is to know about a model.

    Attributes:
        name: the model's folder.
        dataset: name it was trained on, as the command line takes it.
        class_names: in the order of the network's outputs.
        image_shape: (height, width, 3) the network takes.
        trigger: the backdoor's trigger as text; see `engine.triggers.parse_trigger`.
        target: the class the backdoor leads to, or `aims.NEXT_CLASS`.
        rate: share of the training images that were poisoned.
        poisoned: how many that were; `poisoned.csv` tells which.
        training: settings, epoch kept, whether it was stopped.
        scores: per split ("validation", "test") the percentages and counts.
        commands: those that made this folder, in order.
        mode: how the training set was poisoned beside the trigger (`poisoning.Mode`); empty:
            labels changed, nothing else.
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
    mode: Mapping[str, Any] = field(default_factory=dict)
    repair: Mapping[str, Any] = field(default_factory=dict)
    scaling: str = networks.SCALING
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

    def wants(self, label: int) -> int:
        """The class that a triggered image of class `label` shall be read as."""
        return int(aimed(np.array([label]), self.target, len(self.class_names))[0])


@dataclass(frozen=True)
class Stored:
    """A model on disk."""

    folder: Path
    card: Card

    @property
    def name(self) -> str:
        """What the model is called."""
        return self.card.name

    def convolutions(self) -> list[str]:
        """Names of the convolutions, read from the network's description without loading it."""
        path = self.folder / "model.keras"
        try:
            with zipfile.ZipFile(path) as archive:
                layers = json.loads(archive.read("config.json"))["config"]["layers"]
            return [layer["config"]["name"] for layer in layers if layer["class_name"] == "Conv2D"]
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise LabError(f"{path} is not a Keras model that can be opened.") from error

    def table(self, name: str) -> pd.DataFrame | None:
        """The table kept as NAME.csv beside the model, or None while there is none."""
        path = self.folder / f"{name}.csv"
        try:
            return pd.read_csv(path) if path.exists() else None
        except (ValueError, OSError) as error:
            raise LabError(f"{path} cannot be read: delete it and compute it again.") from error

    def keep(self, tables: Mapping[str, pd.DataFrame], command: str) -> Stored:
        """Keep results as NAME.csv beside the model, and on the card the command that made them.

        Raises:
            LabError: the model was deleted or replaced since it was opened.
        """
        with files.changing(self.folder.parent):
            card = self._unchanged_card()
            for name, table in tables.items():
                write_table(self.folder / f"{name}.csv", table)
            if command not in card.commands:
                card = dataclasses.replace(card, commands=(*card.commands, command))
                files.write_text(self.folder / "card.json", _to_json(card))
        return Stored(self.folder, card)

    def _unchanged_card(self) -> Card:
        """The card as it is on disk now, if it still belongs to the same network."""
        if self.folder.is_dir():
            card = opened(self.folder).card
            if card.sha256 == self.card.sha256:
                return card
        raise LabError(
            f"The model '{self.name}' was deleted or replaced meanwhile:"
            " compute the results anew for the model there is."
        )

    def network(self) -> keras.Model:
        """Load the network, after a look at its checksum and at what the file is made of.

        A checksum tells damage only: who exchanges the file can write the card, too.
        """
        path = self.folder / "model.keras"
        if _sha256(path) != self.card.sha256:
            raise LabError(
                f"{path} is not the file its card describes (the checksum differs):"
                " it was damaged or exchanged, so it is not opened."
            )
        quarantine.check_archive(path)
        return open_network(path)


def open_network(path: Path) -> keras.Model:
    """Load a network that this program wrote; see `quarantine` for any other."""
    import keras

    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises many kinds for a file it cannot read
        raise LabError(f"{path} is not a Keras model that can be opened.") from error


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a CSV file, seen whole or not at all."""
    with files.new_file(path) as aside:
        table.to_csv(aside, index=False, float_format="%.6g")


def check_name(name: str) -> str:
    """`name`, if a model can be called that; else a `LabError`."""
    if not _NAME.fullmatch(name):
        raise LabError(
            f"A model cannot be called '{name}': use small letters, digits, '-', '.' and '_'"
            " (80 at most), starting with a letter or digit."
        )
    return name


def check_free(name: str, replace: bool = False, training: str = "") -> str:
    """`name`, if a new model may be called that; else a `LabError`.

    Args:
        name: what the model shall be called.
        replace: whether a model of that name may be replaced.
        training: a training's identifier; what it stored itself may be replaced by what comes
            of it later.
    """
    folder = places.models_folder() / check_name(name)
    if folder.exists() and not replace and not (training and _training_of(folder) == training):
        raise LabError(f"There is a model '{name}' already: choose another name, or --replace it.")
    return name


def _training_of(folder: Path) -> str:
    """The identifier of the training that stored this model; empty if it stems from another."""
    with suppress(LabError):
        card = opened(folder).card
        return "" if card.repair else str(card.training.get("id", ""))
    return ""


def find(name: str) -> Stored:
    """The model called `name`, the user's own before one that came with the program."""
    check_name(name)
    files.recover(places.models_folder())
    for folder in (places.models_folder(), places.SHIPPED_MODELS):
        if (folder / name).is_dir():
            return opened(folder / name)
    known = ", ".join(names()) or "none yet; train one first"
    raise LabError(f"There is no model '{name}'. Models here: {known}.")


def names() -> list[str]:
    """Names of all models, sorted; not all of them need be readable."""
    files.recover(places.models_folder())
    folders = {places.models_folder(), places.SHIPPED_MODELS}
    found = {card.parent.name for folder in folders for card in folder.glob("[!.]*/card.json")}
    return sorted(found)


def readable() -> list[Stored]:
    """Every model whose card can be used; the page Models says what is wrong with the others."""
    found = []
    for name in names():
        with suppress(LabError):
            found.append(find(name))
    return found


def clean_models(dataset: str) -> list[str]:
    """Names of those trained on a dataset's clean images, from which an attacker can learn."""
    cards = [stored.card for stored in readable()]
    return [
        card.name
        for card in cards
        if card.dataset == dataset and not card.poisoned and not card.repair
    ]


def ready_trigger(name: str, dataset: str) -> Trigger:
    """A trigger at its usual settings; one that learns, as a model here learned it, if any did.

    Args:
        name: of the trigger.
        dataset: whose models are asked first.
    """
    usual = parse_trigger(name)
    if usual.ready:
        return usual
    cards = sorted((stored.card for stored in readable()), key=lambda card: card.dataset != dataset)
    known = (card.parsed_trigger() for card in cards)
    return next((each for each in known if each.name == name and each.ready), usual)


def save(
    card: Card,
    network: keras.Model,
    tables: Mapping[str, pd.DataFrame],
    replace: bool = False,
) -> Stored:
    """Write a model folder aside and move it into place.

    Args:
        card: versions, date and checksum are filled in here.
        network: written as model.keras, without its optimizer.
        tables: kept as NAME.csv.
        replace: whether a model of that name may be replaced; what the same training stored
            before always is.

    Raises:
        LabError: another model is called that.
        files.WriteError: the disk is full, or the models' folder cannot be written.
    """
    training = "" if card.repair else str(card.training.get("id", ""))

    def check() -> None:
        check_free(card.name, replace, training)

    check()  # rather before the work than after it
    _write(places.models_folder() / card.name, card, network, tables, check)
    return find(card.name)


def save_as(folder: Path, card: Card, network: keras.Model) -> Stored:
    """`save`, but to a folder of the caller's choice, where `find` does not look."""
    _write(folder, card, network, {})
    return opened(folder)


def _write(
    folder: Path,
    card: Card,
    network: keras.Model,
    tables: Mapping[str, pd.DataFrame],
    check: Callable[[], None] = lambda: None,
) -> None:
    """Make or replace a model's folder, if `check` does not object."""
    with files.new_folder(folder, replace=True, check=check) as aside:
        network.save(aside / "model.keras", include_optimizer=False)
        filled = dataclasses.replace(
            card,
            versions=versions(),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            sha256=_sha256(aside / "model.keras"),
        )
        (aside / "card.json").write_text(_to_json(filled), encoding="utf-8")
        _bring_trigger(card, aside)
        for name, table in tables.items():
            write_table(aside / f"{name}.csv", table)


def copy_as(stored: Stored, name: str, replace: bool = False) -> Stored:
    """A copy of a model under another name, among the user's own."""

    def check() -> None:
        check_free(name, replace)

    check()
    folder = places.models_folder() / name
    card = dataclasses.replace(stored.card, name=name)
    with files.new_folder(folder, replace=True, check=check) as aside:
        shutil.copyfile(stored.folder / "model.keras", aside / "model.keras")
        (aside / "card.json").write_text(_to_json(card), encoding="utf-8")
        _bring_trigger(card, aside)
    return find(name)


def _bring_trigger(card: Card, folder: Path) -> None:
    """What the trigger learned stands beside every model it belongs to."""
    trigger = card.parsed_trigger()
    if isinstance(trigger, LearnedTrigger) and trigger.ready:
        states.copy_to(trigger.state, folder)


def opened(folder: Path) -> Stored:
    """The model in a folder."""
    return Stored(folder, _read_card(folder / "card.json"))


def _read_card(path: Path) -> Card:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        card = Card(**stored)
        card = Card(
            **stored
            | {
                "class_names": tuple(str(name) for name in card.class_names),
                "image_shape": tuple(int(side) for side in card.image_shape),
                "commands": tuple(str(command) for command in card.commands),
                "training": _trained(dict(card.training)),
            }
        )
        _check_card(card)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, LabError) as error:
        raise LabError(
            f"The card {path} cannot be used ({str(error).rstrip('.')}):"
            " restore the model's folder or train it again."
        ) from error
    return card


def _trained(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings, those of cards written when learning rates were constant made whole."""
    if "learning_rate" in settings:
        settings.setdefault("schedule", "constant")
    return settings


def _to_json(card: Card) -> str:
    return json.dumps(asdict(card), indent=1) + "\n"


def _check_card(card: Card) -> None:
    if card.format != FORMAT:
        raise LabError(f"its format is {card.format}, this program reads {FORMAT}")
    if card.scaling != networks.SCALING:
        raise LabError(f"it asks for images scaled '{card.scaling}'")
    if not isinstance(card.target, int):
        raise LabError(f"its target class {card.target} is not a number")
    poisoning.check_target(card.target, len(card.class_names))
    if len(card.image_shape) != 3:
        raise LabError("its image shape is not height, width, 3")
    for scores in card.scores.values():
        {key: float(value) for key, value in scores.items()}
    if not set(evaluation.FIGURES) <= set(card.scores.get("test", {})):
        raise LabError("it lacks its scores on test images")
    card.parsed_trigger()


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that matter."""
    found = {"python": platform.python_version()}
    for package in ("tensorflow", "tensorflow-cpu", "keras", "numpy", "opencv-python-headless"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise LabError(f"{path} is missing or cannot be read: train the model again.") from error
