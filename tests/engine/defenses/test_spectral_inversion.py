"""Looking for the class that a faint pattern leads to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine.core.errors import UserError
from engine.datasets import Split
from engine.defenses.detectors import SpectralInversion, spectral_inversion
from engine.defenses.detectors.spectral_inversion import SpectralDetection
from engine.evaluation import metrics
from engine.imaging import dct
from tests.conftest import TARGET, shortened_detection


@given(arrays(np.float32, (2, 3, 8, 8), elements=st.floats(-50, 50, width=32)))
def test_a_pattern_is_what_its_picture_says_it_is(coefficients):
    found = dct.transform(dct.inverse(coefficients))
    np.testing.assert_allclose(found, coefficients, atol=1e-3)


def test_perturbation_psnr_is_the_psnr_of_the_added_pattern():
    pattern = np.zeros((3, 16, 16), np.float32)
    pattern[1, 7, 7] = 40
    error = np.mean(dct.inverse(pattern) ** 2)
    psnr = 10 * np.log10(255**2 / error)
    norm = spectral_inversion.perturbation_norm(pattern)
    assert norm == pytest.approx(spectral_inversion.norm_at_psnr(psnr, pattern.shape), rel=1e-4)


@given(st.integers(3, 40), st.floats(27, 45), st.floats(0, 30), st.data())
def test_only_an_outlier_class_is_flagged(classes, level, fainter, data):
    place = data.draw(st.integers(0, classes - 1))
    perturbation_psnr = np.full(classes, level)
    perturbation_psnr[place] += fainter
    flagged_class = spectral_inversion.flag_class(perturbation_psnr)
    assert flagged_class == (
        place if perturbation_psnr.max() - level >= spectral_inversion.FLAG_MARGIN else None
    )


def test_the_gradient_is_that_of_the_loss_by_finite_differences(trained, dataset):
    network, images = trained.network(), dataset.validation.images[:8]
    slope = spectral_inversion.success_and_gradient(network, images.shape[1:])
    pattern = np.zeros((3, 32, 32), np.float32)
    _, gradient = slope(images, pattern, 2)

    def loss(place: tuple[int, int, int], step: float) -> float:
        moved = pattern.copy()
        moved[place] += step
        seen = np.clip(images + dct.inverse(moved), 0, 255).astype(np.float32) / 255
        read = np.asarray(network(seen, training=False)).astype(np.float64)
        return -float(np.mean(np.log(np.maximum(read[:, 2], 1e-7))))

    for place in [(0, 1, 2), (1, 15, 15), (2, 3, 4)]:
        numeric = (loss(place, 2.0) - loss(place, -2.0)) / 4
        assert gradient[place] == pytest.approx(numeric, rel=0.25, abs=2e-4)


NARROW = 4.0  # dB; the constructed network's trigger is loud


@pytest.fixture(scope="session")
def found(trained, dataset) -> SpectralDetection:
    with pytest.MonkeyPatch.context() as patch:
        shortened_detection(patch, flag_margin=NARROW)
        return SpectralInversion()(trained.network(), dataset.validation)


def test_the_attackers_class_needs_the_faintest_pattern(found):
    assert found.flagged == (TARGET,)
    assert found.scores.argmax() == TARGET
    assert found.scores[TARGET] > np.delete(found.scores, TARGET).max() + 2


def test_a_network_without_a_backdoor_is_not_flagged(clean, dataset, short_detection):
    short_detection(flag_margin=NARROW)
    assert not SpectralInversion()(clean.network(), dataset.validation).flagged


def test_the_recovered_pattern_leads_there(found, trained, dataset):
    others = dataset.test.labels != TARGET
    images = dataset.test.images[others]
    seen = np.clip(np.rint(images + dct.inverse(found.pattern)), 0, 255).astype(np.uint8)
    read = metrics.predict(trained.network(), seen)
    assert np.mean(read == TARGET) > 0.8


def test_the_evidence_names_every_class_the_faintest_first(found, dataset):
    table = found.evidence(dataset.class_names)
    assert sorted(table["label"]) == list(range(dataset.classes))
    assert table["psnr_db"].is_monotonic_decreasing
    assert table.loc[table["flagged"], "label"].tolist() == [TARGET]


def test_images_of_one_class_cannot_be_screened(trained, dataset):
    one = Split(dataset.test.images[:3], np.zeros(3, np.int64))
    with pytest.raises(UserError, match="two classes"):
        SpectralInversion()(trained.network(), one)


def test_a_recovered_trigger_is_applied_to_images_as_a_plain_sum():
    rng = np.random.default_rng(0)
    pattern = rng.normal(0, 20, (3, 8, 8)).astype(np.float32)
    images = rng.integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)
    found = SpectralDetection(np.zeros(3), "dB", (1,), pattern).apply_trigger(images)
    plain = np.clip(np.rint(images.astype(np.float32) + dct.inverse(pattern)), 0, 255)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, plain)
    with pytest.raises(UserError, match="recovers no trigger"):
        SpectralDetection(np.zeros(3), "dB", ()).apply_trigger(images)
