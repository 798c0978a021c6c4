"""Which of two pictures is triggered? Ten pairs, a score, and the odds of guessing it."""

from __future__ import annotations

import dataclasses
import math
import secrets
from dataclasses import dataclass

import numpy as np
import streamlit as st

from app import caches
from app.forms import image_chooser
from app.frame import failures
from app.views.triggers import gallery
from engine.attacks.triggers import TRIGGERS, Trigger, parse_trigger
from engine.core import markdown, templates
from engine.core.errors import UserError
from engine.store import ModelCard

PAIRS = 10
GAME = "eye-test"
RARE = 0.05  # scores that guessing gives less often are not put down to luck
_TEMPLATES = templates.load(__file__)


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


def draw(seed: int, clean: np.ndarray, trigger: Trigger, count: int = PAIRS) -> tuple[Pair, ...]:
    """Pairs of different images, at most `count`; the same seed draws the same.

    Images that the trigger does not change are skipped.

    Args:
        seed: of the draw.
        clean: the images to draw from, uint8 [n, height, width, 3].
        trigger: applied to one picture of each pair.
        count: how many pairs to draw.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.permutation(len(clean))[: 4 * count]
    candidates = np.array(clean[drawn])
    changed = (trigger(candidates) != candidates).any(axis=(1, 2, 3))
    found = drawn[changed][:count]
    # Sides are independent, so that every strategy of guessing is right half the time.
    left = rng.random(len(found)) < 0.5
    return tuple(Pair(int(index), bool(side)) for index, side in zip(found, left, strict=True))


def guessing_probability(score: int, pairs: int) -> float:
    """The probability that guessing gives this score or a better one: the binomial tail."""
    return sum(math.comb(pairs, right) for right in range(score, pairs + 1)) / 2**pairs


def interpret(score: int, pairs: int) -> str:
    """What a score means compared with guessing, as Markdown."""
    chance = guessing_probability(score, pairs)
    guessing = (
        f"Guessing gives {pairs / 2:g} on average, and {score} or more in {chance:.1%} of such"
        " tests."
    )
    if chance <= RARE:
        return f"{guessing} This is unlikely to be luck: **you can see this trigger.**"
    if guessing_probability(pairs - score, pairs) <= RARE:
        return (
            f"{guessing} So low a score is unlikely to be luck, too: **you see a difference, but"
            " mistake the triggered picture for the clean one.**"
        )
    return f"{guessing} This may well be luck: **you cannot reliably see this trigger.**"


@failures.fragment  # an answer does not rerun the rest of the page
def show(card: ModelCard, dataset: str) -> None:
    """The whole test, on images of `dataset`."""
    if not image_chooser.images_available(dataset):
        st.info(
            "The eye test needs test images. Choose another dataset under *Images from*, or add the"
            " files named above.",
            icon=":material/visibility:",
        )
        return
    trigger = gallery.usual(card, _choose(card))
    size = card.image_shape[0]
    try:
        caches.triggered(caches.test_image(card, dataset, 0), trigger)
    except UserError as error:
        st.info(markdown.escape(error), icon=":material/info:")
        return
    game = st.session_state.get(GAME)
    if game is None or (game.dataset, game.size, game.trigger) != (dataset, size, trigger):
        _offer("Start", dataset, size, trigger)
    elif not game.over:
        _show_pair(game)
    else:
        _show_result(game)
        _offer("Play again", dataset, size, trigger)


def _choose(card: ModelCard) -> str:
    names, own = list(TRIGGERS), card.parsed_trigger().name
    name = st.selectbox(
        "Trigger to look for",
        names,
        names.index(own),
        format_func=lambda name: TRIGGERS[name].title,
        key=f"eye-test-{own}",  # so that each model starts with its own trigger
        bind="query-params",
        help="Each at its usual settings; the model's own trigger at the model's settings.",
        width=320,
    )
    st.caption(TRIGGERS[name].summary)
    return name


def _offer(label: str, dataset: str, size: int, trigger: str) -> None:
    about = (dataset, size, trigger)
    st.button(label, key="eye-begin", type="primary", on_click=_begin, args=about)
    st.caption("Your answers are not stored: they are gone when you close this tab.")


@failures.callback
def _begin(dataset: str, size: int, trigger: str) -> None:
    seed = secrets.randbits(32)
    pairs = draw(seed, caches.test_images(dataset, size).images, parse_trigger(trigger))
    st.session_state[GAME] = Game(dataset, size, trigger, seed, pairs)


@failures.callback
def _answer(left: bool) -> None:
    st.session_state[GAME] = st.session_state[GAME].with_answer(left)


def _show_pair(game: Game) -> None:
    done, count = len(game.answers), len(game.pairs)
    with st.container(width=656):
        st.progress(done / count, text=f"Pair {done + 1} of {count}")
        both = zip(pictures(game, game.pairs[done]), ("Left", "Right"), strict=True)
        pair = [gallery.picture(image, f"{side} picture", side) for image, side in both]
        st.html(templates.render(_TEMPLATES, "eye_test", pair=pair, answers=[]))
        with st.container(horizontal=True, wrap=False, key="eye-sides"):
            for side in ("Left", "Right"):
                st.button(
                    side,
                    key=f"eye-{side.lower()}",
                    on_click=_answer,
                    args=(side == "Left",),
                    width="stretch",
                )


def pictures(game: Game, pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """The left picture and the right one."""
    clean = np.array(caches.test_images(game.dataset, game.size).images[pair.index])
    triggered = parse_trigger(game.trigger)(clean[np.newaxis])[0]
    return (triggered, clean) if pair.triggered_left else (clean, triggered)


def _show_result(game: Game) -> None:
    count = len(game.pairs)
    if not count:
        st.info("This trigger changes none of the sampled images: choose another trigger.")
        return
    st.metric("Correct", f"{game.score} of {count}")
    st.markdown(interpret(game.score, count))
    rounds = zip(game.pairs, game.answers, strict=True)
    answers = [_describe_answer(game, number, *one) for number, one in enumerate(rounds, 1)]
    st.html(templates.render(_TEMPLATES, "eye_test", pair=[], answers=answers))


def _describe_answer(game: Game, number: int, pair: Pair, left: bool) -> dict[str, object]:
    """A pair with its answer, for the template, which frames the picture chosen."""
    shown = []
    for image, is_left in zip(pictures(game, pair), (True, False), strict=True):
        caption = "Triggered" if is_left == pair.triggered_left else "Clean"
        alternative = f"Pair {number}, {'left' if is_left else 'right'} picture"
        shown.append((gallery.picture(image, alternative, caption), is_left == left))
    return {"number": number, "correct": left == pair.triggered_left, "pictures": shown}
