"""A sweep as a YAML file: each setting has one value or a list, and every combination is a cell.

    dataset: signs
    preset: quick
    attack: [ftrojan, badnets]
    parameters: {magnitude: [10, 30]}     # of the attack's trigger
    rate: [0.01, 0.05]
    seed: [0, 1, 2]
    pruning: clean-activation             # these three are tried on each network
    detector: trigger-inversion
    repair: [clp, trigger-unlearning]

Left out: the attack's own rate and target, the paper's network, the preset "fast" in float32,
seed 0, no pruning, no detector and no repair.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import yaml

from engine.attacks.poisoning import PoisoningConfig
from engine.attacks.recipes import ATTACKS, Attack
from engine.attacks.triggers import parse_trigger
from engine.core.errors import UserError, quoted
from engine.core.limited_reading import read_bytes
from engine.datasets import default_target
from engine.evaluation.targets import NEXT_CLASS
from engine.experiments.sweeps.cell import Cell
from engine.training.training_config import Precision

MAX_BYTES = 1 << 20
MAX_CELLS = 10_000
GRID = (
    *("dataset", "network", "attack", "rate", "target", "preset", "epochs", "precision"),
    "seed",
)
TRIED = ("pruning", "detector", "repair")
DEFAULTS: Mapping[str, Any] = {
    "network": "paper",
    "preset": "fast",
    "precision": "float32",
    "seed": 0,
    "attack": "ftrojan",
}
_KINDS: Mapping[str, tuple[type, ...]] = {
    "rate": (int, float),
    "target": (int, str),
    "epochs": (int,),
    "seed": (int,),
}


def read(path: Path) -> list[Cell]:
    """The cells of a sweep file, in the order in which they are done.

    Raises:
        UserError: the file cannot be read, or describes something that cannot be done.
    """
    try:
        described = yaml.safe_load(read_bytes(path, MAX_BYTES))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        place = getattr(error, "problem_mark", None)
        where = f" in line {place.line + 1}" if place else ""
        raise UserError(f"{path.name} is not YAML{where}: see docs/sweeps.md.") from None
    return cells_of(described)


def cells_of(described: Any) -> list[Cell]:
    """The cells that a sweep describes.

    Args:
        described: as a YAML file gives it; see the module's docstring.

    Raises:
        UserError: a setting is unknown, or one of its values cannot be used.
    """
    settings = _settings(described)
    parameters = _parameters(settings.pop("parameters", {}))
    tried = {name: tuple(dict.fromkeys(map(str, settings.pop(name, [])))) for name in TRIED}
    axes = [settings.get(name, [DEFAULTS.get(name)]) for name in GRID]
    count = 1
    for values in (*axes, *parameters.values()):
        count *= len(values)
    if count > MAX_CELLS:
        raise UserError(f"A sweep has {MAX_CELLS} cells at most, and this one has {count}.")
    cells: dict[Cell, None] = {}
    for chosen in itertools.product(*axes):
        for values in itertools.product(*parameters.values()):
            about = dict(zip(GRID, chosen, strict=True))
            named = dict(zip(parameters, values, strict=True))
            cells[_cell(about, named, tried)] = None
    for cell in cells:
        cell.check()
    return list(cells)


def _settings(described: Any) -> dict[str, Any]:
    """Each setting with a list of values; `parameters` as it is."""
    if not isinstance(described, Mapping):
        raise UserError("A sweep is a list of settings such as 'dataset: signs'.")
    allowed = (*GRID, *TRIED, "parameters")
    for name in described:
        if name not in allowed:
            raise UserError(f"A sweep has no setting {quoted(name)}: it has {', '.join(allowed)}.")
    if "dataset" not in described:
        raise UserError("The sweep names no dataset: add a line such as 'dataset: signs'.")
    return {
        name: value if name == "parameters" else _values(str(name), value)
        for name, value in described.items()
    }


def _parameters(described: Any) -> dict[str, list[Any]]:
    if not isinstance(described, Mapping):
        raise UserError("Write the parameters of the trigger as {magnitude: [10, 30]}.")
    return {str(name): _values(str(name), value) for name, value in described.items()}


def _values(name: str, value: Any) -> list[Any]:
    """The values of a setting, each of a kind that it can have."""
    values = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    if not values:
        raise UserError(f"The list of {name} is empty: give a value, or leave the line out.")
    kinds = _KINDS.get(name, (str, int, float))
    for one in values:
        if isinstance(one, list | dict):
            raise UserError(f"{name} cannot be a list within a list, or a map.")
        if isinstance(one, bool) or not isinstance(one, kinds):
            raise UserError(f"{name} cannot be {quoted(one)}.")
    return values


def _cell(
    about: Mapping[str, Any], parameters: Mapping[str, Any], tried: Mapping[str, tuple[str, ...]]
) -> Cell:
    attack = str(about["attack"])
    recipe = _recipe(attack)
    trigger = _with_parameters(recipe.trigger, parameters) if recipe.rate else recipe.trigger
    given = about["rate"]
    dataset = str(about["dataset"])
    return Cell(
        dataset,
        str(about["network"]),
        attack.partition(":")[0],
        str(parse_trigger(trigger)),
        tuple(asdict(recipe.poisoning).items()),
        float(recipe.rate if given is None or not recipe.rate else given),
        _target(about["target"], recipe, dataset),
        str(about["preset"]),
        about["epochs"],
        cast(Precision, str(about["precision"])),
        int(about["seed"]),
        *(tried[name] for name in TRIED),
    )


def _recipe(attack: str) -> Attack:
    """The recipe of that name; for a trigger as text, with that trigger in place of its own."""
    name = attack.partition(":")[0]
    known = ATTACKS.get(name)
    if known is None:
        each = parse_trigger(attack).cross_samples_each
        return Attack(name, attack, poisoning=PoisoningConfig(cross_samples=each))
    return known if attack == name else replace(known, trigger=attack)


def _with_parameters(trigger: str, parameters: Mapping[str, Any]) -> str:
    """The trigger as text, with other values for some of its parameters."""
    name, _, rest = trigger.partition(":")
    fields = dict(item.split("=", 1) for item in filter(None, rest.split(",")))
    fields |= {key: str(value) for key, value in parameters.items()}
    values = ",".join(f"{key}={value}" for key, value in fields.items())
    return f"{name}:{values}" if values else name


def _target(given: Any, recipe: Attack, dataset: str) -> int:
    if given == "next":
        return NEXT_CLASS
    if given is None:
        return default_target(dataset) if recipe.target is None else recipe.target
    if not isinstance(given, int) or given < 0:
        raise UserError(f"There is no target class {quoted(given)}: give a number, or 'next'.")
    return given
