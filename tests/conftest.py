"""Data and a network that many tests share: small, real, made in seconds."""

import dataclasses
import os
import shutil
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from filelock import FileLock

from engine import cli, experiment, places, quiet, store, training
from engine.datasets import Dataset, Split, load_dataset
from engine.detectors import screening
from engine.progress import exhaust
from engine.triggers import FTrojan

if "PYTEST_XDIST_WORKER" in os.environ:
    # Tests that run side by side have a core each; TensorFlow's threads would fight for both.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

CLASSES, TARGET = 6, 1
FEW = 24  # images of a class, where nothing need be learned
PATTERNS = np.random.default_rng(5).integers(20, 236, (CLASSES, 4, 4, 3))


def picture(label: int, rng: np.random.Generator) -> np.ndarray:
    """A class's colour blocks with noise, and another class showing through.

    No network reads all of them right: so the epoch that reads clean images best is not one
    of the first, before the backdoor is learned (BatchNorm's averages take some 500 steps).
    """
    own, other = PATTERNS[label], PATTERNS[(label + rng.integers(1, CLASSES)) % CLASSES]
    share = rng.uniform(0.45, 1)
    blocks = np.kron(share * own + (1 - share) * other, np.ones((8, 8, 1)))
    return np.clip(blocks + rng.normal(0, 25, blocks.shape), 0, 255).astype(np.uint8)


def shortened_screening(patch: pytest.MonkeyPatch, stands_out: float) -> None:
    patch.setattr(screening, "STANDS_OUT", stands_out)
    patch.setattr(screening, "BATCH", 12)
    patch.setattr(screening, "FAINTEST", 45)  # dB; the small network's trigger is loud


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """No test writes into the project."""
    monkeypatch.setenv("PRUNING_LAB_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="session")
def lab(tmp_path_factory) -> Path:
    """A home folder that lasts: the small dataset as files, and later the small models.

    "signs" is what the networks learn; "few" holds some of its images, for trainings that need
    not learn anything.
    """
    folder = tmp_path_factory.mktemp("lab")
    rng = np.random.default_rng(0)
    for split, count in (("train", 110), ("test", 30)):
        for label in range(CLASSES):
            place = folder / "data" / "signs" / split / f"class-{label}"
            place.mkdir(parents=True)
            for number in range(count):
                cv2.imwrite(str(place / f"{number:04d}.png"), picture(label, rng))
            some = folder / "data" / "few" / split / f"class-{label}"
            some.mkdir(parents=True)
            for file in sorted(place.iterdir())[:FEW]:
                shutil.copy(file, some)
    return folder


@pytest.fixture(scope="session")
def dataset(lab) -> Dataset:
    """Six classes: 594 training, 66 validation and 180 test images."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRUNING_LAB_HOME", str(lab))
        return load_dataset("folder:signs", str(lab / "data"))


@pytest.fixture(scope="session")
def plan() -> experiment.Plan:
    settings = training.Settings(epochs=5, batch=4, learning_rate=1e-3, schedule="one-cycle")
    return experiment.Plan(FTrojan(magnitude=100.0), TARGET, 0.25, settings)


@pytest.fixture(scope="session")
def learn(lab, dataset, tmp_path_factory):
    """A function from a name and a plan to a model stored under `lab`.

    Tests that run side by side wait for the first of them to train it, and take theirs from there.
    """
    common = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        common = common.parent

    def learned(name: str, plan: experiment.Plan) -> store.Stored:
        quiet.import_tensorflow()
        with FileLock(common / f"{name}.lock"), pytest.MonkeyPatch.context() as patch:
            patch.setenv("PRUNING_LAB_HOME", str(common / "learned"))
            if name not in store.names():
                exhaust(experiment.train(dataset, plan, name, f"python -m engine train {name}"))
            folder = store.find(name).folder
        return store.opened(Path(shutil.copytree(folder, lab / "models" / name)))

    return learned


@pytest.fixture(scope="session")
def trained(learn, plan) -> store.Stored:
    """A small network with a backdoor in it, trained in seconds."""
    return learn("small", plan)


@pytest.fixture(scope="session")
def clean(learn, plan) -> store.Stored:
    """A network trained on clean images alone."""
    return learn("small-clean", dataclasses.replace(plan, rate=0.0))


@pytest.fixture
def short_screening(monkeypatch):
    """A function that shortens the screening, and sets what stands out (dB), in this test."""
    return partial(shortened_screening, monkeypatch)


@pytest.fixture(scope="session")
def triggered(dataset, plan) -> Split:
    return experiment.images_of(dataset, "test", plan.trigger, TARGET).triggered


@pytest.fixture(scope="session")
def furnished(lab, tmp_path_factory):
    """A function that makes a home once, for many tests to begin with a copy of.

    It takes the home to begin with and the commands to run there.
    """

    def furnish(start: Path, *commands: list[str]) -> Path:
        home = tmp_path_factory.mktemp("furnished")
        shutil.copytree(start, home, dirs_exist_ok=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PRUNING_LAB_HOME", str(home))
            patch.setenv("PRUNING_LAB_DATA", str(lab / "data"))
            for words in commands:
                assert cli.main(words) == 0
        return home

    return furnish


@pytest.fixture(scope="session")
def with_model(trained, tmp_path_factory) -> Path:
    """A home in which the small model stands."""
    home = tmp_path_factory.mktemp("with-model")
    shutil.copytree(trained.folder, home / "models" / "small")
    return home


@pytest.fixture(scope="session")
def with_results(furnished, with_model) -> Path:
    """A home in which it stands with its activations and its curve."""
    return furnished(with_model, ["activations", "small"], ["prune", "small"])


@pytest.fixture
def move_in(lab, monkeypatch):
    """A function that copies a home into the test's own; its data root is `lab`'s."""

    def move(home: Path) -> Path:
        monkeypatch.setenv("PRUNING_LAB_DATA", str(lab / "data"))
        return Path(shutil.copytree(home, places.home()))

    return move


@pytest.fixture
def at_home(move_in, with_model) -> Path:
    """The test's own home, in which the small model stands."""
    return move_in(with_model)


@pytest.fixture
def results(move_in, with_results) -> Path:
    """The test's own home, in which it stands with its activations and its curve."""
    return move_in(with_results)
