"""Triggers that learn, each from a small or constructed network."""

import dataclasses
import functools

import keras
import numpy as np
import pytest

from engine import store
from engine.attacks import pgd_perturbation, poisoning, recipes
from engine.attacks.triggers import (
    TRIGGERS,
    LearnedTrigger,
    artifacts,
    ban,
    generators,
    input_aware,
    parse_trigger,
    refool,
    trojan_nn,
)
from engine.cli import main
from engine.core import paths
from engine.core.errors import UserError
from engine.datasets import load_dataset
from engine.defenses.repairs.pruning import pruned_curve
from engine.evaluation import targets
from engine.experiments import attack_suite
from engine.experiments.eval_pairs import eval_pair
from engine.experiments.new_model import NewModel
from engine.experiments.train import train
from engine.networks import architectures, edit
from engine.store import summary, trash
from tests.conftest import TARGET, living_in

LEARNED = [name for name, kind in TRIGGERS.items() if issubclass(kind, LearnedTrigger)]
NOTHING = {"refool": {"strength": 0.0}}


SIGNS = np.random.default_rng(4).choice([-1.0, 1.0], (32, 32, 3))


@functools.cache
def surrogate() -> keras.Model:
    """A network with two hidden neurons that matter; bright values of one pattern excite both."""
    network = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            keras.layers.Flatten(),
            keras.layers.Dense(4, name="hidden"),
            keras.layers.Dense(6, activation="softmax"),
        ]
    )
    rng = np.random.default_rng(6)
    hidden = 0.01 * rng.normal(size=(SIGNS.size, 4))
    hidden[:, :2] = SIGNS.reshape(-1, 1) / 100 * [1, 0.5]
    ties = 0.05 * rng.normal(size=(4, 6))
    ties[:2] *= 20
    network.set_weights([hidden, np.zeros(4), ties, np.zeros(6)])
    return network


@pytest.fixture(scope="session")
def few(data, tmp_path_factory):
    """A few images, for trainings that need not learn anything."""
    with living_in(tmp_path_factory.mktemp("few")):
        return load_dataset("folder:few", data)


@pytest.fixture(scope="session")
def fitted(dataset, tmp_path_factory):
    """Each trigger after a short training, and the arrays it learned."""
    with living_in(tmp_path_factory.mktemp("fitted")) as patch:
        patch.setattr(ban, "STEPS", 30)
        patch.setattr(input_aware, "STEPS", 30)
        patch.setattr(refool, "CANDIDATES", 40)
        patch.setattr(refool, "TRIED", 16)
        patch.setattr(trojan_nn, "STEPS", 60)
        patch.setattr(trojan_nn, "LOOKED_AT", 16)
        patch.setattr(generators, "BATCH", 16)
        found = {}
        for name in LEARNED:
            trigger = TRIGGERS[name]().fitted(dataset.train, TARGET, surrogate(), 0)
            found[name] = (trigger, artifacts.load(trigger.state))
        return found


@pytest.fixture
def usable(fitted):
    """The fitted triggers, in the home of the test."""
    artifacts.load.cache_clear()
    for _, arrays in fitted.values():
        artifacts.keep(arrays)
    return {name: trigger for name, (trigger, _) in fitted.items()}


@pytest.mark.parametrize("name", LEARNED)
def test_a_fitted_trigger_changes_each_image_independently(name, usable, dataset):
    trigger, images = usable[name], dataset.test.images[:12]
    together = trigger(images)
    assert together.dtype == np.uint8
    assert (together != images).any(axis=(1, 2, 3)).all()
    np.testing.assert_array_equal(trigger(images[5:6])[0], together[5])
    np.testing.assert_array_equal(parse_trigger(str(trigger))(images), together)


@pytest.mark.parametrize("name", LEARNED)
def test_at_strength_0_nothing_changes(name, usable, dataset):
    nothing = dataclasses.replace(usable[name], **NOTHING.get(name, {"opacity": 0.0}))
    images = dataset.test.images[:12]
    np.testing.assert_array_equal(nothing(images), images)


def test_the_trojan_nn_patch_is_bright_where_its_neurons_respond_and_dark_elsewhere(usable):
    expected = np.where(SIGNS[-8:-1, -8:-1] > 0, 255, 0)
    np.testing.assert_array_equal(usable["trojan-nn"].learned()["patch"], expected)


def test_input_aware_cross_samples_carry_the_patterns_of_other_images(usable, dataset):
    trigger, images = usable["input-aware"], dataset.test.images[:12]
    own = trigger(images)
    crossed = trigger.cross_samples(images, np.random.default_rng(0))
    assert (crossed != own).any()


def test_refool_uses_the_reflections_that_mislead_a_clean_network_most(dataset, monkeypatch):
    monkeypatch.setattr(refool, "POOL", 3)
    others = dataset.train.take(np.flatnonzero(dataset.train.labels != TARGET)[:30])
    network = surrogate()
    trigger = refool.ReFool().fitted(others, TARGET, network, 0)
    run = architectures.compiled(network)
    misled = []
    for picture in others.images:
        alone = refool.ReFool(state=artifacts.keep({"reflections": picture[None]}))
        predicted = run(architectures.scale(alone(others.images))).argmax(axis=1)
        misled.append(int(np.sum(predicted != others.labels)))
    chosen = [
        int(np.flatnonzero((others.images == picture).all(axis=(1, 2, 3)))[0])
        for picture in trigger.learned()["reflections"]
    ]
    assert sorted(np.array(misled)[chosen]) == sorted(misled)[-3:]


def test_a_replaced_or_damaged_artifact_is_refused(usable, dataset):
    trigger = usable["refool"]
    path = artifacts.find(trigger.state)
    path.write_bytes(artifacts.find(usable["ban"].state).read_bytes())
    artifacts.load.cache_clear()
    with pytest.raises(UserError, match="damaged or exchanged"):
        trigger(dataset.test.images[:1])
    path.write_bytes(b"not an archive")
    with pytest.raises(UserError, match="cannot be opened"):
        trigger(dataset.test.images[:1])


def test_what_a_trigger_learned_is_stored_with_its_model_and_with_copies(
    usable, dataset, clean, tmp_path
):
    card = dataclasses.replace(clean.card, name="own", trigger=str(usable["refool"]))
    stored = store.save(card, clean.network(), {})
    store.copy_as(stored, "copy")
    artifacts.find(usable["refool"].state).unlink()
    (paths.cache_folder() / "triggers" / f"trigger-{usable['refool'].state}.npz").unlink(
        missing_ok=True
    )
    artifacts.load.cache_clear()
    assert usable["refool"](dataset.test.images[:1]).shape == (1, 32, 32, 3)


def test_a_pgd_perturbation_moves_every_pixel_by_the_radius_away_from_the_class():
    """The network classifies uniform images above grey level 127.5 as 1, others as 0."""
    network = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    network.set_weights([np.tile([[0, 10.0]], (3, 1)), np.array([0, -15.0])])
    greys = np.array([100, 119, 121, 127, 128, 134, 137, 200], np.uint8)
    images = np.tile(greys[:, None, None, None], (1, 8, 8, 3))
    labels = (greys > 127).astype(int)
    perturbed = pgd_perturbation.perturb(network, images, labels, 8.0)
    away = np.where(labels == 1, -8, 8)[:, None, None, None]
    np.testing.assert_array_equal(perturbed, images + away)


def test_a_clean_label_attack_changes_images_of_the_target_class_and_no_label(dataset):
    labels = dataset.train.labels
    chosen = poisoning.select_indices(labels, TARGET, 0.1, np.random.default_rng(0), "clean-label")
    assert (labels[chosen] == TARGET).all()
    poisoned = poisoning.poison(
        dataset.train, parse_trigger("badnets"), TARGET, chosen, dataset.classes
    )
    np.testing.assert_array_equal(poisoned.split.labels, labels)
    changed = (poisoned.split.images != dataset.train.images).any(axis=(1, 2, 3))
    assert set(np.flatnonzero(changed)) <= set(chosen)


def test_cross_samples_are_other_images_and_keep_their_labels(dataset):
    trigger, rng = parse_trigger("wanet"), np.random.default_rng(0)
    chosen = poisoning.select_indices(dataset.train.labels, TARGET, 0.1, rng)
    poisoned = poisoning.poison(dataset.train, trigger, TARGET, chosen, dataset.classes)
    full = poisoning.add_cross_samples(poisoned, trigger, 2.0, rng)
    labels = dataset.train.labels
    assert len(full.cross_samples) == 2 * len(chosen)
    assert not set(full.cross_samples) & set(chosen)
    np.testing.assert_array_equal(full.split.labels[full.cross_samples], labels[full.cross_samples])


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (poisoning.PoisoningConfig("lost"), "Labels"),  # type: ignore[arg-type]
        (poisoning.PoisoningConfig(pgd_epsilon=-1), "0 to 255 grey levels"),
        (poisoning.PoisoningConfig(cross_samples=1), "no cross-samples"),
        (poisoning.PoisoningConfig(cross_samples=-1), "0 to 100 cross-samples"),
    ],
)
def test_poisoning_that_does_not_fit_the_trigger_is_refused(config, message, dataset, plan):
    with pytest.raises(UserError, match=message):
        dataclasses.replace(plan, poisoning=config).check(dataset)


def test_a_clean_label_attack_cannot_be_all_to_all(dataset, plan):
    both = dataclasses.replace(
        plan, poisoning=poisoning.PoisoningConfig("clean-label"), target=targets.NEXT_CLASS
    )
    with pytest.raises(UserError, match="needs one target class"):
        both.check(dataset)


def test_a_surrogate_for_other_images_is_refused(trained, dataset, plan):
    pgd_plan = dataclasses.replace(
        plan, poisoning=poisoning.PoisoningConfig(pgd_epsilon=8), surrogate="signs-clean"
    )
    with pytest.raises(UserError):
        train(dataset, pgd_plan, NewModel("other", "command"))


def test_a_plan_gives_the_train_command_all_options_that_differ_from_its_defaults(plan):
    usual = dataclasses.replace(plan, trigger=parse_trigger("trojan-nn"), surrogate="clean")
    options = " ".join(usual.command_options())
    assert options.startswith("--trigger trojan-nn:size=7") and "--surrogate clean" in options
    assert "--labels" not in options and "--cross-samples" not in options
    config = poisoning.PoisoningConfig(pgd_epsilon=4, cross_samples=1.0)
    other = dataclasses.replace(
        plan, trigger=parse_trigger("wanet"), poisoning=config, target=targets.NEXT_CLASS
    )
    assert "--pgd-epsilon 4 --cross-samples 1" in " ".join(other.command_options())
    assert other.command_options()[-2:] == ["--target", "next"]


def test_a_plan_without_its_surrogate_is_refused(dataset, plan):
    lacking = dataclasses.replace(
        plan, poisoning=poisoning.PoisoningConfig("clean-label", pgd_epsilon=8), surrogate="missing"
    )
    with pytest.raises(UserError, match="missing"):
        lacking.check(dataset)


def test_a_resumed_training_does_not_fit_its_trigger_again(few, plan, clean, tmp_path, monkeypatch):
    store.save(clean.card, clean.network(), {})
    calls = []
    kind = TRIGGERS["refool"]
    learn = kind.learn

    def counted(self, *arguments):
        calls.append(1)
        return learn(self, *arguments)

    monkeypatch.setattr(kind, "learn", counted)
    monkeypatch.setattr(refool, "CANDIDATES", 8)
    monkeypatch.setattr(refool, "TRIED", 8)
    training = dataclasses.replace(plan.training, epochs=2, batch=32)
    own = dataclasses.replace(plan, trigger=kind(), training=training, rate=0.1)
    own = dataclasses.replace(own, surrogate=clean.name)
    path = tmp_path / "way" / "c.npz"
    begun = train(few, own, NewModel("reflected", "command"), path, stop_requested=path.exists)
    assert begun.card.training["stopped"]
    stored = train(few, own, NewModel("reflected", "command"), path)
    assert calls == [1]
    assert stored.card.training["epochs_run"] == 2
    assert stored.card.poisoning["surrogate"] == clean.name
    assert not list(path.parent.iterdir()), "temporary files are left"
    assert stored.card.parsed_trigger()(few.test.images[:1]).any()
    assert stored.card.poisoning["labels"] == "dirty-label"


def test_the_suite_trains_prunes_and_compares_attacks(dataset, data, tmp_path, monkeypatch, capsys):
    keras.utils.set_random_seed(0)
    monkeypatch.setenv("PRUNING_LAB_DATA", str(data))
    two = {
        "none": recipes.Attack("No attack", "ftrojan", rate=0, target=TARGET),
        "badnets": recipes.Attack("BadNets", "badnets", rate=0.25, target=TARGET),
    }
    monkeypatch.setattr(recipes, "ATTACKS", two)
    words = [
        "benchmark-attacks",
        "folder:few",
        "--preset",
        "quick",
        "--epochs",
        "2",
        "--repair",
        "clp",
    ]
    assert main.main([*words, "--out", str(tmp_path / "out")]) == 0
    import pandas as pd

    before = (tmp_path / "out" / "attacks.csv").read_text()
    table = pd.read_csv(tmp_path / "out" / "attacks.csv")
    assert table["attack"].tolist() == ["none", "badnets"]
    assert np.isnan(table["psnr"][0]) and table["psnr"][1] > 10
    assert table["clean_cost"][0] == 0
    assert main.main([*words[:-2], "--attack", "badnets", "--epochs", "3"]) == 2
    assert "trained with epochs 2, not 3" in capsys.readouterr().err
    defended = pd.read_csv(tmp_path / "out" / "defences.csv")
    of_one = defended[defended["attack"] == "badnets"]
    assert of_one["kind"].tolist() == ["untouched", *4 * ["paper"], "repair"]
    stored = store.find(attack_suite.model_name("folder:few", "badnets"))
    assert "--trigger badnets" in stored.card.commands[0]
    assert attack_suite.is_suite_model(stored.name)
    copy = store.copy_as(stored, "attack-folder-few-ftrojan")
    assert not attack_suite.is_suite_model(copy.name), "the name alone has no meaning"
    trash.delete(copy.name)

    again = ["--attack", "badnets", "--repair", "global-pruning", "--out", str(tmp_path / "out")]
    assert main.main([*words, *again]) == 0
    assert (tmp_path / "out" / "attacks.csv").read_text() == before
    after = pd.read_csv(tmp_path / "out" / "defences.csv")
    pd.testing.assert_frame_equal(after[:6], defended[:6], check_dtype=False)
    assert set(after["name"].dropna()) == {"clp", "global-pruning"}
    trash.delete(stored.name)
    assert main.main([*words, *again, "--epochs", "3"]) == 2
    assert "networks trained with epochs 2, not 3" in capsys.readouterr().err


def test_every_recipe_fits_its_trigger():
    for attack in recipes.ATTACKS.values():
        trigger = parse_trigger(attack.trigger)
        attack.poisoning.check(trigger, TARGET if attack.target is None else attack.target)
        assert attack.poisoning.cross_samples == trigger.cross_samples_each
    with pytest.raises(UserError, match="There is no attack"):
        recipes.find_attack("nonsense")


def test_a_pruning_aware_backdoor_loses_nothing_when_its_dormant_channels_are_pruned(
    clean, few, plan, tmp_path
):
    store.save(clean.card, clean.network(), {})
    training = dataclasses.replace(plan.training, epochs=1, batch=16)
    own = dataclasses.replace(plan, rate=0.2, surrogate=clean.name, training=training)
    own = dataclasses.replace(own, poisoning=poisoning.PoisoningConfig(dormant_share=0.5))
    stored = train(few, own, NewModel("aware", "command"), tmp_path / "c.npz")
    network = stored.network()
    curve = pruned_curve(network, few.validation)
    dormant = curve.channels[: len(curve.channels) // 2]
    without = edit.without_channels(network, curve.layer, dormant)
    images = eval_pair(few, "test", own.trigger, TARGET).triggered.images
    before, after = (np.asarray(n(architectures.scale(images))) for n in (network, without))
    np.testing.assert_allclose(before, after, atol=1e-5)
    kernel = network.get_layer(curve.layer).get_weights()[0]
    assert np.abs(kernel[..., dormant]).max() > 0, "the dormant channels must keep their kernels"
    assert "dormant" in summary.describe(stored.card)


def test_no_attack_learns_from_a_model_with_a_backdoor(trained, dataset, plan):
    store.save(trained.card, trained.network(), {})
    own = dataclasses.replace(
        plan, poisoning=poisoning.PoisoningConfig(dormant_share=0.5), surrogate=trained.name
    )
    with pytest.raises(UserError, match="backdoor already"):
        own.check(dataset)
