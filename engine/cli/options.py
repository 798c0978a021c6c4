"""Options that several commands share, their types, and how they are gathered in one argument."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from engine import store
from engine.attacks.triggers import TRIGGERS, parse_trigger
from engine.core import tensorflow_runtime
from engine.datasets import SOURCES, SPLITS, Dataset, dataset_names, load_dataset
from engine.defenses.detectors import DETECTORS, parse_detector
from engine.defenses.pruning.orders import DEFAULT_ORDER, ORDERS
from engine.defenses.repairs import REPAIRS, parse_repair
from engine.evaluation.targets import NEXT_CLASS
from engine.networks.architectures import ARCHITECTURES, parse_architecture
from engine.training.presets import PRESETS

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
Built = TypeVar("Built")


class Parsed(click.ParamType[Any, Any]):
    """A value that a function of the engine reads from text; shells complete its names.

    Args:
        name: what the help puts in the option's place, such as "NAME".
        parse: raises `UserError`, or `ValueError` with a sentence that click completes by the
            option's name.
        names: the values that a shell offers.
    """

    def __init__(
        self,
        name: str,
        parse: Callable[[str], Any] = str,
        names: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self.name, self._parse, self._names = name, parse, names

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """The name as it stands."""
        return self.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse text; a value that was parsed already is returned as it is."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The names that begin with what was typed."""
        return [CompletionItem(name) for name in self._names() if name.startswith(incomplete)]


class File(Parsed):
    """A path, which shells complete; what it must be is checked where it is used.

    Args:
        name: what the help puts in the option's place, such as "FILE.csv".
    """

    def __init__(self, name: str) -> None:
        super().__init__(name, Path)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Leave it to the shell."""
        return [CompletionItem(incomplete, type="file")]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def parse_target(text: str) -> int:
    """A class number, or "next" for `targets.NEXT_CLASS`; a `ValueError` says so."""
    if text == "next":
        return NEXT_CLASS
    if not re.fullmatch("[0-9]{1,6}", text):
        raise ValueError(f"There is no target class {text}: give a number, or 'next'.")
    return int(text)


def parse_thresholds(text: str) -> list[float]:
    """Different numbers, separated by commas; a `ValueError` says so."""
    try:
        return list(dict.fromkeys(float(part) for part in text.split(",")))
    except ValueError:
        raise ValueError(f"'{text}' is not a list such as 2,10,20,30.") from None


def parse_seeds(text: str) -> list[int]:
    """Different whole numbers, separated by commas; a `ValueError` says so."""
    parts = text.split(",")
    seeds = [int(part) for part in parts if re.fullmatch("[0-9]{1,9}", part)]
    if len(set(seeds)) < len(parts):
        raise ValueError(f"'{text}' is not a list of different seeds such as 0,1,2.")
    return seeds


DATASET = Parsed("DATASET", names=lambda: [name for name in dataset_names() if ":" not in name])
MODEL = Parsed("MODEL", names=store.names)
NAME = Parsed("NAME")
TARGET = Parsed("CLASS", parse_target, lambda: ["next"])
TRIGGER = Parsed("NAME[:field=value,...]", parse_trigger, lambda: TRIGGERS)
REPAIR = Parsed("NAME[:field=value,...]", parse_repair, lambda: REPAIRS)
DETECTOR = Parsed("NAME[:field=value,...]", parse_detector, lambda: DETECTORS)
ARCHITECTURE = Parsed("NAME[:field=value,...]", parse_architecture, lambda: ARCHITECTURES)


def gathered(parameter: str, build: Callable[..., Built], *options: Decorator) -> Decorator:
    """A decorator that adds several options and passes them on as one argument.

    Args:
        parameter: the name of that argument.
        build: makes its value; its own parameters are called like the options.
        options: click's decorators, in the order in which the help lists them.
    """
    names = tuple(inspect.signature(build).parameters)

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def gather(**values: Any) -> Any:
            own = {name: values.pop(name) for name in names}
            return function(**{parameter: build(**own)}, **values)

        decorated: Callable[..., Any] = gather
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate


@dataclass(frozen=True)
class ImageOptions:
    """Which images a command works on.

    Attributes:
        dataset: its name.
        size: side of the images in pixels; None: the dataset's own.
    """

    dataset: str
    size: int | None

    def load(self, root: Path | None, fetch: bool = False) -> Dataset:
        """Load the dataset; `fetch` downloads what is missing. Errors as for `load_dataset`."""
        return load_dataset(self.dataset, root, size=self.size, fetching=fetch)


@dataclass(frozen=True)
class ModelChoice:
    """A stored model and the dataset that it is run on.

    Attributes:
        stored: the model.
        dataset: the name of the dataset.
    """

    stored: store.StoredModel
    dataset: str

    @classmethod
    def of(cls, model: str, dataset: str | None = None) -> ModelChoice:
        """The model of that name, on its own dataset or another one.

        Raises:
            UserError: there is no such model, or it cannot be used.
        """
        stored = store.find(model)
        return cls(stored, dataset or stored.card.dataset)

    @property
    def on_own_dataset(self) -> bool:
        """Whether the model was trained on that dataset."""
        return self.dataset == self.stored.card.dataset

    def load(self, root: Path | None) -> Dataset:
        """Load the dataset at the size of the model's images; errors as for `load_dataset`.

        TensorFlow, which the model needs, is imported first.
        """
        tensorflow_runtime.import_tensorflow()
        return load_dataset(self.dataset, root, size=self.stored.card.image_shape[0])


dataset_argument = click.argument(
    "dataset",
    type=DATASET,
    help=f"One of {_listed(SOURCES)}, one that you added, or folder:PATH.",
)
model_argument = click.argument("model", type=MODEL, help="Name of the model.")
image_options = gathered(
    "images",
    ImageOptions,
    dataset_argument,
    click.option(
        "--size",
        type=int,
        help="Side of the images in pixels; the dataset's own if left out, which is 32 unless you"
        " added it with another.",
    ),
)
model_choice = gathered(
    "choice",
    ModelChoice.of,
    model_argument,
    click.option(
        "--dataset", type=DATASET, help="Used instead of the one the model was trained on."
    ),
)
trigger_option = click.option(
    "--trigger",
    type=TRIGGER,
    default=next(iter(TRIGGERS)),
    help="The trigger and its settings, such as ftrojan:magnitude=30,bands=15x15+31x31."
    f" Triggers: {_listed(TRIGGERS)}.",
)
split_option = click.option(
    "--split",
    type=Parsed("NAME", names=lambda: SPLITS),
    default="test",
    help=f"Images: {_listed(SPLITS)}.",
)
order_option = click.option(
    "--order",
    type=Parsed("NAME", names=lambda: ORDERS),
    default=DEFAULT_ORDER,
    help=f"The order in which channels are pruned: {_listed(ORDERS)}.",
)
layer_option = click.option(
    "--layer", type=NAME, help="The convolution to prune; the last one if left out."
)
epochs_option = click.option("--epochs", type=int, help="Replaces the preset's.")


def preset_option(default: str) -> Decorator:
    """The option `--preset`, with a default that suits the command."""
    names = Parsed("NAME", names=lambda: PRESETS)
    text = f"Training settings: {_listed(PRESETS)}."
    return click.option("--preset", type=names, default=default, help=text)


def out_option(name: str, help: str, required: bool = False) -> Decorator:
    """The option `--out`, where the help shows `name`, such as "FILE.csv" or "DIR"."""
    return click.option("--out", type=File(name), required=required, help=help)
