"""How visible a trigger is."""

import numpy as np
import pytest

from engine.evaluation import visibility


def test_psnr_follows_its_formula_and_ssim_is_one_without_a_change():
    rng = np.random.default_rng(0)
    clean = rng.integers(0, 250, (5, 32, 32, 3), dtype=np.uint8)
    changed = clean + rng.integers(0, 6, clean.shape, dtype=np.uint8)
    found = visibility.measure(clean, changed)
    error = ((changed.astype(float) - clean) ** 2).reshape(5, -1).mean(axis=1)
    assert found.psnr == pytest.approx(np.mean(10 * np.log10(255**2 / error)))
    assert found.largest_change == 5
    same = visibility.measure(clean, clean)
    assert (same.psnr, same.ssim, same.largest_change) == (np.inf, pytest.approx(1), 0)
