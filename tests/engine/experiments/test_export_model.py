"""Networks as files for other programs, and the pair that the import is tried with."""

import dataclasses

import keras
import numpy as np
import onnxruntime
import pytest

from engine import store
from engine.cli import main
from engine.datasets import load_dataset
from engine.experiments import examine, export_model, sample_pair
from engine.networks import input_format
from engine.networks.input_format import InputFormat

FORM = InputFormat("0..255", "bgr", "logits", (2, 0, 1))
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)


def outputs_of(file, values: np.ndarray) -> np.ndarray:
    """What a file gives, in its own framework, for float32 [n, height, width, 3]."""
    if file.suffix == ".keras":
        return np.asarray(keras.saving.load_model(file, compile=False)(values))
    session = onnxruntime.InferenceSession(file)
    (taken,) = session.get_inputs()
    if taken.shape[1] == 3:
        values = values.transpose(0, 3, 1, 2)
    return np.asarray(session.run(None, {taken.name: values})[0])


@pytest.fixture(scope="module")
def original() -> keras.Model:
    """A network from elsewhere: 0 to 255, blue first, logits."""
    inputs = keras.Input((8, 8, 3))
    values = keras.layers.Conv2D(4, 3, activation="relu")(inputs)
    values = keras.layers.GlobalAveragePooling2D()(values)
    return keras.Model(inputs, keras.layers.Dense(3)(values))


@pytest.fixture
def imported(at_home, original) -> store.StoredModel:
    """The same network as the import stores it."""
    card = dataclasses.replace(
        store.find("small").card,
        name="theirs",
        image_shape=(8, 8, 3),
        class_names=("a", "b", "c"),
        trigger="",
        target=None,
        rate=None,
        poisoned=None,
        poisoning={},
        training={},
        scores={split: {"clean_accuracy": 50.0} for split in ("validation", "test")},
        imported={
            "file": "theirs.onnx",
            "format": "onnx",
            **FORM.as_dict(),
            "channels_first": True,
            "left_out": [],
        },
    )
    return store.save(card, input_format.adapt(original, FORM), {})


@pytest.mark.parametrize("ending", export_model.FORMATS)
def test_an_imported_network_leaves_as_it_came(imported, original, tmp_path, ending):
    file = export_model.export(imported, tmp_path / f"theirs.{ending}")
    own = FORM.scaled(IMAGES)
    expected = np.asarray(original(own))
    np.testing.assert_allclose(outputs_of(file, own), expected, rtol=1e-4, atol=1e-3)
    if ending == "onnx":
        (taken,) = onnxruntime.InferenceSession(file).get_inputs()
        assert taken.shape[1:] == [3, 8, 8], "colours first, as in its file"


@pytest.mark.parametrize("ending", export_model.FORMATS)
def test_a_network_of_this_program_takes_0_to_1_and_gives_probabilities(at_home, tmp_path, ending):
    small = store.find("small")
    images = np.random.default_rng(0).integers(0, 256, (2, *small.card.image_shape), np.uint8)
    file = tmp_path / f"small.{ending}"
    assert main.main(["export", "small", "--out", str(file)]) == 0
    expected = small.numpy_network().probabilities(images)
    found = outputs_of(file, (images / 255).astype(np.float32))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_an_unknown_format_is_refused_before_any_work(at_home, capsys, tmp_path):
    assert main.main(["export", "small", "--out", str(tmp_path / "x.pt")]) == 2
    assert "no format 'pt': choose from keras, onnx" in capsys.readouterr().err
    assert main.main(["export", "small", "--repair", "clp"]) == 2
    assert "compare-repairs small --method clp" in capsys.readouterr().err


def test_the_file_to_download_depends_on_network_and_form(imported):
    small = store.find("small")
    assert export_model.file_for_download(small, "keras") == small.folder / "model.keras"
    other = dataclasses.replace(imported.card, imported={**imported.card.imported, "range": "0..1"})
    files = {
        export_model.file_for_download(model, "onnx")
        for model in (small, imported, store.StoredModel(imported.folder, other))
    }
    assert len(files) == 3


def test_an_import_finds_out_everything_about_the_sample_pair(tmp_path):
    files = sample_pair.write(tmp_path)
    assert files["images"].read_bytes() == sample_pair.pack_images(), "always the same"
    opened = examine.open_for(
        files["network"], lambda size: load_dataset(f"folder:{files['images']}", size=size)
    )
    assert sum(len(opened.dataset.split(name)) for name in ("train", "validation", "test")) == 200
    found = examine.examine(opened)
    assert (found.format, found.channels_first, found.side) == ("onnx", True, 32)
    assert store.find(sample_pair.MODEL).card.target in sample_pair.LABELS
    assert found.winner is not None
    assert found.form(found.winner) == InputFormat(
        "0..255", "rgb", "logits", tuple(int(place) for place in sample_pair.outputs_by_class())
    )
