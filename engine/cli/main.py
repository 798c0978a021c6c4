"""``python -m engine COMMAND``: the engine for terminals, scripts and workers.

The answer goes to standard output, progress to standard error. Bad input is one line on standard
error and exit status 2; work that was stopped on request exits with status 130.

``--help`` loads only what this module imports. The module of a command, and the engine with it,
is loaded when that command is used.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path

import click
from click.shell_completion import CompletionItem, shell_complete

from engine.cli.invocation import Invocation
from engine.core.command_line import PROGRAM
from engine.core.errors import NameTaken, UserError, one_line
from engine.core.progress import Stopped
from engine.core.version import PACKAGE, program_version

INSTALLED = "backdoor-lab"  # the command of the installed package
COMPLETION = "_BACKDOOR_LAB_COMPLETE"  # set by a shell that asks for completions
BAD_INPUT, INTERRUPTED = 2, 130  # exit statuses
MAX_ERROR = 400  # characters of a message that quotes the command line

# The commands by section: the module of each, and its help in one line.
SECTIONS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "Data": {
        "data": ("data", "Show what a dataset contains; download it first if necessary."),
        "data list": ("data", "List the datasets there are."),
        "data check": ("data", "Look through a folder or zip of images before adding it."),
        "data add": ("data", "Make a dataset of your own of a folder or zip of images."),
        "data remove": ("data", "Remove a dataset of your own; images outside of it stay."),
        "sample-pair": ("exchange", "Write a network and 200 images to try the import with."),
        "poison": ("data", "Put a trigger on images and measure how much it changes them."),
    },
    "Models": {
        "train": ("training", "Train a network, with or without a backdoor, and store it."),
        "examine": ("importing", "Find out what a network from elsewhere expects and gives."),
        "import": ("importing", "Import a network that was trained elsewhere, and score it."),
        "assume": ("models", "Name a suspected trigger for an imported network."),
        "evaluate": ("models", "Measure clean accuracy, attack success and recovered accuracy."),
        "predict": ("models", "Classify every test image, clean and triggered."),
        "confusions": ("models", "Count which classes a model confuses on clean images."),
        "models": ("models", "List models with their scores, or compare some of them."),
        "share": ("exchange", "Write a model as a folder for a model hub."),
        "export": ("exchange", "Write a network as a file: .keras or .onnx."),
        "delete": ("models", "Delete a model of your own; restore brings it back."),
        "restore": ("models", "Bring back the last deleted model of that name."),
    },
    "Pruning": {
        "activations": ("pruning", "Measure each channel on clean and on triggered images."),
        "prune": ("pruning", "Prune a layer channel by channel, and report at each threshold."),
    },
    "Detection and repair": {
        "detect": ("repairs", "Search for a class that a backdoor leads to."),
        "calibrate-detector": ("calibration", "Choose the detector's constants on known networks."),
        "repair": ("repairs", "Repair a model with clean images, and store the result."),
        "compare-repairs": ("repairs", "Try several repairs on a model and compare them."),
        "save-repair": ("repairs", "Store a copy made by compare-repairs as a model."),
        "summarize-repairs": ("repairs", "Summarize the repairs tried on several models."),
        "ceiling": ("ceiling", "Measure how much a repair can recover at best."),
        "reactivate": ("robustness", "Train a repaired model on: does the backdoor come back?"),
    },
    "Attacks": {
        "benchmark-attacks": ("attacks", "Train a network with each attack and compare them."),
        "sweep": ("sweeps", "Train and measure every combination of settings."),
        "chart-sweep": ("sweeps", "Draw figures of a sweep as maps over two settings."),
        "robustness": ("robustness", "Measure a trigger after JPEG, PNG and resizing."),
    },
    "Reports": {
        "report": ("reports", "Write a printable HTML report on one model."),
        "reproduce": ("reports", "Write the paper's Table 1 and Figures 5 to 8."),
        "bench": ("reports", "Run the benchmarks."),
    },
}


class LazyGroup(click.Group):
    """A group whose commands are loaded when they are used; its help shows them in sections."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, by section."""
        return [name for entries in SECTIONS.values() for name in entries]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command; None if there is none of that name."""
        for entries in SECTIONS.values():
            if cmd_name in entries:
                module = import_module(f"engine.cli.{entries[cmd_name][0]}")
                found = (item for item in vars(module).values() if isinstance(item, click.Command))
                return next(command for command in found if command.name == cmd_name)
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown name fails with the names that are similar."""
        names = self.list_commands(ctx)
        pair = " ".join(args[:2])  # such as "data add"
        if pair in names and pair != args[0]:
            return pair, self.get_command(ctx, pair), args[2:]
        if args[0] not in names and not ctx.resilient_parsing:
            raise click.NoSuchCommand(args[0], possibilities=names, ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections."""
        for title, entries in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, summary) for name, (_, summary) in entries.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands and options that begin with what was typed."""
        found = [
            CompletionItem(name, help=summary)
            for entries in SECTIONS.values()
            for name, (_, summary) in entries.items()
            if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        click.echo(f"{PACKAGE} {program_version()}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    no_args_is_help=False,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "show_default": True,
        "max_content_width": 100,
    },
    epilog=f"'{PROGRAM} COMMAND --help' lists the options of a command.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """See, train, find and remove backdoors in image classifiers.

    Answers go to standard output, progress to standard error.
    """


def main(argv: Sequence[str] | None = None, begin: Callable[[], None] = lambda: None) -> int:
    """Run one command.

    Args:
        argv: the words after the program's name; those of this process if None.
        begin: called once everything is imported and the command starts.

    Returns:
        The exit status.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    try:
        return _run(words, begin)
    except NameTaken as error:
        return _refuse(words, f"{error} With --replace it is replaced.")
    except UserError as error:
        return _refuse(words, str(error))
    except click.UsageError as error:
        return _refuse(words, _describe(error))
    except BrokenPipeError:
        raise
    except OSError as error:
        return _refuse(words, f"{error.strerror or error}: {error.filename or ''}")
    except (Stopped, KeyboardInterrupt) as stopped:
        print(str(stopped) or "Stopped.", file=sys.stderr)
        return INTERRUPTED


def _run(words: list[str], begin: Callable[[], None]) -> int:
    is_installed = Path(sys.argv[0]).stem == INSTALLED
    program = INSTALLED if is_installed else PROGRAM
    if instruction := os.environ.get(COMPLETION):
        return shell_complete(cli, {}, INSTALLED, COMPLETION, instruction)
    invocation = Invocation(tuple(words), begin)
    try:
        with cli.make_context(program, words, obj=invocation) as context:
            cli.invoke(context)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    return 0


def _describe(error: click.UsageError) -> str:
    """One line on what is wrong with the command line, and where to look."""
    message = one_line(error.format_message())
    shown = message if len(message) <= MAX_ERROR else f"{message[:MAX_ERROR]}..."
    path = error.ctx.command_path if error.ctx else PROGRAM
    return f"{shown} See '{path} --help'."


def _refuse(words: Sequence[str], message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    if words[-2:-1] == ["--job"]:  # as `jobs.start` begins a worker, whose status a page shows
        from engine.core import job_worker

        job_worker.refuse(words[-1], message)
    return BAD_INPUT
