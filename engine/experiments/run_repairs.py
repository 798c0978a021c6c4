"""Repairs done to stored models: one to keep, or many side by side."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from engine import store
from engine.core import atomic_files, paths, progress
from engine.core.errors import UserError
from engine.core.parameters import format_value
from engine.datasets import Dataset
from engine.defenses.pruning.curve import PAPER_THRESHOLDS
from engine.defenses.pruning.orders import DEFAULT_ORDER
from engine.defenses.repairs import REPAIRS, Repair, Repaired, parse_repair
from engine.evaluation import metrics
from engine.evaluation.metrics import METRICS
from engine.experiments.experiment import eval_pair, load_matching_network
from engine.store import ModelCard, StoredModel
from engine.store.pruning_curves import stored_curve

if TYPE_CHECKING:
    import keras

TABLE = "repairs"  # beside a model
COLUMNS = (
    *("method", *METRICS, "validation_accuracy", "channels", "seconds", "summary", "problem"),
)


def repair(
    stored: StoredModel,
    dataset: Dataset,
    method: Repair,
    name: str,
    command: str,
    replace: bool = False,
) -> StoredModel:
    """Repair a stored model and keep the result, scored, as a model of its own.

    Args:
        stored: left as it is.
        dataset: the repair is handed its clean validation images; test images report.
        method: what to do.
        name: of the new model.
        command: what the card names as the way to make it again.
        replace: whether a model of that name may be replaced.
    """
    store.check_free(name, replace)
    done = _done(stored, dataset, method, name, command)
    return store.save(done.card, done.network, {}, replace)


def compare(
    stored: StoredModel, dataset: Dataset, methods: Sequence[Repair], command: str
) -> pd.DataFrame:
    """Try repairs one after the other, each on the model as it is.

    Every row is kept beside the model as soon as it is there, and the repaired network under
    `paths.repaired_folder`. What a method cannot treat becomes a row with the reason.

    Args:
        stored: left as it is.
        dataset: as for `repair`.
        methods: what to try; a row of an earlier try with the same settings is replaced.
        command: what the card names as the way to make the table again.

    Returns:
        The table with `COLUMNS`; scores on test images in percent.
    """
    for number, method in enumerate(methods):
        told = f"{method.title} ({number + 1} of {len(methods)})"
        try:
            with progress.titled(told):
                row = _row(stored, dataset, method, command)
        except UserError as error:
            row = {"method": str(method), "problem": str(error)}
        stored = _keep_row(stored, method, row, command)
    table = stored.table(TABLE)
    assert table is not None
    return table


def table_of(stored: StoredModel) -> pd.DataFrame:
    """All there is to compare: the model as it is, the paper's pruning, the repairs tried.

    Returns:
        A row each: name and title of the method (settings that are not its usual ones stand in
        the title), "kind" ("untouched", "paper" or "repair"), the three figures in percent, DER,
        channels switched off, seconds, the clean images it needs, summary and problem.
    """
    before = stored.card.scores["test"]
    rows = [
        {"title": "As it is", "kind": "untouched", "needs": "", "channels": 0}
        | {name: before[name] for name in METRICS},
        *_paper_rows(stored),
    ]
    for row in tried(stored):
        method = method_of(row)
        if method is not None:
            about = {"name": method.name, "title": describe(method), "needs": method.needs}
            rows.append(row | about | {"kind": "repair"})
    table = pd.DataFrame(rows, columns=["name", "title", "kind", "needs", *COLUMNS])
    table["der"] = [metrics.defence_effectiveness(before, row) for row in table.to_dict("records")]
    table.loc[table["attack_success"].isna(), "der"] = float("nan")  # nothing was measured
    return table.fillna({"name": "", "summary": "", "problem": ""})


def tried(stored: StoredModel) -> list[dict[Any, Any]]:
    """The rows of the repairs tried on a model, each with `COLUMNS`."""
    table = stored.table(TABLE)
    return [] if table is None else table.to_dict("records")


def method_of(row: Mapping[Any, Any]) -> Repair | None:
    """The repair that made a row of the table; None if there is no such repair any more."""
    try:
        return parse_repair(str(row["method"]))
    except UserError:
        return None


def describe(method: Repair, known: Collection[str] = ()) -> str:
    """The method's title, and its settings that are neither usual nor `known` to the reader."""
    usual = method.defaults()
    unusual = [
        f"{name.replace('_', ' ')} {format_value(value)}"
        for name, value in dataclasses.asdict(method).items()
        if value != usual[name] and name not in known
    ]
    return f"{method.title} ({', '.join(unusual)})" if unusual else method.title


def saved_repairs(stored: StoredModel) -> dict[str, StoredModel]:
    """Repaired copies of a model by the name of their method: kept as models, or just tried.

    Of several with the same method, the one made last.
    """
    found: dict[str, StoredModel] = {}
    folder = paths.repaired_folder() / stored.name
    atomic_files.recover(folder)
    cards = sorted(folder.glob("[!.]*/card.json"))
    left = []
    for card in cards:
        with suppress(UserError):
            left.append(store.open_folder(card.parent))
    for made in sorted([*store.readable_models(), *left], key=lambda made: made.card.created):
        if made.card.repair.get("parent_sha256") == stored.card.sha256:
            found[str(made.card.repair["method"])] = made
    return {name: found[name] for name in REPAIRS if name in found}


def over_models(models: Sequence[StoredModel]) -> pd.DataFrame:
    """What `table_of` tells of several models, put together.

    Returns:
        A row for each method tried on all of them, and for the models as they are: title,
        models (how many), and of each figure its mean, its lowest and its highest, in percent.
    """
    tables = pd.concat([table_of(stored) for stored in models], ignore_index=True)
    measured = tables[tables["problem"] == ""]
    rows = []
    for title, of_title in measured.groupby("title", sort=False):
        if len(of_title) < len(models):
            continue
        row: dict[str, Any] = {"title": title, "models": len(of_title)}
        for figure in (*METRICS, "der", "channels", "seconds"):
            values = of_title[figure]
            row |= {figure: values.mean(), f"{figure}_min": values.min()}
            row[f"{figure}_max"] = values.max()
        rows.append(row)
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class _Done:
    card: ModelCard
    network: keras.Model
    repaired: Repaired
    seconds: float


def _done(stored: StoredModel, dataset: Dataset, method: Repair, name: str, command: str) -> _Done:
    """The method's work and its scores."""
    network = load_matching_network(stored, dataset)
    started = time.monotonic()
    repaired = method(network, dataset.validation)
    seconds = time.monotonic() - started
    card, scores = stored.card, {}
    for split in ("validation", "test"):
        images = eval_pair(dataset, split, card.parsed_trigger(), card.target)
        found = metrics.evaluate(repaired.network, images.clean, images.triggered, card.target)
        scores[split] = found.as_dict()
    card = dataclasses.replace(
        card,
        name=name,
        commands=(*card.commands[:1], command),
        scores=scores,
        repair={
            "parent": stored.name,
            "parent_sha256": card.sha256,
            "method": method.name,
            "settings": str(method),
            "summary": repaired.summary,
            "removed": repaired.removed,
            "seconds": round(seconds, 1),
            **repaired.details,
        },
    )
    return _Done(card, repaired.network, repaired, seconds)


def _row(stored: StoredModel, dataset: Dataset, method: Repair, command: str) -> dict[str, Any]:
    name = f"{stored.name}-{method.name}"
    done = _done(stored, dataset, method, name, command)
    folder = paths.repaired_folder() / stored.name / method.name
    store.save_as(folder, done.card, done.network)
    return {
        "method": str(method),
        **{figure: done.card.scores["test"][figure] for figure in METRICS},
        "validation_accuracy": done.card.scores["validation"]["clean_accuracy"],
        "channels": done.repaired.channels,
        "seconds": round(done.seconds, 1),
        "summary": done.repaired.summary,
    }


def _keep_row(
    stored: StoredModel, method: Repair, row: dict[str, Any], command: str
) -> StoredModel:
    order = {name: place for place, name in enumerate(REPAIRS)}
    rows = [old for old in tried(stored) if method_of(old) != method]
    rows = sorted(
        [*rows, row],
        key=lambda one: order.get(str(one["method"]).partition(":")[0], len(order)),
    )
    return stored.keep({TABLE: pd.DataFrame(rows, columns=list(COLUMNS))}, command)


def _paper_rows(stored: StoredModel) -> list[dict[str, Any]]:
    """The paper's pruning at its four thresholds, from the curve beside the model."""
    convolutions = stored.convolutions()
    curve = stored_curve(stored, convolutions[-1], DEFAULT_ORDER) if convolutions else None
    if curve is None:
        return []
    needs = parse_repair("pruning").needs
    return [
        {
            "title": f"Pruning, as in the paper: {row['threshold']:g} points",
            "kind": "paper",
            "needs": needs,
            "channels": row["step"],
            **{name: row[name] for name in (*METRICS, "validation_accuracy")},
        }
        for row in curve.at_thresholds(PAPER_THRESHOLDS).to_dict("records")
    ]
