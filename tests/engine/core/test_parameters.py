"""What the text of a trigger or repair may say, and what is said of any other."""

import json
from dataclasses import dataclass
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.attacks.triggers import TRIGGERS, parse_trigger
from engine.core.errors import UserError, quoted
from engine.core.parameters import MAX_TEXT, Parameterized, parameter, parse
from engine.core.paths import SHIPPED_MODELS
from engine.core.registry import Registry
from engine.defenses.repairs import REPAIRS, parse_repair


@pytest.mark.parametrize("name", TRIGGERS)
def test_every_trigger_is_named_by_its_own_text(name):
    assert parse_trigger(str(parse_trigger(name))) == parse_trigger(name)


@pytest.mark.parametrize("name", REPAIRS)
def test_every_repair_is_named_by_its_own_text(name):
    assert parse_repair(str(parse_repair(name))) == parse_repair(name)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no trigger ''"),
        ("hypnosis\nand more", r"no trigger 'hypnosis\\nand more'"),
        ("x" * 300, r"no trigger 'x{60}\.\.\.'"),
        ("ftrojan:" + "magnitude=30," * 1000, "4000 characters at most"),
        ("ftrojan:magnitude", "'magnitude' in .* not of the form"),
        ("ftrojan:magnitude=1,magnitude=2", "sets 'magnitude' twice"),
        ("ftrojan:loudness=1", "no parameter 'loudness'"),
        ("ftrojan:magnitude=nan", "finite"),
        ("ftrojan:magnitude=1e999", "finite"),
        ("ftrojan:magnitude=loud", "cannot be 'loud'"),
        ("ftrojan:magnitude=\x1b[31m", r"cannot be '\\x1b\[31m'"),
        ("ftrojan:window=" + "9" * 400, r"is 9{60}\.\.\.: it must lie between"),
        ("ftrojan:window=-" + "9" * 400, r"is -9{59}\.\.\.: it must lie between"),
        ("ftrojan:bands=" + "9" * 400 + "x1", "it must lie between"),
        ("ftrojan:bands=1x2x3", "write it like"),
        ("ftrojan:bands=", "write it like"),
        ("badnets:size=" + "9" * 400, "it must lie between"),
        ("badnets:place=\udcff", r"cannot be '\\udcff'"),
        ("ban:state=../../etc/passwd", "16 hexadecimal digits"),
    ],
)
def test_a_trigger_that_is_none_is_refused_in_one_line(text, reason):
    with pytest.raises(UserError, match=reason) as caught:
        parse_trigger(text)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "text", ["fine-tuning:seed=" + "9" * 400, "pruning:threshold=inf", "pruning:order=\n", "\0"]
)
def test_a_repair_that_is_none_is_refused_in_one_line(text):
    with pytest.raises(UserError) as caught:
        parse_repair(text)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("value", "shown"),
    [("a", "'a'"), ("a\nb", r"'a\nb'"), (3, "3"), (2.50, "2.5"), (1e30, "1e+30")],
)
def test_a_value_from_elsewhere_is_quoted_on_one_line(value, shown):
    assert quoted(value) == shown


def test_any_text_in_a_message_stays_printable_on_one_line():
    told = str(UserError("There is no file 'a\nb\x1b[31m\udcff': choose\u00a0another."))
    assert told == r"There is no file 'a\nb\x1b[31m\udcff': choose" + "\u00a0another."
    assert len(str(UserError("x" * 10_000))) < 2000


@dataclass(frozen=True)
class Everything(Parameterized):
    """A parameter of every kind."""

    name: ClassVar[str] = "everything"
    title: ClassVar[str] = "Everything"

    on: bool = parameter(True, "On", "A truth.")
    count: int = parameter(1, "Count", "A whole number.")
    size: float = parameter(1.5, "Size", "A number.")
    text: str = parameter("", "Text", "Any text.")
    other: str = parameter("usual", "Other", "Any text.")
    switches: tuple[bool, ...] = parameter((True,), "Switches", "Truths.")
    counts: tuple[int, ...] = parameter((1,), "Counts", "Whole numbers.")
    sizes: tuple[float, ...] = parameter((1.5,), "Sizes", "Numbers.")
    texts: tuple[str, ...] = parameter(("a",), "Texts", "Any texts.")
    pairs: tuple[tuple[int, int], ...] = parameter(((1, 2),), "Pairs", "Pairs of numbers.")
    named: tuple[tuple[str, float], ...] = parameter((("a", 1.5),), "Named", "Names and numbers.")


KINDS = Registry("thing", "backdoor_lab.nothing", Everything, [Everything])
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(codec="utf-8") | st.sampled_from(",=+:%x /\n"), max_size=12)


def some(values):
    return st.lists(values, min_size=1, max_size=3).map(tuple)


@given(
    st.builds(
        Everything,
        on=st.booleans(),
        count=st.integers(),
        size=NUMBERS,
        text=TEXTS,
        other=TEXTS,
        switches=some(st.booleans()),
        counts=some(st.integers()),
        sizes=some(NUMBERS),
        texts=some(TEXTS),
        pairs=some(st.tuples(st.integers(), st.integers())),
        named=some(st.tuples(TEXTS, NUMBERS)),
    )
)
def test_whatever_the_values_are_the_text_names_an_equal_object(thing):
    text = str(thing)
    assert "\n" not in text
    if len(text) <= MAX_TEXT:
        assert parse(text, KINDS) == thing


@pytest.mark.parametrize(
    "path", sorted(SHIPPED_MODELS.glob("*/card.json")), ids=lambda p: p.parent.name
)
def test_the_text_on_a_shipped_card_is_the_text_of_what_it_names(path):
    text = json.loads(path.read_text(encoding="utf-8"))["trigger"]
    assert str(parse_trigger(text)) == text


@pytest.mark.parametrize("text", ["yes", "True", "1", ""])
def test_a_boolean_is_written_true_or_false(text):
    with pytest.raises(UserError, match="write it like true"):
        parse(f"everything:on={text}", KINDS)
