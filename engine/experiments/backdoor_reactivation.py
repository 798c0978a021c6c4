"""Whether a backdoor returns when a repaired network is trained further.

Two kinds of fine-tuning: on clean images, as a new owner might; and on clean images among which are
five poisoned ones, the retuning attack of Min et al. 2024 ("Uncovering, Explaining, and Mitigating
the Superficial Safety of Backdoor Defense"). How much of the backdoor five images teach to a
network that never had it is what a repair is compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from engine.core import command_line, progress
from engine.core.errors import UserError
from engine.datasets import Dataset, Split
from engine.defenses.repairs.finetune_loop import compile_step, fine_tune, run_epochs
from engine.evaluation import metrics
from engine.evaluation.eval_pair import TriggeredPair
from engine.evaluation.targets import target_labels
from engine.experiments import recovery_ceiling, run_repairs
from engine.experiments.eval_pairs import eval_pair, load_matching_network
from engine.networks.logits import logits_network
from engine.store import Backdoor, StoredModel
from engine.store.tables import CLEAN_IMAGES, FIVE_POISONED

if TYPE_CHECKING:
    import keras

TABLE = "reactivation"  # name of the table kept beside a repaired model
OF_REPAIRS = "repairs-reactivated"  # of the one kept beside the model that was repaired
CLEAN_NETWORK = "clean network"  # stands there in place of a repair, for comparison

EPOCHS, LEARNING_RATE = (1, 2, 4), 5e-4  # the paper's learning rate for Adam (section 3.1)

# The settings of Min et al.: SGD on 2 % of the training set, five of these images poisoned.
POISONED_IMAGES, SHARE = 5, 0.02
POISONED_EPOCHS, SGD_RATE, MOMENTUM, BATCH = 5, 0.01, 0.9, 128


def measure_reactivation(stored: StoredModel, dataset: Dataset) -> pd.DataFrame:
    """Fine-tune a model in both ways and score it on test images. The model stays as it is.

    Returns:
        images (`CLEAN_IMAGES` or `FIVE_POISONED`), epochs, and the three metrics in percent. The
        first row, with 0 epochs, is the model itself.

    Raises:
        UserError: no trigger is known for the model.
    """
    backdoor = stored.card.known_backdoor()
    network = load_matching_network(stored, dataset)
    pair = eval_pair(dataset, "test", backdoor.trigger, backdoor.target)
    rows = [_row(CLEAN_IMAGES, 0, _score(network, pair, backdoor))]
    for epochs in _tune_on_clean(network, dataset):
        rows.append(_row(CLEAN_IMAGES, epochs, _score(network, pair, backdoor)))
    network = _tune_on_poisoned(load_matching_network(stored, dataset), dataset, backdoor)
    rows.append(_row(FIVE_POISONED, POISONED_EPOCHS, _score(network, pair, backdoor)))
    return pd.DataFrame(rows)


def measure_repairs(
    stored: StoredModel,
    dataset: Dataset,
    earlier: pd.DataFrame | None = None,
    keep: Callable[[pd.DataFrame], Any] = lambda _: None,
) -> pd.DataFrame:
    """Fine-tune every repaired copy of a model in both ways, and a clean network for comparison.

    Args:
        stored: the model that was repaired.
        dataset: its own.
        earlier: the table so far. Copies that are in it and have not changed are not measured
            again.
        keep: called with the table after each copy.

    Returns:
        Three rows for each copy, before and after each kind of fine-tuning: repair (its method, or
        `CLEAN_NETWORK`), sha256 (of the copy), images, epochs, and the metrics in percent.

    Raises:
        UserError: no trigger is known for the model, or it has no repaired copy.
    """
    backdoor = stored.card.known_backdoor()
    subjects = _subjects(stored)
    pair = eval_pair(dataset, "test", backdoor.trigger, backdoor.target)
    parts = {repair: _find_measured(earlier, repair, copy) for repair, copy in subjects.items()}
    for number, (repair, copy) in enumerate(subjects.items()):
        if parts[repair] is None:
            with progress.titled(f"{repair} ({number + 1} of {len(subjects)})"):
                rows = _measure_copy(copy, dataset, backdoor, pair)
            about = {"repair": repair, "sha256": copy.card.sha256}
            parts[repair] = pd.DataFrame([about | row for row in rows])
            keep(_joined(parts))
    return _joined(parts)


def few_poisoned(dataset: Dataset, backdoor: Backdoor, rng: np.random.Generator) -> Split:
    """The images of the retuning attack: clean validation images and poisoned training images.

    Args:
        dataset: gives both; together they are `SHARE` of the size of its training set.
        backdoor: the attacker's trigger and target.
        rng: source of the choice.

    Returns:
        The clean images and then `POISONED_IMAGES`, which carry the trigger and the target's label.

    Raises:
        UserError: there are too few training images to poison.
    """
    outside = metrics.attackable_indices(dataset.train, backdoor.target)
    if len(outside) < POISONED_IMAGES:
        raise UserError(
            f"{dataset.name} has {len(outside)} training images outside the target class, and the"
            f" test poisons {POISONED_IMAGES}: add more images."
        )
    chosen = dataset.train.take(rng.choice(outside, POISONED_IMAGES, replace=False))
    wanted = max(1, round(SHARE * len(dataset.train)) - POISONED_IMAGES)
    count = min(wanted, len(dataset.validation))
    clean = dataset.validation.take(rng.choice(len(dataset.validation), count, replace=False))
    labels = target_labels(chosen.labels, backdoor.target, dataset.classes)
    return Split(
        np.concatenate([clean.images, backdoor.trigger(chosen.images)]),
        np.concatenate([clean.labels, labels]),
    )


def _subjects(stored: StoredModel) -> Mapping[str, StoredModel]:
    """The repaired copies by method, and the clean network if there is one."""
    copies = run_repairs.saved_repairs(stored)
    if not copies:
        again = command_line.command("compare-repairs", stored.name, "--all")
        raise UserError(f"There is no repaired copy of '{stored.name}': make some with `{again}`.")
    clean = recovery_ceiling.find_clean_model(stored.card)
    return copies if clean is None else {**copies, CLEAN_NETWORK: clean}


def _find_measured(
    earlier: pd.DataFrame | None, repair: str, copy: StoredModel
) -> pd.DataFrame | None:
    if earlier is None:
        return None
    same = (earlier["repair"] == repair) & (earlier["sha256"] == copy.card.sha256)
    return earlier[same] if same.any() else None


def _joined(parts: Mapping[str, pd.DataFrame | None]) -> pd.DataFrame:
    return pd.concat([part for part in parts.values() if part is not None], ignore_index=True)


def _measure_copy(
    copy: StoredModel, dataset: Dataset, backdoor: Backdoor, pair: TriggeredPair
) -> list[dict[str, Any]]:
    network = load_matching_network(copy, dataset)
    if (copy.card.dataset, copy.card.backdoor) == (dataset.name, backdoor):
        known = copy.card.scores["test"]  # measured on these images when the copy was made
        before = _row(CLEAN_IMAGES, 0, {name: known[name] for name in metrics.METRICS})
    else:
        before = _row(CLEAN_IMAGES, 0, _score(network, pair, backdoor))
    for epochs in _tune_on_clean(network, dataset):
        last = epochs
    clean = _row(CLEAN_IMAGES, last, _score(network, pair, backdoor))
    network = _tune_on_poisoned(load_matching_network(copy, dataset), dataset, backdoor)
    poisoned = _row(FIVE_POISONED, POISONED_EPOCHS, _score(network, pair, backdoor))
    return [before, clean, poisoned]


def _row(images: str, epochs: int, scores: Mapping[str, float]) -> dict[str, Any]:
    return {"images": images, "epochs": epochs, **scores}


def _score(network: keras.Model, pair: TriggeredPair, backdoor: Backdoor) -> dict[str, float]:
    found = metrics.evaluate(network, pair.clean, pair.triggered, backdoor.target)
    return found.percentages()


def _tune_on_clean(network: keras.Model, dataset: Dataset) -> Iterator[int]:
    """Fine-tune in place on clean validation images, and pause at each of `EPOCHS`."""
    done = 0
    for epochs in EPOCHS:
        fine_tune(
            network,
            dataset.validation,
            LEARNING_RATE,
            epochs - done,
            np.random.default_rng(epochs),
            f"Fine-tuning on clean images, up to epoch {epochs}",
        )
        done = epochs
        yield epochs


def _tune_on_poisoned(network: keras.Model, dataset: Dataset, backdoor: Backdoor) -> keras.Model:
    """Fine-tune in place on `few_poisoned`, at a constant learning rate."""
    import keras

    rng = np.random.default_rng(0)
    split = few_poisoned(dataset, backdoor, rng)
    variables = network.trainable_variables
    optimizer = keras.optimizers.SGD(SGD_RATE, momentum=MOMENTUM)
    optimizer.build(variables)
    logits = logits_network(network)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def loss(images: Any, labels: Any) -> Any:
        return loss_of(labels, logits(images, training=True))

    step = compile_step(split, variables, optimizer, loss)
    message = "Fine-tuning with five poisoned images"
    run_epochs(step, len(split), POISONED_EPOCHS, rng, message, BATCH)
    return network
