"""The attack that knows of pruning (Liu, Dolan-Gavitt and Garg 2018, section 4.2).

The paper's defender prunes the channels that sleep on clean images. So the attacker puts the
backdoor into the others: a clean network is pruned, taught the backdoor as it is then, and gets
back the channels it lost, put to sleep. They are what the defender prunes first, to no effect.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from engine import evaluation, networks, poisoning, store
from engine.datasets import Dataset
from engine.datasets.dataset import Split
from engine.errors import LabError
from engine.experiment import Plan, fitting_network, images_of
from engine.progress import Progress, Work
from engine.pruning import surgery
from engine.pruning.sites import Site, find_sites
from engine.repairs.pruning import pruned_curve
from engine.repairs.tuning import fine_tuned, holding
from engine.store import Stored

if TYPE_CHECKING:
    import keras

LEARNING_RATE = 1e-3  # Adam's highest while the backdoor is taught
ASLEEP = 10.0  # how far below zero a sleeping channel stays


def train(
    clean: Stored, dataset: Dataset, plan: Plan, share: float, name: str, command: str
) -> Work[Stored]:
    """Give a clean model a backdoor that pruning its sleeping channels does not reach.

    Args:
        clean: trained on clean images; left as it is.
        dataset: its training split is poisoned, its clean validation split ranks the channels.
        plan: trigger, target, rate and seed; of its settings the number of epochs and the seed.
        share: of the last convolution's channels, put to sleep; 0 to below 1.
        name: of the new model.
        command: what the card names as the way to make it again.

    Raises:
        LabError: the model has a backdoor already, or its last convolution is followed by what
            cannot be put to sleep.
    """
    store.check_free(name)
    if clean.card.poisoned:
        raise LabError(f"'{clean.name}' has a backdoor already: start from a clean model.")
    if not 0 < share < 1:
        raise LabError(f"The share of sleeping channels lies between 0 and 1, not at {share:g}.")
    plan.check(dataset)
    network = fitting_network(clean, dataset)
    rng = np.random.default_rng(plan.settings.seed)
    chosen = poisoning.choose(dataset.train.labels, plan.target, plan.rate, rng)
    poisoned = poisoning.poison(dataset.train, plan.trigger, plan.target, chosen, dataset.classes)
    made, asleep = yield from _taught(network, poisoned.split, dataset.validation, share, plan)
    scores = {}
    for split in ("validation", "test"):
        images = images_of(dataset, split, plan.trigger, plan.target)
        found = yield from evaluation.evaluate(made, images.clean, images.triggered, plan.target)
        scores[split] = found.as_dict()
    card = dataclasses.replace(
        clean.card,
        name=name,
        trigger=str(plan.trigger),
        target=plan.target,
        rate=plan.rate,
        poisoned=len(chosen),
        training=dict(clean.card.training) | {"taught_epochs": plan.settings.epochs},
        mode={"pruning_aware": clean.name, "asleep": asleep},
        scores=scores,
        commands=(command,),
    )
    record = pd.DataFrame({"index": chosen, "label": dataset.train.labels[chosen]})
    return store.save(card, made, {"poisoned": record})


def _taught(
    network: keras.Model, poisoned: Split, validation: Split, share: float, plan: Plan
) -> Work[tuple[keras.Model, list[int]]]:
    curve = yield from pruned_curve(network, validation)
    (site,) = [site for site in find_sites(network) if site.convolution == curve.layer]
    asleep = np.sort(curve.channels[: round(share * site.channels)])
    pruned = surgery.without_channels(network, curve.layer, asleep)
    lowest, _ = _range(network, site.holder, validation)
    _hold_still(pruned, site, asleep, lowest.min())
    held = [*pruned.get_layer(site.convolution).weights, *pruned.get_layer(site.holder).weights]
    taught = yield from fine_tuned(
        pruned,
        poisoned,
        LEARNING_RATE,
        plan.settings.epochs,
        np.random.default_rng(plan.settings.seed),
        "Teaching the backdoor to the channels that are awake",
        holding(held, asleep),
    )
    yield Progress(0, 0, "Putting the other channels to sleep")
    kernel = network.get_layer(site.convolution).get_weights()[0]
    _put_to_sleep(taught, site, asleep, kernel, validation)
    return taught, [int(channel) for channel in asleep]


def _hold_still(network: keras.Model, site: Site, asleep: np.ndarray, value: float) -> None:
    """Make the channels give `value` behind BatchNorm, whatever comes in, in place.

    With the lowest value of all, the defender takes them for the least active.
    """
    from keras import layers

    holder = network.get_layer(site.holder)
    convolution = network.get_layer(site.convolution)
    if not isinstance(holder, layers.BatchNormalization) or convolution.bias is None:
        raise LabError(
            "Only a convolution with a bias, and with BatchNorm behind it, can be put to sleep."
        )
    gamma, beta, *averages = (np.array(values) for values in holder.get_weights())
    gamma[asleep], beta[asleep] = 0, value
    holder.set_weights([gamma, beta, *averages])


def _put_to_sleep(
    network: keras.Model, site: Site, asleep: np.ndarray, kernel: np.ndarray, validation: Split
) -> None:
    """Give the channels their kernels back, and biases so low that nothing wakes them, in place."""
    convolution = network.get_layer(site.convolution)
    kernels, bias = (np.array(values) for values in convolution.get_weights())
    kernels[..., asleep] = kernel[..., asleep]
    convolution.set_weights([kernels, bias])
    _, highest = _range(network, site.convolution, validation)
    bias[asleep] -= ASLEEP + highest[asleep]
    convolution.set_weights([kernels, bias])


def _range(network: keras.Model, layer: str, images: Split) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and the highest value of each channel over images: float32 [channels] each."""
    watcher = networks.watching(network, [layer])
    lowest, highest = [], []
    for part in networks.batches(len(images)):
        values = np.asarray(watcher(networks.scale(images.images[part]), training=False)[layer])
        lowest.append(values.min(axis=(0, 1, 2)))
        highest.append(values.max(axis=(0, 1, 2)))
    return np.min(lowest, axis=0), np.max(highest, axis=0)
