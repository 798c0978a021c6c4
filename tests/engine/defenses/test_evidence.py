"""How the evidence against a class adds up, against plain loops; which family fits a trigger."""

import dataclasses
import math
import statistics

import numpy as np
import pytest

from engine.defenses.detectors import trigger_inversion
from engine.defenses.detectors.trigger_inversion import (
    LARGEST_MARGIN_EVIDENCE,
    OTHERS,
    SUSPECTS,
    InversionDetection,
    class_scores,
    classes_to_search,
    margin_evidence,
)
from engine.defenses.inversion.standing_out import most_fitting
from tests.fixtures.findings import finding_with

LABELS = (6, 0, 3, 4)
CLASSES = 8


def score_by_definition(label, findings, p_values):
    """Standard deviations by which a class stands out, and powers of ten of its p-value."""
    score = 0.0
    for found in findings:
        sizes = dict(zip(found.labels.tolist(), found.sizes.tolist(), strict=True))
        others = statistics.median(size for other, size in sizes.items() if other != label)
        halvings = math.log2(others / sizes[label]) / found.family.power
        score += max(0.0, halvings / found.family.spread)
    if len(p_values):
        score += min(LARGEST_MARGIN_EVIDENCE, -math.log10(max(p_values[label], 1e-300)))
    return score


@pytest.mark.parametrize("known", [True, False], ids=["margins", "no-margins"])
def test_the_evidence_of_all_families_and_the_margin_adds_up(known):
    rng = np.random.default_rng(1)
    findings = tuple(
        finding_with(rng.uniform(1, 20, len(LABELS)), name, LABELS)
        for name in ("patch", "spectral", "warp")
    )
    p_values = 10.0 ** rng.uniform(-9, 0, CLASSES) if known else np.empty(0)
    scores = class_scores(findings, p_values, CLASSES)
    for label in range(CLASSES):
        expected = score_by_definition(label, findings, p_values) if label in LABELS else 0
        assert scores[label] == pytest.approx(expected)


def test_a_p_value_counts_by_its_powers_of_ten_up_to_a_limit():
    evidence = margin_evidence(np.array([1.0, 0.1, 0.01, 1e-9, 0.0]))
    limit = LARGEST_MARGIN_EVIDENCE
    np.testing.assert_allclose(evidence, [0, 1, 2, limit, limit])


def test_the_classes_searched_are_the_suspects_and_others_without_repetition():
    margins = np.random.default_rng(2).permutation(43).astype(float)
    chosen = classes_to_search(margins)
    assert len(set(chosen)) == SUSPECTS + OTHERS
    assert set(np.argsort(-margins)[:SUSPECTS]) <= set(chosen)


def test_a_class_stands_out_by_the_median_of_the_others():
    found = finding_with([4.0, 16.0, 32.0, 64.0])
    assert found.reference(0) == 32
    assert found.score(0) == pytest.approx(np.log2(32 / 4) / 2)  # an area: the square of a strength
    assert found.scores()[3] == pytest.approx(np.log2(16 / 64) / 2)
    blend = finding_with([0.1, 0.2, 0.4], "blend")
    assert blend.score(0) == pytest.approx(np.log2(0.3 / 0.1))


def fitting(*findings):
    return [found.family.name for found in most_fitting(findings, 0)]


CLEARLY, HARDLY = [1.0, 16.0, 16.0], [15.0, 16.0, 16.0]


def test_the_trigger_is_of_the_family_in_which_the_class_stands_out_most():
    findings = finding_with(HARDLY, "blend"), finding_with(CLEARLY, "warp")
    assert fitting(*findings) == ["warp"]


def test_a_general_family_counts_only_if_no_other_was_searched():
    general = finding_with(CLEARLY, "spectral")
    assert fitting(general) == ["spectral"]
    assert fitting(general, finding_with(HARDLY, "warp")) == ["warp"]


def test_a_trigger_that_fits_no_family_is_taken_for_a_patch_or_a_blend():
    findings = [finding_with(HARDLY, name) for name in ("warp", "patch", "blend")]
    assert set(fitting(*findings)) == {"patch", "blend"}


@pytest.fixture
def detection():
    """Class 0 flagged; of five classes three were searched, each in two families."""
    findings = finding_with(CLEARLY), finding_with(HARDLY, "warp")
    triggers = tuple(
        dataclasses.replace(findings[0].recovered(label), success=50.0 + label)
        for label in range(3)
    )
    scores, margins = np.array([9.9, 1.5, 0.5, 0.0, 0.0]), np.arange(5.0)
    p_values = np.full(5, 0.25)
    return InversionDetection(
        scores, "points", (0,), triggers[0], margins, p_values, findings, triggers
    )


def test_the_table_of_evidence_has_every_class_and_the_pattern_of_those_searched(detection):
    table = detection.evidence(tuple("abcde")).set_index("label")
    assert table["name"].tolist() == list("abcde")
    assert table["score"].tolist() == detection.scores.tolist()
    assert table["flagged"].tolist() == [True, False, False, False, False]
    assert table["margin"].tolist() == detection.margins.tolist()
    assert table["success"].tolist()[:3] == [50, 51, 52]
    assert table.loc[:2, "family"].eq("patch").all() and table.loc[3:, "family"].isna().all()
    assert table.loc[3:, ["size", "unit", "success"]].isna().all(axis=None)


def test_the_table_of_sizes_has_a_row_for_each_family_and_class(detection):
    table = detection.sizes(tuple("abcde"))
    assert table["family"].tolist() == 3 * ["patch"] + 3 * ["warp"]
    assert table["size"].tolist() == [*CLEARLY, *HARDLY]
    assert table["standing_out"][0] == pytest.approx(np.log2(16) / 2)
    assert table["unit"].tolist() == 6 * ["pixels"]


def test_without_margins_their_cells_are_empty(detection):
    without = dataclasses.replace(detection, margins=np.empty(0), p_values=np.empty(0))
    table = without.evidence(tuple("abcde"))
    assert table[["margin", "p_value"]].isna().all(axis=None)
    assert table["name"].tolist()[0] == "a"


def test_a_class_is_flagged_from_the_threshold_on_if_its_pattern_works_on_other_images(detection):
    def flagged(score, success):
        trigger = dataclasses.replace(detection.triggers[0], success=success)
        scores = np.array([score, 1.0, 0.0])
        return trigger_inversion._flagged_trigger(scores, (trigger, *detection.triggers[1:]))

    threshold, confirmed = trigger_inversion.THRESHOLD, trigger_inversion.CONFIRMED
    assert flagged(threshold, confirmed).label == 0
    assert flagged(threshold - 0.01, 100.0) is None
    assert flagged(threshold + 5, confirmed - 0.01) is None
