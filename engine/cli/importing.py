"""Commands that bring in a network from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import click

from engine import store
from engine.cli.options import Decorator, File, Parsed, dataset_argument, gathered, out_option
from engine.cli.shared import (
    Answer,
    Call,
    command,
    describe_new,
    long_work,
    new_model_options,
)
from engine.core import atomic_files, tensorflow_runtime
from engine.core.errors import UserError, unknown
from engine.datasets import available, load_dataset, missing_message
from engine.experiments import examine as examining
from engine.experiments import import_model as importing
from engine.experiments.examine import Candidate, Opened
from engine.experiments.import_model import Choices
from engine.experiments.new_model import NewModel
from engine.networks.input_format import COLOURS, OUTPUTS, RANGES

NETWORK_FILES = ("model.keras", "model.onnx")  # in a shared folder
SHOWN = 6  # combinations that a terminal lists

_file_argument = click.argument(
    "file",
    type=File("FILE"),
    help="A network: .keras, .h5, .onnx, a zip of a SavedModel that Keras wrote, or a folder that"
    " share wrote.",
)


@command("examine")
@_file_argument
@dataset_argument
@out_option("FILE.json", "Write everything that was found there.")
@long_work
def examine(file: Path, dataset: str, out: Path | None, call: Call) -> Answer:
    """Find out what a network from elsewhere expects and gives.

    Each combination of input range, colour order and class order is scored on clean validation
    images.
    """

    def work() -> Answer:
        found = examining.examine(_open(file, dataset, call))
        if out:
            atomic_files.write_text(out, json.dumps(found.as_dict(), indent=1) + "\n")
        return {
            "file": found.file,
            "format": found.format,
            "size": found.side,
            "outputs": found.outputs,
            "left_out": list(found.left_out),
            "winner": found.winner and _describe(found.winner),
            "near_chance": found.near_chance,
            "best": [_describe(candidate) for candidate in found.candidates[:SHOWN]],
        }

    return call.run(work)


def _describe(candidate: Candidate) -> Answer:
    return {
        "range": candidate.range,
        "colours": candidate.colours,
        "class_order": candidate.order,
        "accuracy": round(candidate.accuracy, 2),
        "images": candidate.images,
    }


def _one_of(kind: str, names: Iterable[str]) -> Parsed:
    known = tuple(names)

    def parse(text: str) -> str:
        if text and text not in known:  # empty: not given
            raise unknown(kind, text, known)
        return text

    return Parsed("NAME", parse, lambda: known)


def _choice(name: str, parameter: str, kind: str, known: Iterable[str]) -> Decorator:
    names = tuple(known)
    return click.option(
        name,
        parameter,
        type=_one_of(kind, names),
        default="",
        help=f"The {kind}, if you know it: {', '.join(names)}.",
    )


@command("import")
@_file_argument
@dataset_argument
@gathered(
    "choices",
    Choices,
    _choice("--range", "range", "input range", RANGES),
    _choice("--colours", "colours", "colour order", COLOURS),
    _choice("--outputs", "outputs", "kind of output", OUTPUTS),
    _choice("--class-order", "order", "class order", examining.ORDERS),
)
@new_model_options()
@long_work
def import_model(
    file: Path, dataset: str, choices: Choices, new_model: NewModel, call: Call
) -> Answer:
    """Import a network that was trained elsewhere, and score it.

    The file is opened in a sandboxed process. What it expects is found out on clean validation
    images; if no combination is clearly best, the command asks. No trigger is known afterwards:
    scan the network with detect, or name a suspected trigger with assume.
    """
    store.check_free(new_model.name, new_model.replace)

    def work() -> Answer:
        opened = _open(file, dataset, call)
        return describe_new(importing.import_model(opened, choices, new_model))

    return call.run(work)


def _network_in(folder: Path) -> Path:
    """The network's file in a folder that was shared.

    Raises:
        UserError: there is none.
    """
    for name in NETWORK_FILES:
        if (folder / name).is_file():
            return folder / name
    raise UserError(f"There is no {' or '.join(NETWORK_FILES)} in {folder}: name the file itself.")


def _open(file: Path, dataset: str, call: Call) -> Opened:
    if not available(dataset, call.root):  # sooner than after the file was opened
        raise UserError(missing_message(dataset, call.root))
    tensorflow_runtime.import_tensorflow()
    file = _network_in(file) if file.is_dir() else file
    return examining.open_for(file, lambda size: load_dataset(dataset, call.root, size=size))
