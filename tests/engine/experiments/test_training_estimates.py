"""What to expect of a training, from trainings that were measured."""

from engine.experiments.training_estimates import (
    MeasuredTraining,
    TrainingEstimates,
    read_estimates,
)
from engine.networks.architectures import parse_architecture
from engine.training.presets import PRESETS
from engine.training.training_config import TrainingConfig

SCORES = {"clean_accuracy": 97.0, "attack_success": 99.0, "recovered_accuracy": 1.0}
TWO = TrainingConfig(epochs=2)


def run(dataset: str, epochs: int, minutes: float, scores=SCORES) -> MeasuredTraining:
    return MeasuredTraining(dataset, (epochs, 64, 5e-4, "constant", False), minutes, scores)


def test_a_measured_training_tells_minutes_and_scores_whatever_its_seed():
    estimates = TrainingEstimates([run("a", 2, 3), run("a", 2, 5), run("a", 2, 40)], {"a": 100})
    found = estimates.of("a", TrainingConfig(epochs=2, seed=9))
    assert (found.minutes, found.is_measured, found.scores, found.scored_on) == (
        *(5, True, SCORES, "a"),
    )


def test_other_settings_are_computed_from_the_images_a_second_on_the_same_dataset():
    estimates = TrainingEstimates([run("a", 2, 4), run("b", 2, 400)], {"a": 100, "b": 100})
    found = estimates.of("a", TrainingConfig(epochs=6))
    assert found.minutes == 12 and not found.is_measured and not found.scores


def test_another_dataset_is_computed_from_the_pace_of_others_and_its_scores_are_theirs():
    estimates = TrainingEstimates([run("a", 2, 4)], {"a": 100, "b": 50})
    found = estimates.of("b", TWO)
    assert found.minutes == 2 and not found.is_measured and found.scored_on == "a"


def test_a_dataset_of_unknown_size_has_no_minutes():
    assert TrainingEstimates([run("a", 2, 4)], {"a": 100}).of("own", TWO).minutes is None
    assert TrainingEstimates([], {}).of("a", TWO).minutes is None


def test_every_preset_has_minutes_and_scores_on_the_datasets_that_come_with_models():
    estimates = read_estimates()
    for dataset in ("signs", "gtsrb", "cifar10"):
        for preset in PRESETS.values():
            found = estimates.of(dataset, preset.training)
            assert found.minutes
            assert found.scores
    assert estimates.of("gtsrb", PRESETS["paper"].training).is_measured


def test_an_augmented_training_is_not_taken_for_one_without():
    estimates = TrainingEstimates([run("a", 2, 4)], {"a": 100})
    found = estimates.of("a", TrainingConfig(epochs=2, augment=True))
    assert not found.is_measured and not found.scores


def test_the_precision_decides_the_minutes_but_not_the_scores():
    lower = MeasuredTraining("a", (2, 64, 5e-4, "constant", False), 4, SCORES, "bfloat16")
    estimates = TrainingEstimates([lower], {"a": 100})
    same = estimates.of("a", TrainingConfig(epochs=2, precision="bfloat16"))
    assert (same.minutes, same.is_measured) == (4, True)
    other = estimates.of("a", TWO)
    assert (other.minutes, other.is_measured, other.scores) == (None, False, SCORES)


def test_a_lower_precision_is_not_expected_to_speed_up_other_networks():
    lower = MeasuredTraining("a", (2, 64, 5e-4, "constant", False), 1, SCORES, "bfloat16")
    estimates = TrainingEstimates([lower, run("a", 2, 4)], {"a": 100})
    resnet = parse_architecture("resnet")
    for precision in ("float32", "bfloat16"):
        found = estimates.of("a", TrainingConfig(epochs=2, precision=precision), resnet)
        assert found.minutes == 4 * resnet.relative_time()
