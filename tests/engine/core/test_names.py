"""Names made from arbitrary text are always valid, and never shared."""

import itertools

import pytest

from engine import store
from engine.core import jobs
from engine.core.names import slug

PLAIN = [("signs-ftrojan",), ("m", "conv2d_5", "clean-activation"), ("m.1", 2.5)]
ODD = [
    ("Conv2D",),
    ("conv2d",),
    ("conv 2d",),
    ("conv/2d",),
    ("conv-2d",),
    ("conv_2d",),
    ("Größe",),
    ("层",),
    ("卷积",),
    ("",),
    ("", ""),
    ("-",),
    ("_",),
    ("..",),
    ("a", "b-c"),
    ("a-b", "c"),
    ("a--b", "c"),
    ("a", "b--c"),
    ("a", "b", "c"),
    ("x" * 200,),
    ("x" * 201,),
    ("\ud800",),
    ("name\n",),
]


@pytest.mark.parametrize("parts", PLAIN)
def test_parts_that_are_valid_names_are_joined_unchanged(parts):
    assert slug(*parts) == "--".join(str(part) for part in parts)


@pytest.mark.parametrize("parts", PLAIN + ODD)
def test_names_made_of_anything_are_valid_for_jobs_and_models(parts):
    name = jobs.name_of("prune", *parts)
    assert jobs.job_named(name).name == name
    assert name.startswith("prune-")
    assert store.check_name(slug(*parts)) == slug(*parts)


def test_different_parts_never_share_a_name():
    for one, other in itertools.combinations(PLAIN + ODD, 2):
        assert slug(*one) != slug(*other)
        assert jobs.name_of("prune", *one) != jobs.name_of("prune", *other)


def test_the_same_parts_have_the_same_name():
    assert slug("Conv 2D", limit=30) == slug("Conv 2D", limit=30)
    assert len(slug("Conv 2D" * 9, limit=30)) <= 30
