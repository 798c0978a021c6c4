"""Training the networks of another experiment where a sweep would."""

from __future__ import annotations

from collections.abc import Mapping

from engine import store
from engine.core import progress, read_only
from engine.experiments.sweeps.cell import Cell
from engine.experiments.workers import model_archive
from engine.experiments.workers.schedulers import Scheduler
from engine.experiments.workers.task import Result


def train_missing(networks: Mapping[str, Cell], scheduler: Scheduler, suite: bool = False) -> None:
    """Work on the cells whose models do not exist yet, and store those.

    A cell that fails is reported and left out: who needs its network trains it here, and sees why.

    Args:
        networks: name of each model -> what it is.
        scheduler: where they are worked on.
        suite: whether the models belong to the attack suite.

    Raises:
        UserError: the work cannot begin, or a model cannot be stored.
        Stopped: a stop was requested; what is done is kept.
    """
    read_only.check()
    missing = {name: cell for name, cell in networks.items() if name not in store.names()}
    names = {cell.key: name for name, cell in missing.items()}

    def keep(key: str, result: Result) -> None:
        name = names[key]
        if result.archive:
            model_archive.unpack(result.archive, name, missing[name].attack if suite else "")
        else:
            progress.report(0, 0, f"{name} failed there: {result.problem}")

    if missing:
        tasks = (cell.task(name) for name, cell in missing.items())
        scheduler.run(tasks, len(missing), keep)
