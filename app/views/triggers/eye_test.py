"""Which of two pictures is triggered? Ten pairs, a score, and the odds of guessing it."""

from __future__ import annotations

import secrets

import numpy as np
import streamlit as st

from app import caches
from app.forms import image_chooser
from app.frame import address, failures
from app.views.triggers import embedded, trigger_form
from app.views.triggers.eye_game import Game, Pair, draw, interpret, read_code
from engine.attacks.triggers import parse_trigger
from engine.core import templates
from engine.store import StoredModel

GAME = "eye-test"  # in the session and, as a code, in the address
_TEMPLATES = templates.load(__file__)


def show(model: StoredModel, dataset: str) -> None:
    """The whole test, on images of `dataset`, with the trigger's parameters beside it.

    It is no fragment: only a run of the page writes the address, from which a reload goes on.
    """
    if not image_chooser.images_available(dataset):
        st.info(
            "The eye test needs test images. Choose other images in the line at the top, or add"
            " these.",
            icon=":material/visibility:",
        )
        image_chooser.offer_download(dataset)
        return
    trigger_form.hold_settings()
    left, right = st.columns([4, 1], gap="large")
    with right, failures.contained():
        trigger = trigger_form.choose(model)
        with left, failures.contained():  # it may not fit these images
            _play(dataset, model.card.image_shape[0], str(trigger))


def _play(dataset: str, size: int, trigger: str) -> None:
    caches.shown_images.effect(
        np.array(caches.dataset_images.test_images(dataset, size).images[0]), trigger
    )  # or says why not
    game = _game_in_use(dataset, size, trigger)
    if game is None:
        _offer("Start", dataset, size, trigger)
    elif not game.over:
        _show_pair(game)
    else:
        _show_result(game)
        _offer("Play again", dataset, size, trigger)


def _game_in_use(dataset: str, size: int, trigger: str) -> Game | None:
    """The game in the session or, after a reload, the one in the address."""
    if GAME not in st.session_state or address.history_moved():
        known = read_code(st.query_params.get(GAME, ""))
        st.session_state[GAME] = known and _begin_game(dataset, size, trigger, *known)
    game: Game | None = st.session_state[GAME]
    if game is not None and (game.dataset, game.size, game.trigger) != (dataset, size, trigger):
        game = None  # it was about other images or another trigger
    address.write(GAME, None if game is None else game.code())
    return game


def _begin_game(
    dataset: str, size: int, trigger: str, seed: int, answers: tuple[bool, ...] = ()
) -> Game:
    pairs = draw(
        seed, caches.dataset_images.test_images(dataset, size).images, parse_trigger(trigger)
    )
    return Game(dataset, size, trigger, seed, pairs, answers[: len(pairs)])


def _offer(label: str, dataset: str, size: int, trigger: str) -> None:
    if label == "Start":
        st.markdown(
            "Each pair shows one test image twice: **clean and triggered, left or right at"
            " random.** Can you tell which one is triggered?"
        )
    about = (dataset, size, trigger)
    st.button(label, key="eye-begin", type="primary", on_click=_begin, args=about)


@failures.callback
def _begin(dataset: str, size: int, trigger: str) -> None:
    st.session_state[GAME] = _begin_game(dataset, size, trigger, secrets.randbits(32))


@failures.callback
def _answer(left: bool) -> None:
    st.session_state[GAME] = st.session_state[GAME].with_answer(left)


def _show_pair(game: Game) -> None:
    done, count = len(game.answers), len(game.pairs)
    with st.container(width=656):
        st.progress(done / count, text=f"Pair {done + 1} of {count}")
        both = zip(pictures(game, game.pairs[done]), ("Left", "Right"), strict=True)
        pair = [embedded.embed(image, f"{side} picture", side) for image, side in both]
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
    clean = np.array(caches.dataset_images.test_images(game.dataset, game.size).images[pair.index])
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
        shown.append((embedded.embed(image, alternative, caption), is_left == left))
    return {"number": number, "correct": left == pair.triggered_left, "pictures": shown}
