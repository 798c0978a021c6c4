"""ReFool: a reflection, as in a window pane (Liu et al. 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import cv2
import numpy as np

from engine.attacks.triggers.artifacts import Arrays
from engine.attacks.triggers.learned import LearnedTrigger, Shape
from engine.attacks.triggers.trigger import image_hashes, to_uint8
from engine.core import progress
from engine.core.parameters import parameter
from engine.datasets.dataset import Split
from engine.networks import running

if TYPE_CHECKING:
    import keras

CANDIDATES, POOL = 400, 16  # pictures tried as reflections, and how many of them are used
TRIED = 64  # images that each candidate is tried on
GAMMA = 2.2  # images are mixed in linear light
OFFSET, GHOST = 3, 0.49  # offset (pixels) and share of a pane's second reflection
BLUR = 1.2  # standard deviation (pixels) for a reflection out of focus


@dataclass(frozen=True)
class ReFool(LearnedTrigger):
    """Mix in another training image, out of focus or as a double image, in linear light.

    (1 - strength) * image + strength * reflection, both to the power of gamma, after equation 1
    there. The pictures used are those that mislead a clean network most often; the authors rank
    them by the attack success of a network poisoned with them (algorithm 1 there).
    """

    name: ClassVar[str] = "refool"
    title: ClassVar[str] = "Reflection (ReFool)"
    summary: ClassVar[str] = "A second picture, like a reflection in a pane of glass."
    reference: ClassVar[str] = "Liu et al. 2020"

    strength: float = parameter(
        0.4,
        "Strength",
        "Share of reflected light; 0 leaves the image unchanged.",
        minimum=0,
        maximum=1,
    )
    kind: str = parameter(
        "ghost",
        "Kind",
        "A double image, as in a thick pane, or a blurred one.",
        choices=("ghost", "blur"),
    )

    def shapes(self) -> Mapping[str, Shape]:
        """See `LearnedTrigger.shapes`."""
        return {"reflections": (None, None, None, 3)}

    def learn(self, train: Split, target: int, network: keras.Model, seed: int) -> Arrays:
        """See `LearnedTrigger.learn`: chooses training images outside the target class."""
        rng = np.random.default_rng(seed)
        others = np.flatnonzero(train.labels != target)
        candidates = rng.choice(others, min(CANDIDATES, len(others)), replace=False)
        images = train.take(np.sort(rng.choice(others, min(TRIED, len(others)), replace=False)))
        read = running.compiled(network)
        misled = np.empty(len(candidates))
        for number, candidate in enumerate(candidates):
            mixed = self._mixed(images.images, self._seen(train.images[candidate]))
            misled[number] = np.mean(read(running.scale(mixed)).argmax(axis=1) != images.labels)
            progress.report(number + 1, len(candidates), "Choosing the reflections")
        chosen = candidates[np.argsort(-misled, kind="stable")[:POOL]]
        return {"reflections": np.asarray(train.images[np.sort(chosen)])}

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """See `Trigger.__call__`."""
        pool = self.learned()["reflections"]
        sides = images.shape[2], images.shape[1]
        seen = np.stack([self._seen(cv2.resize(picture, sides)) for picture in pool])
        return self._mixed(images, seen[image_hashes(images, 0) % len(pool)])

    def _mixed(self, images: np.ndarray, seen: np.ndarray) -> np.ndarray:
        light = (images / 255.0) ** GAMMA
        mixed = light + self.strength * (seen - light)
        return to_uint8(255 * mixed ** (1 / GAMMA))

    def _seen(self, picture: np.ndarray) -> np.ndarray:
        """A picture as a reflection, in linear light: float64 [height, width, 3], 0 to 1."""
        light = (picture / 255.0) ** GAMMA
        if self.kind == "blur":
            return np.asarray(cv2.GaussianBlur(light, (0, 0), BLUR), np.float64)
        moved = np.pad(light, [(OFFSET, 0), (OFFSET, 0), (0, 0)], mode="edge")
        return (1 - GHOST) * light + GHOST * moved[: len(light), : light.shape[1]]
