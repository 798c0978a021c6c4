"""The rules of the eye test: drawing pairs, counting answers, and the odds of guessing."""

from __future__ import annotations

import dataclasses
import math
import re
from dataclasses import dataclass

import numpy as np

from engine.attacks.triggers import Trigger

PAIRS = 10
RARE = 0.05  # scores that guessing gives less often are not put down to luck
BRIGHT = 90.0  # mean grey level from which details can be seen
CONTRAST = 30.0  # standard deviation of grey levels, likewise
_SAMPLED = 40  # images drawn for each pair, so that enough of them are bright
_CODE = re.compile(r"(\d{1,10})([LR]{0,10})")


@dataclass(frozen=True)
class Pair:
    """A test image twice, once clean and once triggered.

    Attributes:
        index: of the image in the test split.
        triggered_left: whether the triggered one stands on the left, else on the right.
    """

    index: int
    triggered_left: bool


@dataclass(frozen=True)
class Game:
    """The state of one eye test.

    Attributes:
        dataset, size, trigger: the dataset, the side of its images in pixels, the trigger as text.
        seed: from which the pairs were drawn.
        pairs: all of them.
        answers: so far: True where the left picture was chosen as the triggered one.
    """

    dataset: str
    size: int
    trigger: str
    seed: int
    pairs: tuple[Pair, ...]
    answers: tuple[bool, ...] = ()

    @property
    def over(self) -> bool:
        """Whether every pair has an answer."""
        return len(self.answers) == len(self.pairs)

    @property
    def score(self) -> int:
        """How many answers are correct."""
        return sum(
            left == pair.triggered_left
            for pair, left in zip(self.pairs, self.answers, strict=False)
        )

    def with_answer(self, left: bool) -> Game:
        """The game after one more answer; unchanged if it is over."""
        return self if self.over else dataclasses.replace(self, answers=(*self.answers, left))

    def code(self) -> str:
        """The seed and the answers as text for the address, such as "4711LRL"."""
        return f"{self.seed}{''.join('L' if left else 'R' for left in self.answers)}"


def read_code(code: str) -> tuple[int, tuple[bool, ...]] | None:
    """The seed and the answers in a text of `Game.code`; None if it is no such text."""
    found = _CODE.fullmatch(code)
    if found is None:
        return None
    return int(found[1]), tuple(answer == "L" for answer in found[2])


def draw(seed: int, clean: np.ndarray, trigger: Trigger, count: int = PAIRS) -> tuple[Pair, ...]:
    """Pairs of different images, at most `count`; the same seed draws the same.

    Images that the trigger does not change are skipped, and dark or flat ones as long as there
    are others.

    Args:
        seed: of the draw.
        clean: the images to draw from, uint8 [n, height, width, 3].
        trigger: applied to one picture of each pair.
        count: how many pairs to draw.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.permutation(len(clean))[: _SAMPLED * count]
    drawn = drawn[_bright_first(clean[drawn])][: 4 * count]
    candidates = np.array(clean[drawn])
    changed = (trigger(candidates) != candidates).any(axis=(1, 2, 3))
    found = drawn[changed][:count]
    # Sides are independent, so that every strategy of guessing is right half the time.
    left = rng.random(len(found)) < 0.5
    return tuple(Pair(int(index), bool(side)) for index, side in zip(found, left, strict=True))


def _bright_first(images: np.ndarray) -> np.ndarray:
    """Positions of the images in which details can be seen, then of the others, brightest first."""
    grey = images.mean(axis=-1)
    brightness, contrast = grey.mean(axis=(1, 2)), grey.std(axis=(1, 2))
    clear = (brightness >= BRIGHT) & (contrast >= CONTRAST)
    return np.argsort(np.where(clear, -np.inf, -brightness), kind="stable")


def guessing_probability(score: int, pairs: int) -> float:
    """The probability that guessing gives this score or a better one: the binomial tail."""
    return sum(math.comb(pairs, right) for right in range(score, pairs + 1)) / 2**pairs


def interpret(score: int, pairs: int) -> str:
    """What a score means compared with guessing, as Markdown."""
    chance = guessing_probability(score, pairs)
    guessing = (
        f"guessing gives {pairs / 2:g} on average, and {score} or more in {chance:.1%} of such"
        " tests."
    )
    if chance <= RARE:
        return f"**You can see this trigger:** {guessing}"
    if guessing_probability(pairs - score, pairs) <= RARE:
        return (
            "**You see a difference, but mistake the triggered picture for the clean one:**"
            f" {guessing}"
        )
    return f"**You cannot reliably see this trigger:** {guessing}"
