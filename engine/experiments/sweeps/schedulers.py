"""Where the cells of a sweep are worked on: here one after the other, or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.core import progress
from engine.core.version import program_version
from engine.experiments.sweeps.cell import Cell
from engine.experiments.sweeps.cell_process import (
    NO_LIMITS,
    CellResult,
    Died,
    Limits,
    Task,
    work_on,
)

Keep = Callable[[Cell, CellResult], None]


class Scheduler(Protocol):
    """Works on cells, in any order."""

    def run(self, tasks: Sequence[Task], keep: Keep) -> None:
        """Work on all tasks, and hand over the result of each as soon as it is there.

        Raises:
            UserError: the work cannot begin.
            Stopped: a stop was requested.
        """


@dataclass(frozen=True)
class OneAfterTheOther:
    """Works on cells here, one at a time, each in a process of its own."""

    limits: Limits = NO_LIMITS

    def run(self, tasks: Sequence[Task], keep: Keep) -> None:
        """See `Scheduler.run`."""
        for number, task in enumerate(tasks):
            with progress.titled(f"{task.cell.title} ({number + 1} of {len(tasks)})"):
                progress.report(0, 0, "Starting")
                keep(task.cell, self._work(task))

    def _work(self, task: Task) -> CellResult:
        try:
            return work_on(task, self.limits, program_version())
        except Died as error:
            return died(error)


def died(error: BaseException) -> CellResult:
    """The result of a cell whose process was lost, at every attempt."""
    return CellResult([], b"", f"The process of this cell died: {error}")
