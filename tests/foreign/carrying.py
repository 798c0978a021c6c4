"""Taking a network from elsewhere through the whole program."""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import keras
import numpy as np

from engine.datasets import Dataset, load_dataset
from engine.defenses.detectors import parse_detector
from engine.defenses.pruning.orders import DEFAULT_ORDER
from engine.defenses.repairs import parse_repair
from engine.experiments import analyze, examine, export_model, import_model, run_repairs
from engine.experiments.examine import Opened
from engine.experiments.import_model import Choices
from engine.experiments.new_model import NewModel
from engine.networks.standard_form import standardize
from engine.networks.untrusted import OpenedNetwork, checks
from engine.store import StoredModel
from tests.fixtures.foreign_networks import CLASSES, SIDE, Foreign
from tests.pages.driving import open_page

COMMAND = "made by a test"
PAGES = ("overview", "activations", "pruning", "repairs")


def draw_images(folder: Path) -> None:
    """Images of six classes, each with its own colours in 4x4 blocks, and noise."""
    rng = np.random.default_rng(3)
    patterns = rng.integers(20, 236, (CLASSES, 4, 4, 3))
    for split, count in (("train", 30), ("validation", 20), ("test", 20)):
        for label, pattern in enumerate(patterns):
            place = folder / split / f"{label}"
            place.mkdir(parents=True)
            for number in range(count):
                blocks = np.kron(pattern, np.ones((SIDE // 4, SIDE // 4, 1)))
                image = np.clip(blocks + rng.normal(0, 25, blocks.shape), 0, 255)
                cv2.imwrite(str(place / f"{number:02d}.png"), image.astype(np.uint8)[..., ::-1])


def open_file(file: Path, dataset: Dataset) -> Opened:
    """What `examine.open_for` gives, without a process of its own for each of many files."""
    with tempfile.TemporaryDirectory() as folder:
        checked = checks.check(file, Path(folder))
        network, channels_first = checked.build()
    standard = standardize(network)
    about = OpenedNetwork(file, checked.format, channels_first, standard.left_out)
    return Opened(file.name, about, standard.network, dataset)


def bring_in(file: Path, foreign: Foreign, dataset: Dataset) -> StoredModel:
    """Import a network whose input range, colours and class order the user knows."""
    form = foreign.form
    found = examine.examine(open_file(file, dataset))
    names = {candidate.class_order: candidate.order for candidate in found.candidates}
    if form.class_order not in names:
        names[form.class_order] = "fitted"
    assert found.outputs == form.outputs
    choices = Choices(form.range, form.colours, "", names[form.class_order])
    return import_model.import_model(open_file(file, dataset), choices, NewModel("theirs", COMMAND))


def check_whole_way(foreign: Foreign, folder: Path, short_detection) -> None:
    """Import, evaluate, activations, prune, a detector, a repair, pages, and out again."""
    dataset = load_dataset("folder:own", size=SIDE)
    network = foreign.build(dataset)
    file = foreign.write(network, folder)
    stored = bring_in(file, foreign, dataset)
    accuracy = foreign.own_accuracy(network, dataset)

    measured = analyze.evaluate(stored, dataset).percentages()["clean_accuracy"]
    assert abs(measured - accuracy) <= 0.1
    assert "attack_success" not in stored.card.scores["test"]

    stored = stored.save_tables(
        {"activations": analyze.measure_activations(stored, dataset)}, COMMAND
    )
    layer = analyze.last_convolution(stored)
    analyze.prune(stored, dataset, layer, [DEFAULT_ORDER])
    short_detection(threshold=np.inf)
    one_family = parse_detector("trigger-inversion:families=blend")  # they differ in no layer
    assert len(analyze.detect(stored, dataset, one_family).scores) == CLASSES
    run_repairs.repair(
        stored, dataset, parse_repair("fine-tuning:epochs=1"), NewModel("repaired", COMMAND), True
    )
    for page in PAGES:
        open_page(page, "theirs")
    check_download(stored, foreign, network, dataset)


def check_download(
    stored: StoredModel, foreign: Foreign, network: keras.Model, dataset: Dataset
) -> None:
    """A download takes and gives what the network took and gave when it came."""
    images = dataset.test.images[:8]
    own = foreign.form.scaled(images)
    file = export_model.export(stored, stored.folder / "out.keras")

    back = keras.saving.load_model(file, compile=False)

    expected = np.asarray(network(own, training=False))
    tolerance = 2e-2 if foreign.policy != "float32" else 2e-3 * max(1, np.abs(expected).max())
    np.testing.assert_allclose(np.asarray(back(own, training=False)), expected, atol=tolerance)
