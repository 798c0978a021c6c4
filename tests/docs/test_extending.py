"""The code in docs/extending.md is complete, and does what the document says."""

import re
import tomllib

import numpy as np
import pytest

from engine.attacks.triggers import TRIGGERS
from engine.core.paths import PROJECT
from engine.core.registry import check_complete
from engine.datasets import SOURCES, Split
from engine.defenses.detectors import DETECTORS
from engine.defenses.repairs import REPAIRS
from engine.networks.architectures import ARCHITECTURES

TEXT = (PROJECT / "docs" / "extending.md").read_text(encoding="utf-8")
KINDS = (TRIGGERS, DETECTORS, REPAIRS, ARCHITECTURES, SOURCES)
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)
SPLIT = Split(IMAGES, np.arange(12) % 3)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.M | re.S)


@pytest.fixture(scope="module")
def written():
    """What the blocks define, by name; each block is run by itself."""
    found = {}
    for code in blocks("python"):
        names = {"__name__": "extension"}
        exec(code, names)
        found |= names
    return found


@pytest.fixture(scope="module")
def network(written):
    return written["OneLayer"]().build(3, (8, 8, 3), seed=0)


def test_every_example_fulfils_its_contract(written):
    for name, registry in zip(
        ("RedCorner", "MostConfused", "ShrinkWeights", "OneLayer", "noise"), KINDS, strict=True
    ):
        check_complete(written[name], registry.contract)


def test_the_trigger_paints_the_corner(written):
    triggered = written["RedCorner"](size=2)(IMAGES)
    assert (triggered[:, :2, :2] == (255, 0, 0)).all()
    np.testing.assert_array_equal(triggered[:, 2:], IMAGES[:, 2:])


def test_the_detector_counts_the_wrong_predictions_of_each_class(written, network):
    found = written["MostConfused"]()(network, SPLIT)
    predicted = network.predict(IMAGES / np.float32(255), verbose=0).argmax(axis=1)
    wrong = [label for label, true in zip(predicted, SPLIT.labels, strict=True) if label != true]
    assert found.scores.tolist() == [wrong.count(label) for label in range(3)]
    assert found.flagged == ((int(found.scores.argmax()),) if wrong else ())


def test_the_repair_shrinks_a_copy(written, network):
    repaired = written["ShrinkWeights"](factor=0.5)(network, SPLIT)
    for old, new in zip(network.get_weights(), repaired.network.get_weights(), strict=True):
        np.testing.assert_allclose(new, old / 2)


def test_the_dataset_is_read(written):
    parts = written["noise"].read({}, 8, np.random.default_rng(0))
    assert len(parts.train) == 60 and len(parts.test) == 30 and parts.validation.sum() == 12


def test_the_table_names_every_registry():
    groups = {group for registry in KINDS for group in [registry.group]}
    assert groups == set(re.findall(r"`(backdoor_lab\.\w+)` \|$", TEXT, re.M))
    (entry,) = (tomllib.loads(text) for text in blocks("toml"))
    assert set(entry["project"]["entry-points"]) <= groups


def test_every_file_named_is_there():
    paths = re.findall(r"`(engine/[\w/]+(?:\.py)?/?)`", TEXT)
    assert paths
    assert [path for path in paths if not (PROJECT / path).exists()] == []
