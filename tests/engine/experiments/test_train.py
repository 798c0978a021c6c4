import dataclasses

import numpy as np

from engine import store
from engine.attacks import poisoning
from engine.attacks.triggers import TRIGGERS, refool
from engine.defenses.repairs.pruning import pruned_curve
from engine.experiments.eval_pairs import eval_pair
from engine.experiments.new_model import NewModel
from engine.experiments.train import train
from engine.networks import edit, running
from engine.store import summary
from tests.conftest import TARGET


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
    assert stored.card.known_backdoor().trigger(few.test.images[:1]).any()
    assert stored.card.poisoning["labels"] == "dirty-label"


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
    before, after = (np.asarray(n(running.scale(images))) for n in (network, without))
    np.testing.assert_allclose(before, after, atol=1e-5)
    kernel = network.get_layer(curve.layer).get_weights()[0]
    assert np.abs(kernel[..., dormant]).max() > 0, "the dormant channels must keep their kernels"
    assert "dormant" in summary.describe(stored.card)
