"""Score shipped models again on all test images: ``python -m tests.rescore [MODEL ...]``.

All models take about twenty minutes on one core.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from engine import store
from engine.core import paths, tensorflow_runtime
from engine.datasets import Split, open_test
from engine.evaluation import metrics
from engine.evaluation.metrics import METRICS, Scores
from engine.evaluation.targets import target_labels

MODELS = sorted(path.parent.name for path in paths.SHIPPED_MODELS.glob("*/card.json"))
TOLERANCE = 0.1  # percentage points; another processor rounds sums differently


@dataclass
class Predictor:
    """Predicts with one model after another, compiling only once for models of the same shape."""

    shells: dict[tuple, object] = field(default_factory=dict)

    def of(self, stored: store.StoredModel) -> Callable[[np.ndarray], np.ndarray]:
        """A function from uint8 images to classes; valid until the next call of `of`."""
        network = stored.network()
        shape = tuple(
            (type(item), *(w.shape for w in item.get_weights())) for item in network.layers
        )
        shell = self.shells.setdefault(shape, network)
        shell.set_weights(network.get_weights())
        return lambda images: metrics.predict(shell, images)


def shipped(name: str) -> store.StoredModel:
    """The shipped model of that name."""
    return store.open_folder(paths.SHIPPED_MODELS / name)


def scores(stored: store.StoredModel, test: Split, predictor: Predictor, some: int = 0) -> Scores:
    """Score a model on test images.

    Args:
        stored: the model.
        test: all test images of its dataset.
        predictor: makes the predictions.
        some: number of clean and of triggered images, drawn at random; 0 for all.
    """
    card = stored.card
    attackable = test.take(metrics.attackable_indices(test, card.target))
    clean, attackable = (draw(split, some) for split in (test, attackable))
    predict = predictor.of(stored)
    return metrics.score(
        predict(clean.images),
        clean.labels,
        predict(card.known_backdoor().trigger(attackable.images)),
        attackable.labels,
        target_labels(attackable.labels, card.target, len(card.class_names)),
    )


def draw(split: Split, some: int) -> Split:
    """So many random images, always the same ones; all of them if `some` is 0."""
    if not some:
        return split
    return split.take(np.sort(np.random.default_rng(0).permutation(len(split))[:some]))


def main() -> int:
    """Print each model's scores and their difference from its card; 1 if any is too large."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL", default=MODELS)
    models = parser.parse_args().models
    tensorflow_runtime.import_tensorflow()
    predictor, tests, off = Predictor(), {}, 0
    for name in models:
        stored = shipped(name)
        dataset = stored.card.dataset
        if dataset not in tests:
            tests[dataset] = open_test(dataset)
        found = scores(stored, tests[dataset], predictor).percentages()
        card = stored.card.scores["test"]
        differences = [found[figure] - card[figure] for figure in METRICS]
        off += max(map(abs, differences)) > TOLERANCE
        shown = ", ".join(
            f"{figure.replace('_', ' ')} {found[figure]:.3f} ({difference:+.3f})"
            for figure, difference in zip(METRICS, differences, strict=True)
        )
        print(f"{name}: {shown}", flush=True)
    print(f"{len(models)} models, {off} more than {TOLERANCE} points off their cards")
    return int(off > 0)


if __name__ == "__main__":
    raise SystemExit(main())
