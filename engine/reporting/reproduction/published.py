"""The paper's own numbers, by dataset: percent, and percentage points."""

from engine.defenses.pruning.curve import PAPER_THRESHOLDS

# Table 1. The paper does not report recovered accuracy.
TABLE_1 = {
    "gtsrb": {"clean_accuracy": 97.165, "attack_success": 100.0},
    "cifar10": {"clean_accuracy": 86.160, "attack_success": 99.970},
}
# Section 3.2: share of channels pruned when accuracy has dropped by each threshold.
CHANNELS_PRUNED = {"gtsrb": dict(zip(PAPER_THRESHOLDS, (53, 70, 77, 80), strict=True))}
# Section 3.2: share of channels pruned when attack success starts to fall, and when it is 0.
COLLAPSE = {"gtsrb": (75, 83)}
# Section 4 and the abstract: a clean accuracy, and the attack success that remains there.
REMAINING_ATTACK = {"gtsrb": (65, 26)}
