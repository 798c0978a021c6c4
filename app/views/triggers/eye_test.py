"""Which of two pictures is triggered? Ten pairs, a score, and what guessing would give."""

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
RARE = 0.05  # what guessing gives so seldom is hardly luck
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
    """One eye test, as far as it has come.

    Attributes:
        dataset, size, trigger: whose images, how large, and the trigger as text.
        seed: what drew the pairs.
        pairs: all of them.
        answers: so far: whether the left picture was taken for the triggered one.
    """

    dataset: str
    size: int
    trigger: str
    seed: int
    pairs: tuple[Pair, ...]
    answers: tuple[bool, ...] = ()

    @property
    def over(self) -> bool:
        """Whether every pair has its answer."""
        return len(self.answers) == len(self.pairs)

    @property
    def score(self) -> int:
        """How many answers are right."""
        return sum(
            left == pair.triggered_left
            for pair, left in zip(self.pairs, self.answers, strict=False)
        )

    def answered(self, left: bool) -> Game:
        """With one answer more, unless it is over."""
        return self if self.over else dataclasses.replace(self, answers=(*self.answers, left))


def draw(seed: int, clean: np.ndarray, trigger: Trigger, count: int = PAIRS) -> tuple[Pair, ...]:
    """Pairs of different images, at most `count`; the same seed draws the same.

    An image that the trigger leaves as it is has no answer: it is passed over.

    Args:
        seed: of the draw.
        clean: the images to draw from, uint8 [n, height, width, 3].
        trigger: what changes one picture of each pair.
        count: pairs asked for.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.permutation(len(clean))[: 4 * count]
    candidates = np.array(clean[drawn])
    changed = (trigger(candidates) != candidates).any(axis=(1, 2, 3))
    found = drawn[changed][:count]
    # A coin for each pair: then a guess is right every other time, whatever the guesser does.
    left = rng.random(len(found)) < 0.5
    return tuple(Pair(int(index), bool(side)) for index, side in zip(found, left, strict=True))


def by_guessing(score: int, pairs: int) -> float:
    """How likely guessing gives this score or a better one, 0 to 1: the binomial, exactly."""
    return sum(math.comb(pairs, right) for right in range(score, pairs + 1)) / 2**pairs


def interpret(score: int, pairs: int) -> str:
    """What a score says beside guessing, in two or three sentences."""
    chance = by_guessing(score, pairs)
    told = (
        f"Guessing gives {pairs / 2:g} on average, and {score} or more in {chance:.1%} of all such"
        " tests."
    )
    if chance <= RARE:
        return f"{told} That is hardly luck: **you see this trigger.**"
    if by_guessing(pairs - score, pairs) <= RARE:
        return f"{told} So few is hardly luck either: **you see it, and take it for clean.**"
    return f"{told} So this may well be luck: **you do not reliably see this trigger.**"


@failures.fragment  # an answer does not run the rest of the page
def show(card: ModelCard, dataset: str) -> None:
    """The test from its start to its score, on images of `dataset`."""
    if not image_chooser.at_hand(dataset):
        st.info(
            "The eye test needs test images. Choose another dataset under *Images from*, or put the"
            " files named above in their place.",
            icon=":material/visibility:",
        )
        return
    trigger = gallery.usual(card, _choose(card))
    size = card.image_shape[0]
    try:
        caches.pair(dataset, size, 0, trigger)
    except UserError as error:
        st.info(markdown.escape(error), icon=":material/info:")
        return
    game = st.session_state.get(GAME)
    if game is None or (game.dataset, game.size, game.trigger) != (dataset, size, trigger):
        _offer("Start", dataset, size, trigger)
    elif not game.over:
        _ask(game)
    else:
        _tell(game)
        _offer("Again", dataset, size, trigger)


def _choose(card: ModelCard) -> str:
    names, own = list(TRIGGERS), card.parsed_trigger().name
    name = st.selectbox(
        "Trigger to look for",
        names,
        names.index(own),
        format_func=lambda name: TRIGGERS[name].title,
        key=f"eye-test-{own}",  # so that another model begins with its own
        bind="query-params",
        help="With its default settings; the model's own with those it was trained on.",
        width=320,
    )
    st.caption(TRIGGERS[name].summary)
    return name


def _offer(label: str, dataset: str, size: int, trigger: str) -> None:
    about = (dataset, size, trigger)
    st.button(label, key="eye-begin", type="primary", on_click=_begin, args=about)
    st.caption("Your answers stay in this browser tab's session: nothing is stored.")


@failures.callback
def _begin(dataset: str, size: int, trigger: str) -> None:
    seed = secrets.randbits(32)
    pairs = draw(seed, caches.test_images(dataset, size).images, parse_trigger(trigger))
    st.session_state[GAME] = Game(dataset, size, trigger, seed, pairs)


@failures.callback
def _answer(left: bool) -> None:
    st.session_state[GAME] = st.session_state[GAME].answered(left)


def _ask(game: Game) -> None:
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
    clean, triggered = caches.pair(game.dataset, game.size, pair.index, game.trigger)
    return (triggered, clean) if pair.triggered_left else (clean, triggered)


def _tell(game: Game) -> None:
    count = len(game.pairs)
    if not count:
        st.info("This trigger changes none of the images drawn: choose another one.")
        return
    st.metric("Right", f"{game.score} of {count}")
    st.markdown(interpret(game.score, count))
    rounds = zip(game.pairs, game.answers, strict=True)
    answers = [_answer_shown(game, number, *asked) for number, asked in enumerate(rounds, 1)]
    st.html(templates.render(_TEMPLATES, "eye_test", pair=[], answers=answers))


def _answer_shown(game: Game, number: int, pair: Pair, left: bool) -> dict[str, object]:
    """A pair with its answer; the picture chosen is framed."""
    shown = []
    for image, is_left in zip(pictures(game, pair), (True, False), strict=True):
        caption = "Triggered" if is_left == pair.triggered_left else "Clean"
        alternative = f"Pair {number}, {'left' if is_left else 'right'} picture"
        shown.append((gallery.picture(image, alternative, caption), is_left == left))
    return {"number": number, "correct": left == pair.triggered_left, "pictures": shown}
