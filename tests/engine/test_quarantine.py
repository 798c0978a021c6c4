import dataclasses
import hashlib
import io
import json
import shutil
import zipfile

import h5py
import keras
import numpy as np
import pytest

from engine import cli, networks, quarantine, store
from engine.errors import LabError


@pytest.fixture
def genuine(trained, tmp_path):
    file = tmp_path / "theirs.keras"
    file.write_bytes((trained.folder / "model.keras").read_bytes())
    return file


def changed(file, **members):
    """The archive with other members; None leaves one out."""
    with zipfile.ZipFile(file) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    content |= {name.replace("_json", ".json"): value for name, value in members.items()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in content.items():
            if value is not None:
                archive.writestr(name, value)
    return file


def config_of(file):
    with zipfile.ZipFile(file) as archive:
        return json.loads(archive.read("config.json"))


def test_a_network_is_written_anew_with_the_same_predictions(genuine, trained, dataset, tmp_path):
    quarantine.rebuild(genuine, tmp_path / "fresh.keras")
    images = networks.scale(dataset.test.images[:20])
    ours, theirs = (
        np.asarray(model(images))
        for model in (store.open_network(tmp_path / "fresh.keras"), trained.network())
    )
    np.testing.assert_array_equal(ours, theirs)


def refused(file, said):
    with pytest.raises(LabError, match=said) as caught:
        quarantine.rebuild(file, file.with_name("fresh.keras"))
    assert "\n" not in str(caught.value)
    assert not file.with_name("fresh.keras").exists()


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04"])
def test_what_is_no_archive_is_refused(tmp_path, content):
    file = tmp_path / "x.keras"
    file.write_bytes(content)
    refused(file, "not a whole .keras file")


def test_an_archive_with_more_or_less_in_it_is_refused(genuine):
    refused(changed(genuine, surprise=b"x"), "nothing else")
    refused(changed(genuine, surprise=None, metadata_json=None), "nothing else")


def test_a_lambda_is_refused(genuine):
    config = config_of(genuine)
    config["config"]["layers"].append({"module": "keras.layers", "class_name": "Lambda"})
    refused(changed(genuine, config_json=json.dumps(config)), "'Lambda'")


def test_a_class_from_elsewhere_is_refused(genuine):
    config = config_of(genuine)
    config["config"]["layers"][2]["module"] = "os"
    refused(changed(genuine, config_json=json.dumps(config)), "not loaded from a file")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"class_name": "Dense", "module": "keras.layers", "units": 10**9}, "at most 8192"),
        ([{"class_name": "Dense", "module": "keras"}] * 500, "more than 400 layers"),
        (json.loads("[" * 60 + "]" * 60), "nested too deeply"),
    ],
)
def test_a_description_that_asks_for_too_much_is_refused(genuine, config, said):
    refused(changed(genuine, config_json=json.dumps(config)), said)


def test_a_description_that_unfolds_to_gigabytes_is_refused(genuine):
    refused(changed(genuine, config_json=b" " * (3 << 20)), "far too large")


def weights_of(declare):
    """Weights in HDF5, as `declare` writes them into the group of a convolution."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        declare(file.create_group("layers/conv2d/vars"))
    return {"model.weights.h5": buffer.getvalue()}


@pytest.mark.parametrize(
    ("declare", "said"),
    [
        (lambda group: group.create_dataset("0", (1 << 20, 1 << 14), "f8"), "unpack to too much"),
        (lambda group: group.__setitem__("again", group.file["layers"]), "unpack to too much"),
        (lambda group: group.__setitem__("0", h5py.SoftLink("/layers")), "point elsewhere"),
        (lambda group: group.__setitem__("0", h5py.ExternalLink("x.h5", "/")), "point elsewhere"),
        (
            lambda group: group.create_dataset("0", (4,), "u1", external=[("/etc/hosts", 0, 4)]),
            "not all plain arrays",
        ),
        (lambda group: group.__setitem__("0", np.dtype("f8")), "not all plain arrays"),
    ],
    ids=["gigabytes", "a circle", "soft link", "another file's", "a file's bytes", "a type"],
)
def test_weights_that_unpack_to_too_much_or_point_elsewhere_are_refused(genuine, declare, said):
    refused(changed(genuine, **weights_of(declare)), said)


def test_damaged_weights_are_refused_without_harm_to_this_process(genuine):
    with zipfile.ZipFile(genuine) as archive:
        weights = bytearray(archive.read("model.weights.h5"))
    weights[100:400] = bytes(300)
    refused(changed(genuine, **{"model.weights.h5": bytes(weights)}), "cannot be opened")


def test_a_network_that_takes_no_images_is_refused(tmp_path):
    file = tmp_path / "flat.keras"
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save(file)
    refused(file, "not images of a fixed size")


def test_an_imported_model_is_scored_and_kept(at_home, genuine, trained, capsys):
    words = ["import", str(genuine), "folder:signs", "--name", "theirs", "--target", "1"]
    assert cli.main([*words, "--trigger", trained.card.trigger, "--json"]) == 0
    capsys.readouterr()
    scores = store.find("theirs").card.scores["test"]
    assert scores == pytest.approx(trained.card.scores["test"])


def test_an_imported_model_that_does_not_fit_the_data_leaves_nothing(at_home, tmp_path, capsys):
    file = tmp_path / "wide.keras"
    networks.paper_network(classes=9).save(file)
    words = ["import", str(file), "folder:signs", "--name", "theirs", "--target", "1"]
    assert cli.main(words) == 2
    assert "9 classes apart" in capsys.readouterr().err
    assert "theirs" not in store.names()


def test_a_model_folder_from_elsewhere_is_not_opened_if_its_network_may_act(trained, tmp_path):
    folder = tmp_path / "theirs"
    shutil.copytree(trained.folder, folder)
    file = folder / "model.keras"
    config = config_of(file)
    config["config"]["layers"][1]["class_name"] = "Lambda"
    changed(file, config_json=json.dumps(config))
    # Who exchanges the network can write its checksum on the card, too.
    checksum = hashlib.sha256(file.read_bytes()).hexdigest()
    stored = store.Stored(folder, dataclasses.replace(trained.card, sha256=checksum))
    with pytest.raises(LabError, match="Lambda"):
        stored.network()
