"""Running repairs on a stored model: one to keep, or several to compare."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from engine import store
from engine.core import atomic_files, command_line, paths, progress
from engine.core.errors import UserError
from engine.datasets import Dataset
from engine.defenses.detectors.trigger_inversion import InversionDetection
from engine.defenses.repairs import REPAIRS, Repair, Repaired
from engine.evaluation import metrics
from engine.experiments import recovery_ceiling
from engine.experiments.eval_pairs import load_matching_network, score_splits
from engine.experiments.new_model import NewModel
from engine.experiments.repair_tables import TABLE, columns_for, method_of, tried_rows
from engine.store import ModelCard, StoredModel, near_chance, scans

if TYPE_CHECKING:
    import keras


def repair(
    stored: StoredModel,
    dataset: Dataset,
    method: Repair,
    model: NewModel,
    confirmed: bool = False,
    source: Dataset | None = None,
) -> StoredModel:
    """Repair a stored model, score the result and store it as a new model.

    Args:
        stored: not changed.
        dataset: its clean validation images are all the repair gets; test only reports.
        method: the repair.
        model: how the result is stored.
        confirmed: whether a network may be repaired that seems to guess; see `near_chance`.
        source: the repair gets the validation images of this dataset instead; its classes are
            the same.

    Raises:
        UserError: the name is taken, the network seems to guess, `source` does not fit, or the
            repair cannot be applied to it.
    """
    near_chance.check(stored.card, confirmed)
    store.check_free(model.name, model.replace)
    if source is not None:
        check_source(dataset, source)
    done = repair_and_score(stored, dataset, method, model, source)
    return store.save(done.card, done.network, {}, model.replace)


def check_source(dataset: Dataset, source: Dataset) -> None:
    """Raise `UserError` unless a network for `dataset` can be repaired with images of `source`."""
    if source.classes != dataset.classes:
        raise UserError(
            f"{source.name} has {source.classes} classes and {dataset.name} {dataset.classes}: name"
            " a dataset with the same classes."
        )
    if source.image_shape != dataset.image_shape:
        raise UserError(
            f"The images of {source.name} have another size than those of {dataset.name}: name a"
            " dataset with images of the same size."
        )


def compare(
    stored: StoredModel,
    dataset: Dataset,
    methods: Sequence[Repair],
    command: str,
    confirmed: bool = False,
) -> pd.DataFrame:
    """Try repairs one after the other, each on the same stored model.

    Each row is stored beside the model as soon as it is known, what a repair found when it looked
    for a backdoor as well, and the repaired network under `paths.repaired_folder`. If a repair
    cannot be applied, its row gives the reason. The ceiling of recovered accuracy is measured
    first, where that is possible.

    Args:
        stored: not changed.
        dataset: as for `repair`.
        methods: the repairs; an earlier row with the same settings is replaced.
        command: the command that makes the table again, for the model's card.
        confirmed: as for `repair`.

    Returns:
        The table with `COLUMNS`; metrics on test images in percent, as far as they can be measured.

    Raises:
        UserError: the network seems to guess, and nobody has confirmed its accuracy.
    """
    stored = prepare(stored, dataset, confirmed)
    for number, method in enumerate(methods):
        title = f"{method.title} ({number + 1} of {len(methods)})"
        found: dict[str, pd.DataFrame] = {}
        try:
            with progress.titled(title):
                row, found = try_repair(stored, dataset, method, command)
        except UserError as error:
            row = {"method": str(method), "problem": str(error)}
        stored = store_row(stored, method, row, found, command)
    table = stored.table(TABLE)
    assert table is not None
    return table


def prepare(stored: StoredModel, dataset: Dataset, confirmed: bool) -> StoredModel:
    """What has to be known of a model before repairs are compared.

    Args:
        stored, dataset, confirmed: see `compare`.

    Returns:
        The model, with the ceiling of recovered accuracy on its card if it can be measured.

    Raises:
        UserError: the network seems to guess, and nobody has confirmed its accuracy.
    """
    near_chance.check(stored.card, confirmed)
    with suppress(UserError):  # a clean network that cannot be used leaves the ceiling unknown
        stored = recovery_ceiling.measure_missing(stored, dataset)
    return stored


def saved_repairs(stored: StoredModel) -> dict[str, StoredModel]:
    """The repaired copies of a model by name of the repair: stored models, and those just tried.

    Of several copies made with the same repair, the latest. Copies that were scored with another
    trigger than the model's, or with none, do not count, nor do those made with other images.
    """
    folder = paths.repaired_folder() / stored.name
    atomic_files.recover(folder)
    tried = []
    for card in sorted(folder.glob("[!.]*/card.json")):
        with suppress(UserError):
            tried.append(store.open_folder(card.parent))
    found: dict[str, StoredModel] = {}
    for copy in sorted([*store.readable_models(), *tried], key=lambda copy: copy.card.created):
        if _is_copy(copy.card, stored.card):
            found[str(copy.card.repair["method"])] = copy
    return {name: found[name] for name in REPAIRS if name in found}


def find_copy(stored: StoredModel, method: Repair) -> StoredModel:
    """The copy of a model made with that repair.

    Raises:
        UserError: there is none; says how to make it.
    """
    copies = saved_repairs(stored)
    if method.name not in copies:
        found = ", ".join(copies) or "none yet"
        again = command_line.command("compare-repairs", stored.name, "--method", method.name)
        raise UserError(
            f"There is no copy of '{stored.name}' repaired by '{method.name}' ({found}):"
            f" make it with `{again}`."
        )
    return copies[method.name]


def _is_copy(copy: ModelCard, of: ModelCard) -> bool:
    same_trigger = (copy.trigger, copy.target) == (of.trigger, of.target)
    own_images = "images" not in copy.repair
    return same_trigger and own_images and copy.repair.get("parent_sha256") == of.sha256


@dataclass(frozen=True)
class Outcome:
    """A repair that was done, and its scores on the card."""

    card: ModelCard
    network: keras.Model
    repaired: Repaired
    seconds: float

    def row(self, method: Repair) -> dict[str, Any]:
        """The row of `repair_tables.COLUMNS` about it."""
        scores = self.card.scores["test"]
        return {
            "method": str(method),
            **{metric: scores[metric] for metric in metrics.measured(scores)},
            "validation_accuracy": self.card.scores["validation"]["clean_accuracy"],
            "channels": self.repaired.channels,
            "seconds": round(self.seconds, 1),
            "summary": self.repaired.summary,
        }


def repair_and_score(
    stored: StoredModel,
    dataset: Dataset,
    method: Repair,
    model: NewModel,
    source: Dataset | None = None,
) -> Outcome:
    """Repair a stored model and score the result on its own dataset; nothing is stored.

    Args:
        stored, dataset, method, source: see `repair`.
        model: name and command for the card.

    Raises:
        UserError: the repair cannot be applied to the network.
    """
    network = load_matching_network(stored, dataset)
    images = dataset if source is None else source
    started = time.monotonic()
    repaired = method(network, images.validation)
    seconds = time.monotonic() - started
    card = stored.card
    card = dataclasses.replace(
        card,
        name=model.name,
        suite="",
        commands=(*card.commands[:1], model.command),
        scores=score_splits(repaired.network, dataset, card.backdoor),
        repair={
            "parent": stored.name,
            "parent_sha256": card.sha256,
            "method": method.name,
            "settings": str(method),
            **({} if source is None else {"images": source.name}),
            "summary": repaired.summary,
            "removed": repaired.removed,
            "seconds": round(seconds, 1),
            **repaired.details,
        },
    )
    return Outcome(card, repaired.network, repaired, seconds)


def copy_folder(model: str, method: Repair) -> Path:
    """Where `try_repair` keeps the repaired copy of a model."""
    return paths.repaired_folder() / model / method.name


def try_repair(
    stored: StoredModel, dataset: Dataset, method: Repair, command: str
) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """Repair a copy and keep it in `copy_folder`.

    Returns:
        Its row, and the tables of what the repair found when it looked for a backdoor, if it did.

    Raises:
        UserError: the repair cannot be applied to the network.
    """
    model = NewModel(f"{stored.name}-{method.name}", command)
    done = repair_and_score(stored, dataset, method, model)
    store.save_as(copy_folder(stored.name, method), done.card, done.network)
    found = done.repaired.detection
    names = stored.card.class_names
    scan = scans.tables_of(found, names) if isinstance(found, InversionDetection) else {}
    return done.row(method), scan


def store_row(
    stored: StoredModel,
    method: Repair,
    row: Mapping[str, Any],
    found: Mapping[str, pd.DataFrame],
    command: str,
) -> StoredModel:
    """Store what `try_repair` gave beside the model, its row in the order of `REPAIRS`."""
    order = {name: place for place, name in enumerate(REPAIRS)}
    rows = [earlier for earlier in tried_rows(stored) if method_of(earlier) != method]
    rows = sorted(
        [*rows, dict(row)],
        key=lambda row: order.get(str(row["method"]).partition(":")[0], len(order)),
    )
    table = pd.DataFrame(rows, columns=columns_for(stored.card))
    return stored.save_tables({TABLE: table, **found}, command)
