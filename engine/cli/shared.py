"""What every command does: print its answer, run its work, name the command that repeats it."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pandas as pd

from engine import store
from engine.cli import terminal
from engine.cli.invocation import Invocation
from engine.cli.options import Decorator, File, ModelChoice, Parsed, gathered, out_option
from engine.core import command_line, job_worker, jobs, progress
from engine.core.errors import UserError
from engine.core.jobs import Job
from engine.experiments.new_model import NewModel
from engine.store import near_chance

Answer = dict[str, Any]
_EXIT_STATUS = "engine.cli.exit_status"  # where a command's exit status waits for its answer


class Command(click.Command):
    """A command that prints what its function returns: as aligned text, or as JSON."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        option = click.Option(["--json", "as_json"], is_flag=True, help="Answer in JSON.")
        self.params.append(option)

    def invoke(self, ctx: click.Context) -> None:
        """Run the function with the options and print its answer."""
        as_json = ctx.params.pop("as_json")
        ctx.ensure_object(Invocation).begin()
        answer = super().invoke(ctx)
        click.echo(json.dumps(answer, indent=1) if as_json else terminal.describe(answer))
        ctx.exit(ctx.meta.get(_EXIT_STATUS, 0))


def exit_with(status: int) -> None:
    """Let the command exit with that status once its answer is printed."""
    click.get_current_context().meta[_EXIT_STATUS] = status


def ready_for_json(table: pd.DataFrame) -> list[Answer]:
    """The rows, with None where nothing was measured."""
    return table.astype(object).where(table.notna(), None).to_dict("records")


def command(name: str) -> Callable[[Callable[..., Answer]], Command]:
    """A decorator that makes a function the command `name`; its docstring is the help."""
    return click.command(name, cls=Command)


@dataclass(frozen=True)
class Call:
    """A call of a command whose work may take long.

    Attributes:
        words: the command line without the program's name.
        root: the folder that holds the datasets; None for the usual one.
        job: name of the job that the work is done as; None for none.
    """

    words: tuple[str, ...]
    root: Path | None
    job: str | None

    def run(self, work: Callable[[], Answer]) -> Answer:
        """Do the work here; if a job was named, as that job, which can be watched and stopped."""
        if not self.job:
            with progress.reporting_to(terminal.Bar()), progress.timed():
                return work()
        job = jobs.job_named(self.job)

        def stop_when_requested() -> Answer:
            with progress.stopping_when(job.stop_requested):
                return work()

        return self.run_as(job, stop_when_requested)

    def run_as(self, job: Job, work: Callable[[], Answer]) -> Answer:
        """Do the work as `job`; it ends when `job.stop_requested`, and may keep what it has."""

        def timed() -> Answer:
            with progress.timed():
                return work()

        with _stopping_on_interrupt(job):
            return job_worker.work(job, self.words, timed, terminal.Bar())


@contextmanager
def _stopping_on_interrupt(job: Job) -> Iterator[None]:
    """Within the block, the first Ctrl-C asks the job to stop and a second one interrupts it."""

    def ask_to_stop(*_: object) -> None:
        if job.stop_requested():
            raise KeyboardInterrupt
        print("\nStopping; press Ctrl-C again to give up at once.", file=sys.stderr)
        job.stop()

    previous = signal.signal(signal.SIGINT, ask_to_stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def _words() -> tuple[str, ...]:
    return click.get_current_context().ensure_object(Invocation).words


OF_ONE_CALL = ("--root", "--job", "--out", "--scheduler", "--local")


def recorded_command() -> str:
    """The present command as model cards record it.

    Options that depend on one machine or one call are left out.
    """
    words = iter(_words())
    kept = []
    for word in words:
        if word in ("--json", "--replace"):
            continue
        if word in OF_ONE_CALL:
            next(words, None)
        elif not word.startswith(tuple(f"{option}=" for option in OF_ONE_CALL)):
            kept.append(word)
    return command_line.command(*kept)


def _call(root: Path | None, job: str | None) -> Call:
    return Call(_words(), root, job)


def _new_model(name: str, replace: bool) -> NewModel:
    return NewModel(name, recorded_command(), replace)


long_work = gathered(
    "call",
    _call,
    click.option("--root", type=File("DIR"), help="Folder that holds the datasets."),
    click.option(
        "--job", type=Parsed("NAME"), help="Run as this job, which pages can watch and stop."
    ),
)


def new_model_options(help: str = "Name of the new model.") -> Decorator:
    """Options for a model that is stored."""
    return gathered(
        "new_model",
        _new_model,
        click.option("--name", type=Parsed("NAME"), required=True, help=help),
        click.option("--replace", is_flag=True, help="Replace a model of that name."),
    )


def describe_new(stored: store.StoredModel) -> Answer:
    """The answer about a model that was just trained or imported."""
    card = stored.card
    return {
        "model": stored.name,
        "folder": str(stored.folder),
        "epoch_kept": card.training.get("epoch_kept"),
        "stopped": card.training.get("stopped", False),
        **card.scores["test"],
    }


confirm_option = click.option(
    near_chance.CONFIRM,
    "confirmed",
    is_flag=True,
    help="Repair a network, too, whose accuracy is little better than guessing.",
)
tables_out_option = out_option("DIR", "Write the tables there, not beside the model.")


def check_out(choice: ModelChoice, out: Path | None) -> None:
    """Only results on a model's own dataset may be stored beside it; others need `--out`."""
    if not choice.on_own_dataset and not out:
        raise UserError("With --dataset, say where to write the results: --out PATH.")


def store_tables(choice: ModelChoice, tables: dict[str, pd.DataFrame], out: Path | None) -> None:
    """Store tables in the folder `out`, or beside the model."""
    if out is None:
        choice.stored.save_tables(tables, recorded_command())
        return
    for name, table in tables.items():
        store.write_table(out / f"{name}.csv", table)
