"""A package from elsewhere adds to the program: on the command line, in workers, on the pages."""

import json
import os
import subprocess
import sys

import pytest

from engine.cli.repairs import BACKDOOR_FOUND
from engine.core import jobs
from engine.core.paths import PROJECT

CODE = """
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engine.attacks.triggers import Trigger
from engine.core.parameters import parameter
from engine.datasets.dataset import Split
from engine.datasets.source import Found, Parts, Source
from engine.defenses.detectors import Detection, Detector
from engine.defenses.repairs import Repair, Repaired
from engine.networks import edit
from engine.networks.architectures import Architecture


@dataclass(frozen=True)
class RedCorner(Trigger):
    name: ClassVar[str] = "red-corner"
    title: ClassVar[str] = "Red corner"
    summary: ClassVar[str] = "One corner is red."
    reference: ClassVar[str] = "nobody 2026"

    size: int = parameter(2, "Size", "Pixels a side.", minimum=0, maximum=8)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        triggered = images.copy()
        triggered[:, : self.size, : self.size] = (255, 0, 0)
        return triggered


@dataclass(frozen=True)
class DoNothing(Repair):
    name: ClassVar[str] = "do-nothing"
    title: ClassVar[str] = "Nothing at all"
    summary: ClassVar[str] = "The network is copied."
    needs: ClassVar[str] = "none"

    def __call__(self, network, validation):
        return Repaired(edit.clone_network(network), "Nothing was changed.")


@dataclass(frozen=True)
class AlwaysTheFirst(Detector):
    name: ClassVar[str] = "always-the-first"
    title: ClassVar[str] = "Always the first"
    summary: ClassVar[str] = "Flags class 0, whatever the network does."
    reference: ClassVar[str] = "nobody 2026"

    def __call__(self, network, images):
        return Detection(np.eye(network.output_shape[-1])[0], "points", (0,))


@dataclass(frozen=True)
class OneLayer(Architecture):
    name: ClassVar[str] = "one-layer"
    title: ClassVar[str] = "One dense layer"
    summary: ClassVar[str] = "A linear classifier."
    reference: ClassVar[str] = "nobody 2026"

    def build(self, classes, image_shape, seed):
        from keras import Input, Sequential, initializers, layers

        start = initializers.GlorotUniform(seed)
        dense = layers.Dense(classes, activation="softmax", kernel_initializer=start)
        return Sequential([Input(image_shape), layers.Flatten(), dense])


class Noise(Source):
    name = "noise"
    wanted = "nothing: it is made on the spot"

    def locate(self, root):
        return Found((), dict)

    def read(self, files, size, rng):
        def split(count):
            images = rng.integers(0, 256, (count, size, size, 3), dtype=np.uint8)
            return Split(images, np.arange(count) % 3)

        return Parts(("a", "b", "c"), split(60), split(30), np.arange(60) < 12)


noise = Noise()


class Incomplete(Trigger):
    pass
"""

ENTRY_POINTS = """
[backdoor_lab.triggers]
red-corner = lab_plugin:RedCorner
incomplete = lab_plugin:Incomplete

[backdoor_lab.repairs]
do-nothing = lab_plugin:DoNothing

[backdoor_lab.detectors]
always-the-first = lab_plugin:AlwaysTheFirst

[backdoor_lab.architectures]
one-layer = lab_plugin:OneLayer

[backdoor_lab.datasets]
noise = lab_plugin:noise
"""

PAGE = """
import sys

from streamlit.testing.v1 import AppTest

app = AppTest.from_file("app/main.py", default_timeout=120)
app.query_params["triggers-tab"] = "All triggers"
app.switch_page("../pages/triggers.py").run()
assert not app.exception, app.exception
print(*[element.proto.body for element in app.get("html")])
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with an installed package that adds one of every kind, and one that is broken."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "lab_plugin.py").write_text(CODE)
    about = folder / "lab_plugin-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: lab-plugin\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(ENTRY_POINTS)
    return folder


@pytest.fixture
def run(site, monkeypatch):
    """A function that runs Python where the package is installed; its finished process."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), str(PROJECT)]))

    def run(*words):
        command = [sys.executable, *words]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
        assert done.returncode in (0, BACKDOOR_FOUND), done.stderr
        return done

    return run


@pytest.fixture
def engine(run):
    """A function from the words of a command to its answer."""
    return lambda *words: json.loads(run("-m", "engine", *words, "--json").stdout)


def test_all_kinds_are_used_together_on_the_command_line(engine, own_home):
    trained = engine(
        *("train", "noise", "--name", "own", "--trigger", "red-corner:size=3", "--target", "1"),
        *("--network", "one-layer", "--epochs", "1", "--rate", "0.1"),
    )
    assert trained["model"] == "own"
    found = engine("detect", "own", "--detector", "always-the-first")
    assert found["flagged"] == ["a"]
    repaired = engine(
        *("repair", "own", "--method", "do-nothing", "--name", "own-repaired"),
        "--confirm-accuracy",  # it had no time to learn
    )
    assert repaired["after"] == repaired["before"]


def test_a_worker_process_knows_the_package_too(run, own_home):
    start = (
        "from engine.core import jobs;"
        "jobs.start('by-hand', ['data', 'noise', '--json']);"
        "job = jobs.job_named('by-hand');"
        "import time;"
        "[time.sleep(0.1) for _ in iter(lambda: job.status().alive, False)]"
    )
    run("-c", start)
    status = jobs.job_named("by-hand").status()
    assert status.state == "finished", status
    assert status.result["dataset"] == "noise"


def test_the_trigger_stands_in_the_gallery_of_the_page(run, drawn, move_in):
    move_in(drawn)  # so that nothing is drawn first
    assert "One corner is red." in run("-c", PAGE).stdout


def test_what_is_incomplete_costs_one_warning_and_nothing_else(run):
    done = run("-c", "from engine.attacks.triggers import TRIGGERS; print(*TRIGGERS)")
    assert "red-corner" in done.stdout and "incomplete" not in done.stdout
    (warning,) = done.stderr.strip().splitlines()
    assert "'incomplete' of the package 'lab-plugin' is ignored" in warning
    assert "__call__" in warning
