import dataclasses
import errno
import json

import numpy as np
import pandas as pd
import pytest

from engine import store
from engine.core import atomic_files, paths
from engine.core.errors import UserError
from engine.networks import running


@pytest.fixture
def card(trained):
    return dataclasses.replace(trained.card, name="copy")


@pytest.fixture
def network(trained):
    return trained.network()


def test_what_is_saved_is_found_again(card, network, dataset):
    relapse = pd.DataFrame(
        {"images": ["clean"], "epochs": [0], "clean_accuracy": [90.5], "attack_success": [0.5]}
        | {"recovered_accuracy": [80.25]}
    )
    saved = store.save(card, network, {"reactivation": relapse})
    found = store.find("copy")
    assert found.card == saved.card
    assert found.table("reactivation").equals(relapse)
    assert found.table("robustness") is None
    assert "copy" in store.names()
    images = running.scale(dataset.test.images[:5])
    np.testing.assert_array_equal(np.asarray(found.network()(images)), np.asarray(network(images)))


def test_the_convolutions_are_known_without_loading_the_network(card, network):
    saved = store.save(card, network, {})
    assert saved.convolutions() == ["conv2d", *(f"conv2d_{number}" for number in range(1, 6))]


def test_results_are_kept_beside_the_model_with_the_command_that_made_them(card, network):
    saved = store.save(card, network, {})
    table = pd.DataFrame({"index": [1, 2], "label": [0, 3]})
    saved.save_tables({"poisoned": table}, "python -m engine activations copy")
    saved.save_tables({"poisoned": table}, "python -m engine activations copy")
    found = store.find("copy")
    assert found.table("poisoned").equals(table)
    assert found.card.commands == (*card.commands, "python -m engine activations copy")


def test_a_taken_name_is_refused_unless_it_may_be_replaced(card, network):
    store.save(card, network, {})
    with pytest.raises(UserError, match="choose another name, or delete that model first"):
        store.save(card, network, {})
    store.save(dataclasses.replace(card, rate=0.5), network, {}, replace=True)
    assert store.find("copy").card.rate == 0.5
    assert [path.name for path in paths.models_folder().iterdir()] == ["copy"]


def test_a_full_disk_leaves_nothing_behind(card, network, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic_files.os, "fsync", full)
    with pytest.raises(UserError, match="disk is full"):
        store.save(card, network, {})
    assert list(paths.models_folder().iterdir()) == []


def test_the_old_model_is_still_there_after_a_failed_save(card, network, monkeypatch, tmp_path):
    saved = store.save(card, network, {})
    with monkeypatch.context() as patch:
        patch.setattr(
            atomic_files.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, ""))
        )
        with pytest.raises(UserError, match="disk is full"):
            saved.save_tables({"activations": pd.DataFrame({"a": [1]})}, "x")
    assert store.find("copy").table("activations") is None
    assert [p.name for p in paths.models_folder().iterdir()] == ["copy"]


def test_a_folder_without_write_permission_is_reported(monkeypatch, card, network, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("PRUNING_LAB_HOME", str(blocked))
    with pytest.raises(UserError, match="Could not write"):
        store.save(card, network, {})


def test_half_written_folders_are_never_seen(card, network):
    store.save(card, network, {})
    half = paths.models_folder() / ".copy.half"
    half.mkdir()
    (half / "card.json").write_text("{}")
    assert ".copy.half" not in store.names()


@pytest.mark.parametrize("name", ["", "../x", "A", "a b", ".hidden", "a/b", "x" * 81])
def test_names_that_are_no_folder_names_are_refused(name):
    with pytest.raises(UserError, match="cannot be called"):
        store.find(name)


def test_an_unknown_model_is_reported_with_those_there_are(card, network):
    store.save(card, network, {})
    with pytest.raises(UserError, match=r"no model 'nobody'.*copy"):
        store.find("nobody")


@pytest.mark.parametrize(
    "damage",
    [
        lambda card: "not JSON",
        lambda card: "[]",
        lambda card: json.dumps({k: v for k, v in card.items() if k != "target"}),
        lambda card: json.dumps(card | {"surprise": 1}),
        lambda card: json.dumps(card | {"target": 99}),
        lambda card: json.dumps(card | {"target": "ten"}),
        lambda card: json.dumps(card | {"target": 1.5}),
        lambda card: json.dumps(card | {"trigger": "ftrojan:bands=99x1"}),
        lambda card: json.dumps(card | {"scores": {}}),
        lambda card: json.dumps(card | {"scores": {"test": {"clean_accuracy": 90}}}),
        lambda card: json.dumps(card | {"trigger": "hypnosis"}),
        lambda card: json.dumps(card | {"format": 7}),
        lambda card: json.dumps(card | {"scaling": "-1 to 1"}),
        lambda card: json.dumps(card | {"scores": {"test": {"clean_accuracy": "high"}}}),
        lambda card: json.dumps(card | {"scores": 5}),
        lambda card: json.dumps(card | {"image_shape": [32]}),
    ],
)
def test_a_corrupt_card_is_reported_in_one_sentence(card, network, damage):
    saved = store.save(card, network, {})
    path = saved.folder / "card.json"
    path.write_text(damage(json.loads(path.read_text())))
    with pytest.raises(UserError, match="cannot be used") as caught:
        store.find("copy")
    assert "\n" not in str(caught.value)


def test_an_exchanged_network_is_not_opened(card, network):
    saved = store.save(card, network, {})
    path = saved.folder / "model.keras"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match="checksum"):
        saved.network()
    path.unlink()
    with pytest.raises(UserError, match="missing"):
        saved.network()


def test_a_damaged_table_is_reported(card, network):
    saved = store.save(card, network, {})
    (saved.folder / "history.csv").write_bytes(b"")
    with pytest.raises(UserError, match="compute it again"):
        saved.table("history")


def test_a_card_from_before_schedules_says_that_the_learning_rate_was_constant(card, network):
    old = {name: value for name, value in card.training.items() if name != "schedule"}
    saved = store.save(dataclasses.replace(card, training=old), network, {})
    assert saved.card.training["schedule"] == "constant"


def test_files_are_readable_by_others(card, network):
    saved = store.save(card, network, {})
    assert saved.folder.stat().st_mode & 0o755 == 0o755
