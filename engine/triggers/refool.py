"""ReFool: a reflection, as of a window pane (Liu et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import cv2
import numpy as np

from engine.datasets.dataset import Split
from engine.parameters import parameter
from engine.progress import Progress, Work
from engine.triggers.learned import LearnedTrigger
from engine.triggers.states import Arrays
from engine.triggers.trigger import fingerprints, to_uint8

if TYPE_CHECKING:
    import keras

POOL = 48  # reflections to draw from
GAMMA = 2.2  # light adds up in linear values
OFFSET, GHOST = 3, 0.49  # pixels to the second reflection of a pane, and its share
BLUR = 1.2  # standard deviation in pixels, of a reflection out of focus


@dataclass(frozen=True)
class ReFool(LearnedTrigger):
    """Mix in another training image, out of focus or as a double image, in linear light.

    (1 - strength) * image + strength * reflection, both to the power of gamma, after equation 1
    there. The authors choose the reflections that mislead most; ours are drawn at random.
    """

    name: ClassVar[str] = "refool"
    title: ClassVar[str] = "Reflection (ReFool)"
    idea: ClassVar[str] = "Another picture, as if it were reflected by a pane of glass."
    source: ClassVar[str] = "Liu et al. 2020"
    needs_network: ClassVar[bool] = False

    strength: float = parameter(
        0.4, "Strength", "Share of the reflected light; 0 leaves the image.", minimum=0, maximum=1
    )
    kind: str = parameter(
        "ghost",
        "Kind",
        "A double image, as of a thick pane, or one out of focus.",
        choices=("ghost", "blur"),
    )

    def learn(
        self, train: Split, target: int, network: keras.Model | None, seed: int
    ) -> Work[Arrays]:
        """See `LearnedTrigger.learn`: images of other classes than the target."""
        del network  # images are all it takes
        yield Progress(0, 0, "Choosing the reflections")
        others = np.flatnonzero(train.labels != target)
        chosen = np.random.default_rng(seed).choice(others, min(POOL, len(others)), replace=False)
        return {"reflections": np.asarray(train.images[np.sort(chosen)])}

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """See `Trigger.__call__`."""
        pool = self.learned()["reflections"]
        sides = images.shape[2], images.shape[1]
        seen = np.stack([self._seen(cv2.resize(picture, sides)) for picture in pool])
        which = fingerprints(images, 0) % len(pool)
        light = (images / 255.0) ** GAMMA
        mixed = light + self.strength * (seen[which] - light)
        return to_uint8(255 * mixed ** (1 / GAMMA))

    def _seen(self, picture: np.ndarray) -> np.ndarray:
        """Linear light of a reflection: float64 [height, width, 3], 0 to 1."""
        light = (picture / 255.0) ** GAMMA
        if self.kind == "blur":
            return np.asarray(cv2.GaussianBlur(light, (0, 0), BLUR), np.float64)
        moved = np.pad(light, [(OFFSET, 0), (OFFSET, 0), (0, 0)], mode="edge")
        return (1 - GHOST) * light + GHOST * moved[: len(light), : light.shape[1]]
