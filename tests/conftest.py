"""Data and networks that many tests share: small, and made in seconds."""

import dataclasses
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from filelock import FileLock

from engine import store
from engine.attacks.triggers import FTrojan
from engine.cli import main
from engine.cli.repairs import BACKDOOR_FOUND
from engine.core import jobs, paths, tensorflow_runtime
from engine.datasets import Dataset, Split, load_dataset, open_test
from engine.defenses.detectors import MMBD, trigger_inversion
from engine.defenses.inversion import FAMILIES
from engine.defenses.repairs import RECOMMENDED
from engine.experiments.attack_plan import AttackPlan
from engine.experiments.eval_pairs import eval_pair
from engine.networks.untrusted import own_files
from engine.training.training_config import TrainingConfig
from tests.fixtures import unknown
from tests.fixtures.constructed import store_constructed
from tests.fixtures.needed import real_data

CLASSES, TARGET = 6, 1
FEW = 24  # images of a class, where nothing need be learned
PATTERNS = np.random.default_rng(14).integers(20, 236, (CLASSES, 4, 4, 3))


def picture(label: int, rng: np.random.Generator) -> np.ndarray:
    """A class's colour blocks, with another class showing through and a little noise.

    Where the other class shows more, the image is read as that: no network reads all of them
    right.
    """
    own, other = PATTERNS[label], PATTERNS[(label + rng.integers(1, CLASSES)) % CLASSES]
    share = rng.uniform(0.45, 1)
    blocks = np.kron(share * own + (1 - share) * other, np.ones((8, 8, 1)))
    return np.clip(blocks + rng.normal(0, 10, blocks.shape), 0, 255).astype(np.uint8)


def shortened_detection(patch: pytest.MonkeyPatch, threshold: float) -> None:
    """Few steps, in which every pattern counts: 0 flags some class, infinity flags none."""
    patch.setattr(trigger_inversion, "THRESHOLD", threshold)
    patch.setattr(trigger_inversion, "CONFIRMED", 0.0)
    patch.setattr(trigger_inversion, "MMBD", partial(MMBD, images=1, steps=2))
    for family in FAMILIES.values():
        patch.setattr(family, "steps", 3)
        patch.setattr(family, "goal", 0.0)


@pytest.fixture(scope="session")
def common(tmp_path_factory) -> Path:
    """The folder that all workers of a test run share."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch, common):
    """No test writes into the project; the shared models count as this program's own."""
    monkeypatch.setenv("PRUNING_LAB_HOME", str(tmp_path / "home"))
    is_own = own_files.is_own
    monkeypatch.setattr(
        own_files,
        "is_own",
        lambda sha256: is_own(sha256) or any(common.glob(f"*/cache/own/{sha256}")),
    )


@pytest.fixture(scope="session")
def once(common):
    """A function from a name and what fills a folder to that folder, filled.

    Of tests that run side by side the first fills it, and the others wait. It is for reading.
    """

    def filled(name: str, fill: Callable[[Path], object]) -> Path:
        folder, aside = common / name, common / f"{name}.part"
        with FileLock(common / f"{name}.lock"):
            if not folder.exists():
                shutil.rmtree(aside, ignore_errors=True)
                aside.mkdir()
                fill(aside)
                aside.rename(folder)
        return folder

    return filled


@contextmanager
def living_in(home: Path) -> Iterator[pytest.MonkeyPatch]:
    """What the program writes meanwhile goes to `home`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRUNING_LAB_HOME", str(home))
        yield patch


@pytest.fixture(scope="session")
def data(once) -> Path:
    """A data folder with the small dataset as files.

    "signs" is what the networks learn; "few" holds some of its images, for trainings that need
    not learn anything; "other" has other classes.
    """

    def draw(folder: Path) -> None:
        rng = np.random.default_rng(0)
        for split, count in (("train", 110), ("test", 30)):
            for label in range(CLASSES):
                place = folder / "signs" / split / f"class-{label}"
                place.mkdir(parents=True)
                for number in range(count):
                    cv2.imwrite(str(place / f"{number:04d}.png"), picture(label, rng)[..., ::-1])
                some = folder / "few" / split / f"class-{label}"
                some.mkdir(parents=True)
                for file in sorted(place.iterdir())[:FEW]:
                    shutil.copy(file, some)
        for name in ("cat", "dog"):
            shutil.copytree(folder / "few" / "test" / "class-0", folder / "other" / name)

    return once("data", draw)


@pytest.fixture(scope="session")
def dataset(data, tmp_path_factory) -> Dataset:
    """Six classes: 594 training, 66 validation and 180 test images."""
    with living_in(tmp_path_factory.mktemp("dataset")):
        return load_dataset("folder:signs", data)


@pytest.fixture(scope="session")
def few(data, tmp_path_factory) -> Dataset:
    """A few of its images, for trainings that need not learn anything."""
    with living_in(tmp_path_factory.mktemp("few")):
        return load_dataset("folder:few", data)


@pytest.fixture(scope="session")
def drawn(once) -> Path:
    """A home in which the test images of the program's own signs are drawn already."""

    def draw(home: Path) -> None:
        with living_in(home):
            open_test("signs")

    return once("drawn", draw)


@pytest.fixture(scope="session")
def all_signs(once) -> Path:
    """A home in which all of them are drawn already."""

    def draw(home: Path) -> None:
        with living_in(home):
            load_dataset("signs")

    return once("signs", draw)


@pytest.fixture(scope="session")
def real_gtsrb(once) -> Path:
    """A home in which the real GTSRB is read already."""

    def read(home: Path) -> None:
        with living_in(home):
            load_dataset("gtsrb", root)

    root = real_data("gtsrb")
    return once("real-gtsrb", read)


@pytest.fixture(scope="session")
def real_cifar10(once) -> Path:
    """A home in which the real CIFAR-10 is read already."""

    def read(home: Path) -> None:
        with living_in(home):
            load_dataset("cifar10", root)

    root = real_data("cifar10")
    return once("real-cifar10", read)


@pytest.fixture(scope="session")
def plan() -> AttackPlan:
    settings = TrainingConfig(epochs=5, batch=4, learning_rate=1e-3, schedule="one-cycle")
    return AttackPlan(FTrojan(magnitude=100.0), TARGET, 0.25, settings)


@pytest.fixture(scope="session")
def construct(once, dataset):
    """A function from a name and a plan to a constructed model, in a home of its own.

    What this process is handed, it may open as its own, whichever home a test lives in.
    """
    own = set()

    def constructed(name: str, plan: AttackPlan) -> store.StoredModel:
        def keep(home: Path) -> None:
            with living_in(home):
                store_constructed(dataset, plan, PATTERNS, name)

        tensorflow_runtime.import_tensorflow()
        stored = store.open_folder(once(f"constructed-{name}", keep) / "models" / name)
        own.add(stored.card.sha256)
        return stored

    with pytest.MonkeyPatch.context() as patch:
        known = own_files.is_own
        patch.setattr(own_files, "is_own", lambda sha256: sha256 in own or known(sha256))
        yield constructed


@pytest.fixture(scope="session")
def trained(construct, plan) -> store.StoredModel:
    """A small network with a backdoor, constructed: see `tests.fixtures.constructed`."""
    return construct("small", plan)


@pytest.fixture(scope="session")
def clean(construct, plan) -> store.StoredModel:
    """The same network without the backdoor."""
    return construct("small-clean", dataclasses.replace(plan, rate=0.0))


@pytest.fixture
def short_detection(monkeypatch):
    """A function that shortens the scan, and sets the score that flags a class, in this test."""
    return partial(shortened_detection, monkeypatch)


@pytest.fixture(scope="session")
def triggered(dataset, plan) -> Split:
    return eval_pair(dataset, "test", plan.trigger, TARGET).triggered


@pytest.fixture(scope="session")
def furnished(once, data):
    """A function that makes a home once, for many tests to begin with a copy of.

    It takes the home's name, the home to begin with and the commands to run there.
    """

    def furnish(name: str, start: Path, *commands: list[str]) -> Path:
        def run(home: Path) -> None:
            shutil.copytree(start, home, dirs_exist_ok=True)
            with living_in(home) as patch:
                patch.setenv("PRUNING_LAB_DATA", str(data))
                for words in commands:
                    assert main.main(words) == 0

        return once(name, run)

    return furnish


@pytest.fixture(scope="session")
def with_model(trained) -> Path:
    """A home in which the small model stands."""
    return trained.folder.parents[1]


@pytest.fixture(scope="session")
def with_results(furnished, with_model) -> Path:
    """A home in which it stands with its activations and its curve."""
    return furnished("with-results", with_model, ["activations", "small"], ["prune", "small"])


@pytest.fixture(scope="session")
def nothing_unlearned(furnished, with_results) -> Path:
    """A home in which the recommended repair was tried on it, and found no class to accuse."""
    with pytest.MonkeyPatch.context() as patch:
        shortened_detection(patch, threshold=np.inf)
        words = [
            "compare-repairs",
            "small",
            "--method",
            f"{RECOMMENDED}:epochs=1,max_accuracy_drop=100",
        ]
        return furnished("nothing-unlearned", with_results, words)


@pytest.fixture(scope="session")
def with_unknown(once) -> Path:
    """A home in which imported networks stand: see `tests.fixtures.unknown.fill`."""
    tensorflow_runtime.import_tensorflow()

    def fill(home: Path) -> None:
        with living_in(home) as patch:
            patch.setenv("PRUNING_LAB_DATA", str(home / "data"))
            unknown.fill(home / "data")

    return once("with-unknown", fill)


@pytest.fixture
def at_unknown(with_unknown, monkeypatch) -> Path:
    """The test's own home, in which they stand, with their images."""
    home = Path(shutil.copytree(with_unknown, paths.home()))
    monkeypatch.setenv("PRUNING_LAB_DATA", str(home / "data"))
    return home


@pytest.fixture
def do_jobs(monkeypatch):
    """A function that does here, where TensorFlow is loaded, what a page has asked a worker to."""
    asked = []

    def start(name: str, arguments: Sequence[str]) -> jobs.Job:
        asked.append([*arguments, "--job", name])
        return jobs.job_named(name)

    def do() -> None:
        while asked:
            assert main.main(asked.pop(0)) in (0, BACKDOOR_FOUND)

    monkeypatch.setattr(jobs, "start", start)
    return do


@pytest.fixture
def move_in(data, monkeypatch):
    """A function that copies a home into the test's own; its data are the small dataset."""

    def move(home: Path) -> Path:
        monkeypatch.setenv("PRUNING_LAB_DATA", str(data))
        return Path(shutil.copytree(home, paths.home()))

    return move


@pytest.fixture
def at_home(move_in, with_model) -> Path:
    """The test's own home, in which the small model stands."""
    return move_in(with_model)


@pytest.fixture
def results(move_in, with_results) -> Path:
    """The test's own home, in which it stands with its activations and its curve."""
    return move_in(with_results)
