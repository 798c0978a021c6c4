"""Repairs made with clean images from another source than the network's own.

Published repairs lose much where the defender's clean images are not like those that the network
was trained on ("Revisiting the Auxiliary Data in Backdoor Purification", arXiv 2502.07231).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from engine.core import progress
from engine.core.errors import UserError
from engine.datasets import Dataset
from engine.defenses.repairs import Repair
from engine.experiments import run_repairs
from engine.experiments.new_model import NewModel
from engine.experiments.repair_tables import columns_for
from engine.store import StoredModel, near_chance

TABLE = "repairs-other-images"  # name of the table kept beside a model


def compare(
    stored: StoredModel,
    dataset: Dataset,
    source: Dataset,
    methods: Sequence[Repair],
    command: str,
    confirmed: bool = False,
) -> pd.DataFrame:
    """Try repairs with the validation images of another dataset; see `run_repairs.compare`.

    Each row is stored beside the model as soon as it is known. The repaired networks are not kept.

    Args:
        stored: not changed.
        dataset: its own; every result is scored on it.
        source: gives the clean images, for the repair and for the choice of its strength.
        methods: the repairs; an earlier row with the same settings and images is replaced.
        command: for the model's card.
        confirmed: whether a network may be repaired that seems to guess.

    Returns:
        The table: images (the name of their dataset) and `repair_tables.COLUMNS`.

    Raises:
        UserError: the datasets do not fit each other, or the network seems to guess.
    """
    near_chance.check(stored.card, confirmed)
    run_repairs.check_source(dataset, source)
    table = stored.table(TABLE)
    rows = [] if table is None else table.to_dict("records")
    for number, method in enumerate(methods):
        with progress.titled(f"{method.title} ({number + 1} of {len(methods)})"):
            row = {"images": source.name, **_try(stored, dataset, source, method)}
        about = (row["images"], row["method"])
        rows = [earlier for earlier in rows if (earlier["images"], earlier["method"]) != about]
        rows.append(row)
        table = pd.DataFrame(rows, columns=["images", *columns_for(stored.card)])
        stored = stored.save_tables({TABLE: table}, command)
    found = stored.table(TABLE)
    assert found is not None
    return found


def _try(stored: StoredModel, dataset: Dataset, source: Dataset, method: Repair) -> dict[str, Any]:
    model = NewModel(f"{stored.name}-{method.name}")
    try:
        done = run_repairs.repair_and_score(stored, dataset, method, model, source)
    except UserError as error:
        return {"method": str(method), "problem": str(error)}
    return done.row(method)
