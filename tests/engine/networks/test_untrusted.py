"""Networks from elsewhere are opened by a child process with little power."""

import dataclasses
import hashlib
import json
import shutil
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from engine import store
from engine.core import paths
from engine.core.errors import UserError
from engine.networks import running, untrusted
from engine.networks.untrusted import checks, own_files
from tests.fixtures import onnx_networks
from tests.hostile import networks as hostile

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def examined(tmp_path_factory):
    """A genuine network of somebody else's, packed, in a home where the child has opened it."""
    home = tmp_path_factory.mktemp("examined")
    path = home / "theirs.keras"
    members = hostile.genuine()
    members["metadata.json"] += b" "  # so that its checksum is not known here
    hostile.packed(path, members, zipfile.ZIP_DEFLATED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRUNING_LAB_HOME", str(home))
        untrusted.open_network_file(path, path.name)
    return path


@pytest.fixture
def theirs(examined, monkeypatch):
    """That network, where this test's home has the outcome; no child is started again."""
    shutil.copytree(examined.parent / "cache", paths.cache_folder())
    monkeypatch.setattr(untrusted.opening.subprocess, "run", lambda *a, **k: pytest.fail("a child"))
    return examined


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


def test_a_file_is_examined_once_for_its_contents(theirs):
    in_models(theirs).parts()
    in_models(theirs, "again").parts()


def test_a_file_is_found_from_the_folder_in_which_the_program_was_started(tmp_path, monkeypatch):
    hostile.NETWORKS["a-lambda"](tmp_path / "x.keras")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="'Lambda'"):
        untrusted.open_network_file(Path("x.keras"), "x.keras")


def test_a_refusal_is_kept_too(tmp_path, monkeypatch):
    hostile.NETWORKS["a-lambda"](tmp_path / "x.keras")
    for _ in range(2):
        with pytest.raises(UserError, match="'Lambda'"):
            untrusted.open_network_file(tmp_path / "x.keras", "x.keras")
        monkeypatch.setattr(
            untrusted.opening.subprocess, "run", lambda *a, **k: pytest.fail("once more")
        )


def test_what_this_program_wrote_is_opened_as_it_is_and_by_the_child_once_that_is_forgotten(theirs):
    stored = in_models(theirs)
    own_files.add(stored.folder / "model.keras")
    assert stored.parts().config["class_name"] == "Sequential"
    stored.network()
    shutil.rmtree(paths.cache_folder() / "own")
    assert stored.parts().config["class_name"] == "Functional"


def test_a_copy_of_a_model_is_this_programs_own():
    copy = store.copy_as(shipped(), "copy")
    assert own_files.is_own(copy.card.sha256)


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
    checked = checks.check(tmp_path / "x.keras", tmp_path)
    assert "compile_config" not in json.dumps(checked.parts.config)


def test_the_child_tells_the_format_and_what_it_left_out(tmp_path):
    model = onnx_networks.NETWORKS["plain"](16, 3)
    (tmp_path / "theirs.onnx").write_bytes(model.SerializeToString())
    found = untrusted.open_network_file(tmp_path / "theirs.onnx", "theirs.onnx")
    assert (found.format, found.channels_first, found.left_out) == ("onnx", True, ())
    assert store.open_network(found.file).input_shape == (None, 16, 16, 3)
    assert untrusted.rewritten_parts(tmp_path / "theirs.onnx", "it").input_shape() == (16, 16, 3)


def test_a_large_upload_is_refused_in_a_sentence(tmp_path):
    with (tmp_path / "large.keras").open("wb") as file:
        file.truncate(600 << 20)
    with pytest.raises(UserError, match=r"large.keras is larger than 516 MB: it is not opened"):
        untrusted.open_network_file(tmp_path / "large.keras", "large.keras")


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
