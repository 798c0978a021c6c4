"""The wording of verdicts follows from the numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.reporting import verdict

PERCENT = st.floats(0, 100)


@pytest.mark.parametrize(
    ("attack", "recovered", "expected"),
    [
        (99.0, 0.0, "still works"),
        (50.1, 49.9, "still works"),
        (2.0, 95.0, "classified correctly again"),
        (0.0, 5.0, "this is no repair"),
    ],
)
def test_a_weak_attack_counts_as_a_repair_only_with_recovered_accuracy(attack, recovered, expected):
    scores = {"attack_success": attack, "recovered_accuracy": recovered}
    assert expected in verdict.of_model(scores)


@given(PERCENT, st.floats(1, 100))
def test_a_repair_is_judged_by_the_clean_accuracy_before_it(recovered, clean):
    text = verdict.of_repair(recovered, clean)
    share = recovered / clean
    if share < 0.49:
        assert "not a repair" in text
    elif 0.51 < share < 0.89:
        assert "partial" in text
    elif share > 0.91:
        assert "does repair" in text


def test_a_prediction_is_correct_or_the_target_or_wrong():
    assert verdict.of_prediction(3, 3, 7) == "correct"
    assert verdict.of_prediction(7, 3, 7) == "attacker's target"
    assert verdict.of_prediction(5, 3, 7) == "wrong"
    assert verdict.of_prediction(7, 7, 7) == "correct", "an image of the target class"
