"""Trainings, prunings and repairs that are killed at any point, and then run again."""

import io
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import h5py
import numpy as np

from engine import store
from engine.cli import main
from engine.core import jobs, paths
from engine.networks.untrusted import checksum

PROJECT = Path(__file__).parents[2]
TRAIN = ["train", "folder:few", "--name", "x", "--target", "1", "--rate", "0.15"]
TRAIN += ["--epochs", "2", "--batch", "16"]
PRUNE = ["prune", "x", "--save", "--thresholds", "50"]
REPAIR = ["repair", "x", "--method", "clp", "--name", "y"]


@dataclass(frozen=True)
class Job:
    """A command whose worker is killed.

    Attributes:
        words: of the command.
        makes: the name of the model it stores.
        trained: whether it needs the trained model "x".
        replaced: whether another model has that name, and the command replaces it.
    """

    words: list[str]
    makes: str
    trained: bool = True
    replaced: bool = False


PRUNED = "x-conv2d-5-clean-activation-50"
JOBS = {
    "train": Job(TRAIN, "x", trained=False),
    "train over another": Job([*TRAIN, "--replace"], "x", trained=False, replaced=True),
    "prune": Job(PRUNE, PRUNED),
    "repair": Job(REPAIR, "y"),
}


def weights(stored: store.StoredModel) -> dict[str, np.ndarray]:
    """Every array in a model's file; asserts that the file is intact."""
    path = stored.folder / "model.keras"
    assert checksum(path) == stored.card.sha256
    found: dict[str, np.ndarray] = {}
    with zipfile.ZipFile(path) as archive:
        content = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(content) as file:
        file.visititems(
            lambda name, node: (
                found.update({name: node[()]}) if isinstance(node, h5py.Dataset) else None
            )
        )
    return found


def equal(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> bool:
    return ours.keys() == theirs.keys() and all(
        np.array_equal(array, theirs[name]) for name, array in ours.items()
    )


class Reference:
    """The results of the jobs when they are not killed.

    Attributes:
        folder: where home folders are made.
        data: the folder with the dataset "few".
        made: the weights of the model that each job stores.
    """

    def __init__(self, folder: Path, data: Path) -> None:
        self.folder, self.data = folder, data
        self.made: dict[str, dict[str, np.ndarray]] = {}
        self.measures: dict[str, tuple[int, float]] = {}

    def home(self, job: Job, name: str) -> Path:
        """A new home folder in which the job can begin."""
        home = self.folder / name
        if job.trained:
            self.ensure_made("train")
            for part in ("models", "cache/own"):  # the model, and the record that it is our own
                shutil.copytree(self.folder / "straight-train" / part, home / part)
        home.mkdir(exist_ok=True)
        os.environ["PRUNING_LAB_HOME"] = str(home)
        if job.replaced:
            store.copy_as(store.find("signs-ftrojan-repaired"), job.makes)
        return home

    def ensure_made(self, name: str) -> None:
        """Run a job to its end, once."""
        if name in self.made:
            return
        job = JOBS[name]
        self.home(job, f"straight-{name}")
        self.run(job)
        self.made[name] = weights(store.find(job.makes))

    def run(self, job: Job) -> None:
        """Run a job in this process; if it was finished already, it refuses."""
        printed = io.StringIO()
        with redirect_stdout(printed), redirect_stderr(printed):
            main.main([*job.words, "--root", str(self.data)])
        assert job.makes in store.names(), printed.getvalue()

    def measured(self, name: str) -> tuple[int, float]:
        """The number of file changes of a worker that is not killed, and its seconds."""
        if name not in self.measures:
            self.home(JOBS[name], f"measured-{name}")
            began = time.monotonic()
            victim = self.start(JOBS[name], 0)
            _, errors = victim.communicate()
            assert victim.returncode == 0, errors
            changes = int(errors.rsplit("changes:", 1)[1])
            self.measures[name] = changes, time.monotonic() - began
        return self.measures[name]

    def start(self, job: Job, at: int) -> subprocess.Popen[str]:
        """Start a worker that kills itself before its `at`-th file change; never if it is 0."""
        words = [*job.words, "--root", str(self.data)]
        return subprocess.Popen(
            [sys.executable, "-m", "tests.kills.victim", str(at), *words],
            cwd=PROJECT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def killed(
        self, name: str, at: int = 0, when: Callable[[Path], bool] = lambda _: False
    ) -> bool:
        """Run a job in a worker that is killed, then again to its end, and compare the weights.

        Args:
            name: of the job.
            at: the worker kills itself before this file change; never if it is 0.
            when: called with the home folder repeatedly; once true, the worker is killed.

        Returns:
            Whether the kill came before the end.
        """
        self.ensure_made(name)
        job = JOBS[name]
        home = self.home(job, f"killed-{uuid4().hex}")
        before = own_models()
        victim = self.start(job, at)
        while victim.poll() is None and not when(home):
            time.sleep(0.02)
        victim.kill()
        _, errors = victim.communicate()
        assert victim.returncode in (0, -signal.SIGKILL), errors

        assert not any(run.status().alive for run in jobs.all_jobs())
        left = own_models()
        assert before.keys() <= left.keys() <= {*before, job.makes}
        for model, arrays in left.items():
            new = model == job.makes and equal(arrays, self.made[name])
            assert new or equal(arrays, before[model]), model
        if victim.returncode:
            self.run(job)
        assert not any(home.glob("jobs/*/checkpoint.npz"))
        done = own_models()
        assert equal(done.pop(job.makes), self.made[name])
        assert all(equal(arrays, before[model]) for model, arrays in done.items())
        return victim.returncode != 0


def own_models() -> dict[str, dict[str, np.ndarray]]:
    """The weights of every model in the home folder."""
    seen = sorted(path.name for path in paths.models_folder().glob("[!.]*"))
    assert set(seen) <= set(store.names()), "an incomplete folder is visible"
    return {name: weights(store.find(name)) for name in seen}
