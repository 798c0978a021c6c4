"""The patterns that spectral unlearning teaches a network to ignore."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.defenses.repairs import spectral_unlearning
from engine.defenses.repairs.spectral_unlearning import drawn_patterns
from engine.imaging import dct


def decibels(pattern: np.ndarray) -> float:
    """PSNR of what one pattern adds."""
    return float(10 * np.log10(255**2 / np.mean(np.square(dct.inverse(pattern), dtype=float))))


@given(st.sampled_from([8, 20, 32]), st.integers(0, 2**32 - 1), st.booleans())
def test_half_carry_the_recovered_pattern_and_all_have_the_stated_psnr(side, seed, empty):
    rng = np.random.default_rng(seed)
    recovered = np.zeros((3, side, side), np.float32)
    if not empty:
        recovered[1, side // 2, side // 2] = 30
    patterns = drawn_patterns(recovered, 12, rng)
    lowest, highest = spectral_unlearning.LOWEST_PSNR, spectral_unlearning.HIGHEST_PSNR
    for pattern in patterns:
        assert lowest - 0.01 <= decibels(pattern) <= highest + 0.01
    alike = [np.array_equal(pattern != 0, recovered != 0) for pattern in patterns[::2]]
    assert all(alike) != empty, "nothing was recovered: random waves instead"
    assert not all(np.array_equal(p != 0, recovered != 0) for p in patterns[1::2])
