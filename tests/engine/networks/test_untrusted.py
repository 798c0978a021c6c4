"""Networks from elsewhere are opened by a child process with little power."""

import dataclasses
import hashlib
import json
import shutil
import socket
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

from engine import store
from engine.cli import main
from engine.core import paths
from engine.core.errors import UserError
from engine.networks import architectures, numpy_inference, running, untrusted
from engine.networks.untrusted import own_files
from tests.hostile import networks as hostile

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)


@pytest.fixture
def theirs(tmp_path):
    """A genuine network of somebody else's: no byte of it is known here."""
    path = tmp_path / "theirs.keras"
    members = hostile.genuine()
    hostile.packed(path, members | {"metadata.json": members["metadata.json"] + b" "})
    return path


def in_models(path, name="theirs"):
    """The network put into the models folder by hand, with a card that fits it."""
    folder = paths.models_folder() / name
    folder.mkdir(parents=True)
    shutil.copyfile(path, folder / "model.keras")
    card = dataclasses.replace(
        store.find("signs-clean").card,
        name=name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )
    (folder / "card.json").write_text(card.to_json())
    return store.find(name)


def shipped():
    return store.find("signs-clean")


def test_a_strangers_network_predicts_the_same_in_numpy_and_in_keras_once_it_is_rewritten(theirs):
    stored = in_models(theirs)
    expected = shipped().numpy_network().probabilities(IMAGES)
    np.testing.assert_array_equal(stored.numpy_network().probabilities(IMAGES), expected)
    np.testing.assert_allclose(stored.network()(running.scale(IMAGES)), expected, atol=2e-5)
    assert stored.convolutions() == shipped().convolutions()


def test_a_file_is_examined_once_for_its_contents(theirs, monkeypatch):
    stored = in_models(theirs)
    stored.parts()
    monkeypatch.setattr(
        untrusted.opening.subprocess, "run", lambda *a, **k: pytest.fail("once more")
    )
    stored.parts()
    in_models(theirs, "again").parts()


def test_a_refusal_is_kept_too(tmp_path, monkeypatch):
    hostile.NETWORKS["a-lambda"](tmp_path / "x.keras")
    for _ in range(2):
        with pytest.raises(UserError, match="'Lambda'"):
            untrusted.rewritten_parts(tmp_path / "x.keras", "x.keras")
        monkeypatch.setattr(
            untrusted.opening.subprocess, "run", lambda *a, **k: pytest.fail("once more")
        )


def test_what_this_program_wrote_is_opened_without_a_child(theirs, monkeypatch):
    monkeypatch.setattr(untrusted.opening.subprocess, "run", lambda *a, **k: pytest.fail("a child"))
    copy = store.copy_as(shipped(), "copy")
    assert own_files.is_own(copy.card.sha256)
    copy.numpy_network()
    copy.network()


def test_a_network_this_program_wrote_is_opened_by_the_child_once_that_is_forgotten():
    network = architectures.paper_network()
    stored = store.save(dataclasses.replace(shipped().card, name="mine"), network, {})
    assert own_files.is_own(stored.card.sha256)
    shutil.rmtree(paths.cache_folder())
    assert not own_files.is_own(stored.card.sha256)
    assert stored.convolutions() == shipped().convolutions()


def test_every_shipped_network_and_trigger_is_known_by_its_checksum():
    found = {
        hashlib.sha256(path.read_bytes()).hexdigest()
        for pattern in ("*/model.keras", "*/trigger-*.npz")
        for path in paths.SHIPPED_MODELS.glob(pattern)
        if (path.parent / "card.json").exists()
    }
    assert own_files.shipped() == found


def test_a_network_that_does_not_fit_its_card_is_refused(theirs):
    stored = in_models(theirs)
    wide = dataclasses.replace(stored.card, image_shape=(64, 64, 3))
    with pytest.raises(UserError, match="other images than its card"):
        dataclasses.replace(stored, card=wide).parts()
    two = dataclasses.replace(stored.card, class_names=("a", "b"), target=1)
    with pytest.raises(UserError, match="other classes"):
        dataclasses.replace(stored, card=two).numpy_network()


def test_how_a_network_was_trained_is_left_out_and_so_does_no_harm(tmp_path):
    def compiled(described):
        described["compile_config"] = {"loss": {"class_name": "Lambda", "module": "os"}}

    hostile.config("compiled", compiled)
    hostile.NETWORKS.pop("compiled")(tmp_path / "x.keras")
    parts = untrusted.rewritten_parts(tmp_path / "x.keras", "x.keras")
    assert "compile_config" not in json.dumps(parts.config)


def branching():
    inputs = keras.Input((16, 16, 3))
    left = keras.layers.Conv2D(4, 3, padding="same", name="Left_1")(inputs)
    right = keras.layers.Conv2D(4, 1)(inputs)
    values = keras.layers.ReLU()(keras.layers.Add()([left, right]))
    values = keras.layers.GlobalAveragePooling2D()(values)
    return keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(values))


def small(*layers):
    return keras.Sequential([keras.Input((16, 16, 3)), *layers])


def compiled_model():
    model = small(keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(np.zeros((2, 16, 16, 3), np.float32), np.array([0, 1]), verbose=0)
    return model


GENUINE = {
    "the paper's network": lambda: architectures.paper_network(7),
    "a branching one": branching,
    "one that was compiled": compiled_model,
    "one with a rescaling inside": lambda: small(
        keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(4, 3, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(3),
    ),
}


@pytest.mark.parametrize("make", GENUINE.values(), ids=GENUINE)
def test_genuine_networks_are_accepted_and_predict_the_same(make, tmp_path):
    model = make()
    model.save(tmp_path / "genuine.keras")
    again = store.open_network(untrusted.rebuilt(tmp_path / "genuine.keras", "genuine.keras"))
    images = running.scale(IMAGES[:, : model.input_shape[1], : model.input_shape[2]])
    np.testing.assert_array_equal(again(images), model(images))
    parts = untrusted.rewritten_parts(tmp_path / "genuine.keras", "genuine.keras")
    assert parts.input_shape() == model.input_shape[1:]


def test_a_branching_network_is_rewritten_and_runs_without_tensorflow(tmp_path):
    model, images = branching(), IMAGES[:, :16, :16]
    model.save(tmp_path / "branches.keras")
    parts = untrusted.rewritten_parts(tmp_path / "branches.keras", "it")
    assert parts.convolutions()[0] == "Left_1"
    found = numpy_inference.load(parts).probabilities(images)
    np.testing.assert_allclose(found, model(running.scale(images)), atol=1e-5)


def confined(folder, code):
    """What `code` prints in a process that has confined itself to `folder`."""
    setup = (
        "from pathlib import Path; from engine.networks.untrusted import confine;"
        f"confine.confine(Path({str(folder)!r}), 20, 1 << 30)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", setup + code],
        cwd=paths.PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


linux = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are Linux's")


@linux
def test_the_child_writes_to_its_own_folder_alone(tmp_path):
    own, other = tmp_path / "own", tmp_path / "other"
    own.mkdir()
    other.mkdir()
    (other / "precious").write_text("x")
    assert confined(own, f"open({str(own / 'a')!r}, 'w'); print('written')") == "written"
    assert "PermissionError" in confined(own, f"open({str(other / 'a')!r}, 'w')")
    assert "PermissionError" in confined(own, f"open({str(other / 'precious')!r}, 'a')")
    assert "PermissionError" in confined(own, f"import os; os.unlink({str(other / 'precious')!r})")
    assert "PermissionError" in confined(own, f"import os; os.mkdir({str(other / 'b')!r})")
    assert [path.name for path in other.iterdir()] == ["precious"]


@linux
def test_the_child_has_no_network_and_starts_no_program(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import socket; socket.create_connection(('127.0.0.1', {port}))"
        assert "PermissionError" in confined(tmp_path, code)
    assert "PermissionError" in confined(tmp_path, "import subprocess; subprocess.run(['true'])")


def test_the_child_has_little_memory(tmp_path):
    if sys.platform == "win32":
        pytest.skip("Windows has no such limits")
    assert confined(tmp_path, "bytes(2 << 30)") == "MemoryError"


def test_an_imported_model_is_scored_and_kept(at_home, trained, tmp_path, capsys):
    file = tmp_path / "theirs.keras"
    shutil.copyfile(trained.folder / "model.keras", file)
    words = ["import", str(file), "folder:signs", "--name", "theirs", "--target", "1"]
    assert main.main([*words, "--trigger", trained.card.trigger, "--json"]) == 0
    capsys.readouterr()
    scores = store.find("theirs").card.scores["test"]
    assert scores == pytest.approx(trained.card.scores["test"])


def test_an_imported_model_that_does_not_fit_the_data_leaves_nothing(at_home, tmp_path, capsys):
    file = tmp_path / "wide.keras"
    architectures.paper_network(classes=9).save(file)
    words = ["import", str(file), "folder:signs", "--name", "theirs", "--target", "1"]
    assert main.main(words) == 2
    assert "9 classes, but the data has" in capsys.readouterr().err
    assert "theirs" not in store.names()


def test_an_archive_that_is_stored_with_deflate_is_accepted_too(tmp_path):
    hostile.packed(tmp_path / "x.keras", hostile.genuine(), zipfile.ZIP_DEFLATED)
    parts = untrusted.rewritten_parts(tmp_path / "x.keras", "x.keras")
    assert parts.input_shape() == (32, 32, 3)
