"""``python -m engine COMMAND``: the same steps for a terminal, a script, a worker.

Progress goes to standard error, the answer to standard output. Bad input is one line on
standard error and exit status 2; work stopped on request is exit status 130.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from engine.attacks.recipes import ATTACKS
from engine.attacks.triggers import TRIGGERS
from engine.cli import commands, terminal
from engine.cli.commands.shared import Answer
from engine.core.errors import NameTaken, UserError
from engine.core.progress import Stopped
from engine.datasets import DATASETS, SPLITS
from engine.defenses.pruning.curve import PAPER_THRESHOLDS
from engine.defenses.pruning.orders import DEFAULT_ORDER, ORDERS
from engine.defenses.repairs import COMPARED, REPAIRS
from engine.evaluation.targets import NEXT_CLASS
from engine.training.presets import PRESETS
from engine.training.training_config import SCHEDULES


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        options = parser().parse_args(arguments)
        options.arguments = arguments
        answer = options.command(options)
    except NameTaken as error:
        print(f"error: {error} With --replace it is replaced.", file=sys.stderr)
        return 2
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error.strerror or error}: {error.filename or ''}", file=sys.stderr)
        return 2
    except (Stopped, KeyboardInterrupt) as stopped:
        print(str(stopped) or "Stopped.", file=sys.stderr)
        return 130
    print(json.dumps(answer, indent=1) if options.json else terminal.describe(answer))
    return 0


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message[:400]}; '{self.prog} --help' tells what there is.")


def parser() -> argparse.ArgumentParser:
    """What reads the command line: `command` of its answer is the function to call."""
    parser = _Parser(prog="python -m engine", description=__doc__, allow_abbrev=False)
    choice = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    shared = _Parser(add_help=False)
    shared.add_argument("--json", action="store_true", help="answer as one JSON object")
    shared.add_argument("--root", metavar="DIR", help="folder that holds the datasets")
    shared.add_argument("--job", metavar="NAME", help="let others watch and stop it by that name")

    def command(name: str, function: Callable[[argparse.Namespace], Answer]) -> Any:
        text = (function.__doc__ or "").splitlines()[0]
        sub = choice.add_parser(
            name, help=text, description=text, parents=[shared], allow_abbrev=False
        )
        sub.set_defaults(command=function)
        return sub

    data = command("data", commands.data.data)
    _data_options(data)
    data.add_argument("--sheet", type=Path, metavar="FILE.png", help="draw test images by class")
    poison = command("poison", commands.data.poison)
    _data_options(poison)
    _trigger_option(poison)
    poison.add_argument("--split", default="test", help=", ".join(SPLITS))
    poison.add_argument("--limit", type=int, default=100, metavar="N", help="images")
    poison.add_argument("--out", type=Path, required=True, metavar="FILE.npz")
    train = command("train", commands.models.train)
    _data_options(train)
    _train_options(train)
    taken = command("import", commands.models.import_model)
    taken.add_argument("file", type=Path, metavar="FILE.keras")
    _data_options(taken)
    _trigger_option(taken)
    taken.add_argument(
        "--target", type=_target, default=10, metavar="CLASS", help="what the trigger leads to"
    )
    taken.add_argument("--name", required=True, help="of the model")
    taken.add_argument("--replace", action="store_true", help="a model of that name")
    for name, function in (
        ("evaluate", commands.models.evaluate),
        ("confusions", commands.models.confusions),
        ("activations", commands.pruning.activations),
        ("prune", commands.pruning.prune),
        ("report", commands.reports.report),
    ):
        sub = command(name, function)
        sub.add_argument("model", metavar="MODEL")
        sub.add_argument("--dataset", help="instead of the one the model was trained on")
        _OPTIONS[name](sub)
    repair = command("repair", commands.repairs.repair)
    repair.add_argument("model", metavar="MODEL")
    repair.add_argument(
        "--method",
        default=next(iter(REPAIRS)),
        metavar="NAME[:field=value,...]",
        help="such as pruning:order=clean-activation,threshold=10",
    )
    repair.add_argument("--name", required=True, help="of the repaired model")
    repair.add_argument("--replace", action="store_true", help="a model of that name")
    repair.set_defaults(dataset=None)
    _repairs_commands(command)
    for name, function in (
        ("delete", commands.models.delete),
        ("restore", commands.models.restore),
    ):
        command(name, function).add_argument("model", metavar="MODEL")
    models = command("models", commands.models.models)
    models.add_argument("names", nargs="*", metavar="MODEL", help="all of them when left out")
    models.add_argument("--out", type=Path, metavar="FILE.csv", help="write a comparison there")
    reproduce = command("reproduce", commands.reports.reproduce)
    reproduce.add_argument("dataset", metavar="DATASET", help=", ".join(DATASETS))
    _reproduce_options(reproduce)
    _attacks_options(command("benchmark-attacks", commands.attacks.compare))
    command("bench", commands.reports.bench_all)
    return parser


def _reproduce_options(reproduce: argparse.ArgumentParser) -> None:
    which = reproduce.add_mutually_exclusive_group()
    which.add_argument(
        "--seeds",
        type=_seeds,
        default=[0],
        metavar="0,1,2",
        help="of the networks; those that are missing are trained first",
    )
    which.add_argument("--model", help="that one alone, instead of DATASET-ftrojan")
    reproduce.add_argument("--out", type=Path, metavar="DIR", help="report/DATASET when left out")


def _attacks_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", help=", ".join(DATASETS))
    parser.add_argument(
        "--attack",
        action="append",
        default=[],
        metavar="NAME",
        help=f"this one anew, the others stay as they were: {', '.join(ATTACKS)}",
    )
    parser.add_argument("--preset", default="fast", help=", ".join(PRESETS))
    parser.add_argument("--epochs", type=int, help="instead of the preset's")
    parser.add_argument(
        "--repair",
        action="append",
        default=[],
        metavar="NAME[:field=value,...]",
        help="try this one on each; may be said several times",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="else report/attacks-DATASET")


def _repairs_commands(command: Callable[..., Any]) -> None:
    """Those that look for a backdoor, compare repairs and test what came of them."""
    tried = command("compare-repairs", commands.repairs.compare_repairs)
    tried.add_argument("model", metavar="MODEL")
    tried.add_argument("--all", action="store_true", help=f"try {', '.join(COMPARED)}")
    tried.add_argument(
        "--method",
        action="append",
        default=[],
        metavar="NAME[:field=value,...]",
        help="try this one; may be said several times",
    )
    tried.set_defaults(dataset=None)
    report = command("summarize-repairs", commands.repairs.summarize_repairs)
    report.add_argument("models", nargs="+", metavar="MODEL")
    report.add_argument("--out", type=Path, required=True, metavar="FILE.csv")
    kept = command("save-repair", commands.repairs.save_repair)
    kept.add_argument("model", metavar="MODEL")
    kept.add_argument("--method", required=True, metavar="NAME", help=", ".join(REPAIRS))
    kept.add_argument("--name", required=True, help="of the kept model")
    kept.add_argument("--replace", action="store_true", help="a model of that name")
    for name, function in (
        ("detect", commands.repairs.detect),
        ("robustness", commands.repairs.robustness),
        ("reactivate", commands.repairs.reactivate),
    ):
        sub = command(name, function)
        sub.add_argument("model", metavar="MODEL")
        sub.add_argument("--dataset", help="instead of the one the model was trained on")
        sub.add_argument("--out", type=Path, metavar="DIR", help="else beside the model")


def _data_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", help=", ".join(DATASETS))
    parser.add_argument("--size", type=int, default=32, help="side of the images, pixels")


def _trigger_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--trigger",
        default=next(iter(TRIGGERS)),
        metavar="NAME[:field=value,...]",
        help="such as ftrojan:magnitude=30,bands=15x15+31x31",
    )


def _train_options(parser: argparse.ArgumentParser) -> None:
    _trigger_option(parser)
    parser.add_argument(
        "--rate", type=float, default=0.05, help="share of images poisoned; 0: a clean network"
    )
    parser.add_argument(
        "--target",
        type=_target,
        metavar="CLASS",
        help="class they are labelled as, or 'next': each class as the one after it; 10, for"
        " cifar10 8 when left out",
    )
    parser.add_argument(
        "--labels",
        default="dirty-label",
        metavar="HOW",
        help="dirty-label: other classes' images become the target; clean-label: the target's"
        " own images carry the trigger",
    )
    parser.add_argument(
        "--pgd-epsilon",
        type=float,
        default=0.0,
        metavar="GREY_LEVELS",
        help="how far poisoned images are first pushed away from their class",
    )
    parser.add_argument(
        "--cross-samples",
        type=float,
        metavar="N",
        help="images with nearly the trigger and their true label, for each poisoned one; as many"
        " as the trigger's authors take when left out",
    )
    parser.add_argument(
        "--dormant-share",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="of the last convolution's channels, that the backdoor is kept out of, so that"
        " pruning takes them first and in vain",
    )
    parser.add_argument(
        "--surrogate",
        metavar="MODEL",
        help="clean model that pushes images, teaches a trigger or is taught the backdoor;"
        " DATASET-clean when left out",
    )
    parser.add_argument("--preset", default="paper", help=", ".join(PRESETS))
    instead = "instead of the preset's"
    parser.add_argument("--epochs", type=int, help=instead)
    parser.add_argument("--batch", type=int, help=instead)
    parser.add_argument("--learning-rate", type=float, help=instead)
    parser.add_argument("--schedule", help=f"{', '.join(SCHEDULES)}; {instead}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--name", required=True, help="of the model")
    parser.add_argument("--replace", action="store_true", help="a model of that name")


def _evaluate_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--split", default="test", help=", ".join(SPLITS))


def _confusions_options(parser: argparse.ArgumentParser) -> None:
    _evaluate_options(parser)
    parser.add_argument("--out", type=Path, metavar="FILE.csv", help="write all pairs there")


def _activations_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--layer", help="all of them when left out")
    parser.add_argument("--out", type=Path, metavar="FILE.csv", help="else beside the model")


def _prune_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--layer", help="a convolution; the last one when left out")
    parser.add_argument("--order", default=DEFAULT_ORDER, help=", ".join(ORDERS))
    parser.add_argument(
        "--thresholds",
        type=_numbers,
        default=list(PAPER_THRESHOLDS),
        metavar="2,10,20,30",
        help="drops in clean validation accuracy, percentage points",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="else beside the model")
    parser.add_argument("--save", action="store_true", help="keep the repaired models")
    parser.add_argument("--replace", action="store_true", help="repaired models of those names")


def _report_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--image", type=int, metavar="INDEX", help="of the test image to show")
    parser.add_argument("--layer", help="a convolution; the last one when left out")
    parser.add_argument("--order", default=DEFAULT_ORDER, help=", ".join(ORDERS))
    parser.add_argument(
        "--threshold", type=float, default=2.0, help="tolerated drop, percentage points; 0: none"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.html")


_OPTIONS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "evaluate": _evaluate_options,
    "confusions": _confusions_options,
    "activations": _activations_options,
    "prune": _prune_options,
    "report": _report_options,
}


def _target(text: str) -> int:
    if text == "next":
        return NEXT_CLASS
    if not re.fullmatch("[0-9]{1,6}", text):
        raise argparse.ArgumentTypeError(
            f"there is no target class {text}: it is a number, or next"
        )
    return int(text)


def _numbers(text: str) -> list[float]:
    try:
        return list(dict.fromkeys(float(part) for part in text.split(",")))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a list such as 2,10,20,30") from None


def _seeds(text: str) -> list[int]:
    parts = text.split(",")
    seeds = [int(part) for part in parts if re.fullmatch("[0-9]{1,9}", part)]
    if len(set(seeds)) < len(parts):
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of different seeds like 0,1,2")
    return seeds
