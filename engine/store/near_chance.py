"""Whether a network classifies clean images little better than somebody who guesses."""

from __future__ import annotations

from engine.core.errors import UserError
from engine.store.cards import ModelCard

CONFIRM = "--confirm-accuracy"  # the option of commands that repair


def highest_chance(classes: int) -> float:
    """The accuracy, percent, up to which a network is taken to guess.

    That is twice the share of a guess, 1 of `classes`. With few classes it is less, because there
    twice the share would be out of reach: a quarter of the way from the guess to 100 %.
    """
    guess = 100 / classes
    return guess + min(guess, (100 - guess) / 4)


def warn(card: ModelCard) -> str:
    """A sentence about a network that may be guessing; empty for a better one.

    It may be guessing if its accuracy on clean validation images is at most `highest_chance`.
    """
    accuracy, classes = card.scores["validation"]["clean_accuracy"], len(card.class_names)
    if accuracy > highest_chance(classes):
        return ""
    guess = 100 / classes
    compared = "little better than" if accuracy > guess else "no better than"
    cause = (
        "the input range or the class order is probably wrong"
        if card.imported
        else "it has hardly learned anything"
    )
    return f"{accuracy:.1f} % on clean images is {compared} guessing ({guess:.1f} %): {cause}."


def check(card: ModelCard, confirmed: bool) -> None:
    """Refuse to repair a network that may be guessing, unless somebody has confirmed it.

    Raises:
        UserError: it may be guessing, and nobody has.
    """
    problem = warn(card)
    if problem and not confirmed:
        raise UserError(
            f"'{card.name}' is not repaired: {problem[:-1]}. Import or train it again, or confirm"
            f" its accuracy with {CONFIRM}."
        )
