"""Pruning curves stored beside a model, and the pruned networks made from them."""

from __future__ import annotations

import dataclasses
import re

import pandas as pd

from engine import store
from engine.core.errors import UserError
from engine.core.names import slug
from engine.defenses.pruning.curve import Curve, check_threshold, step_at
from engine.defenses.pruning.orders import ORDERS
from engine.evaluation.metrics import measured
from engine.networks import edit
from engine.store import StoredModel

_OWN_LAYER = re.compile(r"conv2d(_\d+)?")  # as Keras names them, and the networks trained here
_LONGEST = 80  # characters of a model's name


def curve_tables(curve: Curve) -> dict[str, pd.DataFrame]:
    """The curve's tables under the names they are kept by."""
    base = curve_name(curve.layer, curve.order)
    return {f"{base}": curve.test, f"{base}-validation": curve.validation}


def curve_name(layer: str, order: str) -> str:
    """Name of the stored table of a curve on test images."""
    return f"curve-{layer}-{order}"


def stored_curve(stored: StoredModel, layer: str, order: str) -> Curve | None:
    """The curve kept beside the model, or None while there is none."""
    name = curve_name(layer, order)
    test, validation = stored.table(name), stored.table(f"{name}-validation")
    if test is None or validation is None:
        return None
    if not test[["step", "channel"]].equals(validation[["step", "channel"]]):
        raise UserError(
            f"The two halves of {stored.folder / name} do not belong together:"
            " delete both and compute it again."
        )
    return Curve(order, layer, validation, test)


def stored_curves(stored: StoredModel) -> list[tuple[str, str]]:
    """(layer, order) of every curve kept beside the model."""
    names = [path.stem for path in stored.folder.glob("curve-*-validation.csv")]
    pairs = [name.removeprefix("curve-").removesuffix("-validation") for name in sorted(names)]
    return [
        (pair.removesuffix(f"-{order}"), order)
        for pair in pairs
        for order in ORDERS
        if pair.endswith(f"-{order}")
    ]


def repaired_name(stored: StoredModel, curve: Curve, threshold: float) -> str:
    """What the copy pruned up to `threshold` is called; no other layer or order gives the same."""
    parts = (stored.name, curve.layer, curve.order, f"{threshold:g}")
    plain = "-".join(parts).replace("_", "-")
    ours = _OWN_LAYER.fullmatch(curve.layer) and "_" not in stored.name
    return plain if ours and len(plain) <= _LONGEST else slug(*parts, limit=_LONGEST)


def save_repaired(
    stored: StoredModel,
    curve: Curve,
    threshold: float,
    command: str,
    name: str | None = None,
    replace: bool = False,
    dataset: str = "",
) -> StoredModel:
    """Prune the channels up to `threshold` and store the repaired network.

    Args:
        stored: the model to repair; left as it is.
        curve: one of its curves; its validation half decides how far to go.
        threshold: drop in clean validation accuracy at which pruning stops, percentage points.
        command: what the card names as the way to make it again.
        name: of the new model; see `repaired_name` for the default.
        replace: whether a model of that name may be replaced.
        dataset: the curve's, if it is not the model's own.
    """
    check_threshold(threshold)
    name = store.check_free(name or repaired_name(stored, curve, threshold), replace)
    step = step_at(curve.validation, threshold)
    network = edit.without_channels(stored.network(), curve.layer, curve.channels[:step])
    card = dataclasses.replace(
        stored.card,
        name=name,
        suite="",
        dataset=dataset or stored.card.dataset,
        commands=(*stored.card.commands[:1], command),
        scores={
            split: {figure: float(rows.iloc[step][figure]) for figure in measured(rows)}
            for split, rows in (("validation", curve.validation), ("test", curve.test))
        },
        repair={
            "parent": stored.name,
            "parent_sha256": stored.card.sha256,
            "method": "pruning",
            "settings": f"layer={curve.layer},order={curve.order},threshold={threshold:g}",
            "summary": f"{step} channels of {curve.layer} pruned, order {curve.order},"
            f" until validation accuracy dropped by {threshold:g} points.",
            "removed": {curve.layer: [int(channel) for channel in curve.channels[:step]]},
            "order": curve.order,
            "threshold": threshold,
        },
    )
    return store.save(card, network, {}, replace)
