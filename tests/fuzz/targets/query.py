"""The parameters of a link; what is kept of them is given to numbers, choices and texts."""

from urllib.parse import parse_qs

from app.frame import links
from engine.core.errors import UNPRINTABLE, UserError
from tests.fuzz.mutate import as_text
from tests.fuzz.run import Target

_LINKS = (
    "model=signs-ftrojan&dataset=signs&class=14&image=3",
    "model=gtsrb-clean&layer=conv2d_5&order=clean-activation&threshold-pruning=2.5&channel=7",
    "sort=difference&gain=15&trigger=ftrojan&magnitude=30.0&bands=15x15&bands=31x31",
    "repairs-confidence=95.0&train-dataset=CIFAR-10&attacked-figure=attack_success",
)


def _seeds():
    return [link.encode() for link in _LINKS]


def _parse(content):
    text = content.decode("utf-8", errors="surrogateescape")
    given = parse_qs(text, keep_blank_values=True, errors="surrogateescape")
    kept = links.keep_usable(given)
    for value in (value for values in kept.values() for value in values):
        value.encode()
        assert not UNPRINTABLE.search(value)
        _as_number(value)
    if kept != given:
        raise UserError("Something is taken out of the link.")


def _as_number(value):
    """As a control for numbers takes it: a number of any size, or none."""
    try:
        number = float(value)
    except ValueError:
        return
    int(number)


TARGET = Target("query", _seeds, _parse, as_text)
