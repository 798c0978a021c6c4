"""How visible a trigger is: PSNR, SSIM and the largest change of a pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PEAK = 255  # grey levels

SAMPLE = 1000  # images


@dataclass(frozen=True)
class Visibility:
    """How far triggered images are from the clean ones.

    Attributes:
        psnr: mean peak signal-to-noise ratio over the changed images, dB; infinite if no image
            changed. Above 40 dB a change is hard to see.
        ssim: mean structural similarity (Wang et al. 2004); 1 for identical images.
        largest_change: of any channel of any pixel, grey levels (0 to 255).
    """

    psnr: float
    ssim: float
    largest_change: int


def norm_at_psnr(decibels: float, shape: tuple[int, ...]) -> float:
    """L2 norm, grey levels, of a change of that PSNR to an image of `shape`."""
    return float(PEAK / 10 ** (decibels / 20) * np.sqrt(np.prod(shape)))


def sample(images: np.ndarray) -> np.ndarray:
    """`SAMPLE` images, evenly spread over all: what tables measure visibility on."""
    step = max(1, len(images) // SAMPLE)
    return np.asarray(images[::step][:SAMPLE])


def measure(clean: np.ndarray, triggered: np.ndarray) -> Visibility:
    """Compare two uint8 arrays [n, height, width, 3] image by image; n is at least 1.

    PSNR = 10 log10(255² / MSE), with the mean squared error (MSE) over all pixels and channels of
    one image. An unchanged image has no PSNR and is left out of its mean.
    """
    from skimage.metrics import structural_similarity

    difference = triggered.astype(np.int16) - clean
    error = np.mean(difference.astype(np.float64) ** 2, axis=(1, 2, 3))
    changed = error > 0
    psnr = 10 * np.log10(PEAK**2 / error[changed])
    ssim = [
        structural_similarity(
            a, b, channel_axis=-1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        for a, b in zip(clean, triggered, strict=True)
    ]
    mean = float(np.mean(psnr)) if changed.any() else float("inf")
    return Visibility(mean, float(np.mean(ssim)), int(np.abs(difference).max()))
