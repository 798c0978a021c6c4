"""Models and results on disk: a folder each, complete or not at all."""

from __future__ import annotations

import dataclasses
import platform
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from engine.attacks.triggers import LearnedTrigger, Trigger, artifacts, parse_trigger
from engine.core import atomic_files, paths, read_only
from engine.core.errors import NameTaken, UserError
from engine.core.names import is_name
from engine.networks import channel_blocks, numpy_inference, untrusted
from engine.networks.untrusted import Parts, own_files
from engine.store import cards, tables
from engine.store.cards import ModelCard

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class StoredModel:
    """A model on disk."""

    folder: Path
    card: ModelCard

    @property
    def name(self) -> str:
        """The model's name."""
        return self.card.name

    def parts(self) -> Parts:
        """The network's description and weights, for NumPy; never opens an untrusted file itself.

        Raises:
            UserError: the file is damaged or exchanged, refused, or does not fit the card.
        """
        path = self._network_file()
        if own_files.is_own(self.card.sha256):
            parts = untrusted.own_parts(path, str(path))
        else:
            parts = untrusted.rewritten_parts(path, str(path))
        if parts.input_shape() != self.card.image_shape:
            raise UserError(f"{path} takes other images than its card says: train the model again.")
        return parts

    def numpy_network(self) -> numpy_inference.Network:
        """The network in NumPy, for a few images without TensorFlow."""
        network = numpy_inference.load(self.parts())
        scores = network.probabilities(np.zeros((1, *self.card.image_shape), np.uint8))
        if scores.shape != (1, len(self.card.class_names)):
            raise UserError(
                f"The network of '{self.name}' tells other classes apart than its card says:"
                " train the model again."
            )
        return network

    def convolutions(self) -> list[str]:
        """Names of the convolutions that can be pruned, without loading the network."""
        return channel_blocks.prunable_convolutions(self.parts())

    def table(self, name: str) -> pd.DataFrame | None:
        """The table kept as NAME.csv beside the model, or None while there is none."""
        return tables.read_model_table(self.folder, name, self.card.knows_trigger)

    def save_tables(self, tables: Mapping[str, pd.DataFrame], command: str) -> StoredModel:
        """Write each table as NAME.csv in the model's folder, and record the command on its card.

        Returns:
            The model with its changed card.

        Raises:
            UserError: the model was deleted or replaced since it was opened.
        """
        read_only.check()
        with atomic_files.changing(self.folder.parent):
            card = self._unchanged_card()
            for name, table in tables.items():
                write_table(self.folder / f"{name}.csv", table)
            if command not in card.commands:
                card = dataclasses.replace(card, commands=(*card.commands, command))
                atomic_files.write_text(self.folder / "card.json", card.to_json())
        return StoredModel(self.folder, card)

    def replace_card(self, card: ModelCard, outdated: Sequence[str]) -> StoredModel:
        """Write another card for the same network, and delete tables that do not fit it any more.

        Args:
            card: with the name and the checksum of this one.
            outdated: patterns of the tables' names, such as "curve-*".

        Returns:
            The model with its changed card.

        Raises:
            UserError: the model was deleted or replaced since it was opened.
        """
        read_only.check()
        with atomic_files.changing(self.folder.parent):
            self._unchanged_card()
            for pattern in outdated:
                for path in self.folder.glob(f"{pattern}.csv"):
                    path.unlink()
            _bring_trigger(card, self.folder)
            atomic_files.write_text(self.folder / "card.json", card.to_json())
        return StoredModel(self.folder, card)

    def _unchanged_card(self) -> ModelCard:
        """The card as it is on disk now, if results for this one still belong to it."""
        if self.folder.is_dir():
            card = open_folder(self.folder).card
            if _measured_alike(card) == _measured_alike(self.card):
                return card
        raise UserError(
            f"The model '{self.name}' was deleted or replaced meanwhile, or given another trigger:"
            " compute the results anew for the model there is."
        )

    def network(self) -> keras.Model:
        """Load the network into TensorFlow, an untrusted one as the limited child rewrote it."""
        path = self._network_file()
        if own_files.is_own(self.card.sha256):
            return open_network(path)
        return open_network(untrusted.open_network_file(path, str(path)).file)

    def _network_file(self) -> Path:
        """The file with the network, its checksum verified.

        A checksum tells damage only: who exchanges the file can write the card, too.
        """
        path = self.folder / "model.keras"
        if untrusted.checksum(path) != self.card.sha256:
            raise UserError(
                f"{path} is not the file its card describes (the checksum differs):"
                " it was damaged or exchanged, so it is not opened."
            )
        return path


def _measured_alike(card: ModelCard) -> tuple[str, str, int | None]:
    """What is the same on cards whose models give the same results."""
    return card.sha256, card.trigger, card.target


def open_network(path: Path) -> keras.Model:
    """Load a network that this program wrote; see `untrusted` for any other."""
    import keras

    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises many kinds for a file it cannot read
        raise UserError(f"{path} is not a Keras model that can be opened.") from error


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a CSV file, complete or not at all; values that are not finite become empty cells."""
    finite = table.replace([np.inf, -np.inf], np.nan)  # `tables.read` takes no other
    with atomic_files.new_file(path) as aside:
        finite.to_csv(aside, index=False, float_format="%.6g")


def check_name(name: str) -> str:
    """`name`, if a model can be called that; else a `UserError`."""
    if not is_name(name):
        raise UserError(
            f"A model cannot be called '{name}': use small letters, digits, '-', '.' and '_'"
            " (80 at most), starting with a letter or digit."
        )
    return name


def check_free(name: str, replace: bool = False, training: str = "") -> str:
    """`name`, if a new model may be called that; else a `UserError`.

    Args:
        name: what the model shall be called.
        replace: whether a model of that name may be replaced.
        training: a training's identifier; what it stored itself may be replaced by what comes
            of it later.
    """
    folder = paths.models_folder() / check_name(name)
    if folder.exists() and not replace and not (training and _training_of(folder) == training):
        raise NameTaken(
            f"There is a model '{name}' already: choose another name, or delete that model first."
        )
    return name


def _training_of(folder: Path) -> str:
    """The identifier of the training that stored this model; empty if it stems from another."""
    with suppress(UserError):
        card = open_folder(folder).card
        return "" if card.repair else str(card.training.get("id", ""))
    return ""


def find(name: str) -> StoredModel:
    """The model called `name`, the user's own before one that came with the program."""
    if not (paths.models_folder() / check_name(name)).is_dir():
        atomic_files.recover(paths.models_folder())
    for folder in (paths.models_folder(), paths.SHIPPED_MODELS):
        if (folder / name).is_dir():
            return _called(open_folder(folder / name), name)
    known = ", ".join(names()) or "none yet; train one first"
    raise UserError(f"There is no model '{name}'. Models here: {known}.")


def _called(stored: StoredModel, name: str) -> StoredModel:
    """`stored`, if its card gives it the name of its folder."""
    if stored.name != name:
        raise UserError(
            f"The card {stored.folder / 'card.json'} cannot be used (it is called"
            f" '{stored.name}' there): rename the folder, or restore it."
        )
    return stored


def names() -> list[str]:
    """Names of all models, sorted, including those that cannot be read."""
    atomic_files.recover(paths.models_folder())
    folders = {paths.models_folder(), paths.SHIPPED_MODELS}
    found = {card.parent.name for folder in folders for card in folder.glob("[!.]*/card.json")}
    return sorted(found)


def card_file(name: str) -> Path | None:
    """The file with the card of the model called `name`, if there is one; it is not read."""
    folders = (paths.models_folder(), paths.SHIPPED_MODELS)
    return next((file for f in folders if (file := f / name / "card.json").exists()), None)


def readable_models() -> list[StoredModel]:
    """Every model whose card can be read; the page Models says what is wrong with the others."""
    found = []
    for name in names():
        with suppress(UserError):
            found.append(find(name))
    return found


def clean_models(dataset: str) -> list[str]:
    """Names of those trained on a dataset's clean images, from which an attacker can learn."""
    cards = [stored.card for stored in readable_models()]
    return [
        card.name for card in cards if card.dataset == dataset and card.is_clean and not card.repair
    ]


def ready_trigger(name: str, dataset: str) -> Trigger:
    """A trigger at its default settings; a learned one as a stored model has it, if any does.

    Args:
        name: of the trigger.
        dataset: whose models are asked first.
    """
    usual = parse_trigger(name)
    if usual.ready:
        return usual
    cards = sorted(
        (stored.card for stored in readable_models()), key=lambda card: card.dataset != dataset
    )
    known = (backdoor.trigger for card in cards if (backdoor := card.backdoor))
    return next((each for each in known if each.name == name and each.ready), usual)


def save(
    card: ModelCard,
    network: keras.Model,
    tables: Mapping[str, pd.DataFrame],
    replace: bool = False,
) -> StoredModel:
    """Write a model folder aside and move it into place.

    Args:
        card: versions, date and checksum are filled in here.
        network: written as model.keras, without its optimizer.
        tables: kept as NAME.csv.
        replace: whether a model of that name may be replaced; what the same training stored
            before always is.

    Raises:
        UserError: another model is called that.
        files.WriteError: the disk is full, or the models' folder cannot be written.
    """
    read_only.check()
    training = "" if card.repair else str(card.training.get("id", ""))

    def check() -> None:
        check_free(card.name, replace, training)

    check()  # rather before the work than after it
    _write(paths.models_folder() / card.name, card, network, tables, check)
    return find(card.name)


def save_as(folder: Path, card: ModelCard, network: keras.Model) -> StoredModel:
    """`save`, but to a folder of the caller's choice, where `find` does not look."""
    read_only.check()
    _write(folder, card, network, {})
    return open_folder(folder)


def _write(
    folder: Path,
    card: ModelCard,
    network: keras.Model,
    tables: Mapping[str, pd.DataFrame],
    check: Callable[[], None] = lambda: None,
) -> None:
    """Make or replace a model's folder, if `check` does not object."""
    with atomic_files.new_folder(folder, replace=True, check=check) as aside:
        network.save(aside / "model.keras", include_optimizer=False)
        filled = dataclasses.replace(
            card,
            versions=versions(),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            sha256=own_files.add(aside / "model.keras"),
        )
        (aside / "card.json").write_text(filled.to_json(), encoding="utf-8")
        _bring_trigger(card, aside)
        for name, table in tables.items():
            write_table(aside / f"{name}.csv", table)


def copy_as(stored: StoredModel, name: str, replace: bool = False) -> StoredModel:
    """A copy of a model under another name, among the user's own."""
    read_only.check()

    def check() -> None:
        check_free(name, replace)

    check()
    folder = paths.models_folder() / name
    card = dataclasses.replace(stored.card, name=name, suite="")
    with atomic_files.new_folder(folder, replace=True, check=check) as aside:
        shutil.copyfile(stored.folder / "model.keras", aside / "model.keras")
        (aside / "card.json").write_text(card.to_json(), encoding="utf-8")
        _bring_trigger(card, aside)
    return find(name)


def _bring_trigger(card: ModelCard, folder: Path) -> None:
    """Copy what the trigger learned beside the model."""
    trigger = None if card.backdoor is None else card.backdoor.trigger
    if isinstance(trigger, LearnedTrigger) and trigger.ready:
        artifacts.copy_to(trigger.state, folder)


def open_folder(folder: Path) -> StoredModel:
    """The model in a folder."""
    return StoredModel(folder, cards.read(folder / "card.json"))


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that matter."""
    found = {"python": platform.python_version()}
    for package in ("tensorflow", "tensorflow-cpu", "keras", "numpy", "opencv-python-headless"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
