"""Where tasks are worked on: here one after the other, or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from engine.core import progress
from engine.core.errors import one_line
from engine.core.version import program_version
from engine.experiments.workers.child_process import NO_LIMITS, Died, Limits, work_on
from engine.experiments.workers.task import Result, Task

Keep = Callable[[str, Result], None]  # gets a task's key and what came of it


class Scheduler(Protocol):
    """Works on tasks, in any order."""

    def run(self, tasks: Iterable[Task], total: int, keep: Keep) -> None:
        """Work on all tasks, and hand over the result of each as soon as it is there.

        Args:
            tasks: are asked for when they are about to be done, as they can be large.
            total: how many they are.
            keep: called with each result.

        Raises:
            UserError: the work cannot begin.
            Stopped: a stop was requested.
        """


@dataclass(frozen=True)
class OneAfterTheOther:
    """Works on tasks here, one at a time, each in a process of its own."""

    limits: Limits = NO_LIMITS

    def run(self, tasks: Iterable[Task], total: int, keep: Keep) -> None:
        """See `Scheduler.run`."""
        for number, task in enumerate(tasks):
            with progress.titled(f"{task.title} ({number + 1} of {total})"):
                progress.report(0, 0, "Starting")
                keep(task.key, self._work(task))

    def _work(self, task: Task) -> Result:
        try:
            return work_on(task, self.limits, program_version())
        except Died as error:
            return died(error)


def died(error: BaseException) -> Result:
    """The result of a task whose process was lost, at every attempt."""
    return Result(
        [],
        b"",
        f"The process died, perhaps for lack of memory: {one_line(str(error))} Try it again, with"
        " fewer workers.",
    )
