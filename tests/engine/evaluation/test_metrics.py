"""The metrics of a network with a possible backdoor."""

import numpy as np
import pytest

from engine.evaluation import metrics
from engine.experiments import analyze
from engine.experiments.eval_pairs import eval_pair
from engine.networks import running
from tests.conftest import TARGET


def test_attack_success_leaves_out_the_target_class(dataset, plan):
    images = eval_pair(dataset, "test", plan.trigger, TARGET)
    assert len(images.clean) == 180
    assert len(images.triggered) == 150
    assert (images.triggered.labels != TARGET).all()


def test_scores_are_counts_of_predictions():
    scores = metrics.score(
        np.array([0, 1, 1, 2]),
        np.array([0, 1, 2, 2]),
        np.array([1, 1, 0]),
        np.array([0, 2, 0]),
        targets=1,
    )
    assert scores.as_dict() == {
        "clean_accuracy": 75.0,
        "attack_success": pytest.approx(200 / 3),
        "recovered_accuracy": pytest.approx(100 / 3),
        "clean_correct": 3,
        "clean_images": 4,
        "attack_hits": 2,
        "recovered_correct": 1,
        "triggered_images": 3,
    }


def test_predictions_equal_a_plain_call_of_the_model_whatever_the_batch(trained, dataset):
    network = trained.network()
    images = dataset.test.images
    plain = np.asarray(network(running.scale(images), training=False)).argmax(axis=1)
    for batch in (7, 64, 1000):
        np.testing.assert_array_equal(metrics.predict(network, images, batch), plain)


def test_a_stored_model_scores_what_its_card_says(trained, dataset):
    scores = analyze.evaluate(trained, dataset)
    assert scores.as_dict() == trained.card.scores["test"]
