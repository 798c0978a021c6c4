"""The documents say what the files beside them say."""

import re
from collections import Counter

import pytest

from tests.docs import docs_tables
from tests.docs.docs_tables import BLOCK, PROJECT, documents

CHECKED = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.M | re.S)
LINK = re.compile(r"\]\([^)]*\)")
# A measured figure: a decimal, or a number of percent, points, decibels or seconds.
FIGURE = re.compile(r"\d\.\d|\d,\d{3}|\d ?(?:%|dB\b|points?\b|seconds?\b|minutes?\b|MB\b|GB\b)")
# Figures that are no results: what a sentence needs them for, by document.
CONSTANTS = {
    "README.md": ["Python 3.11 to 3.13"],
    "docs/metrics-and-protocol.md": ["add up to 100 %"],
    "docs/results/attacks.md": ["a drop of 10 points", "missed 95 % after"],
    "docs/results/paper.md": ["dropped by 10\npoints"],
    "docs/results/repairs.md": ["*95 % confidence*", "and rate (0.01) of FT-SAM"],
    "docs/results/robustness.md": ["(learning rate 0.01, momentum 0.9, batches of 128)"],
    "docs/security.md": ["(`127.0.0.1:8501`)", "limited to 256 MB"],
}


def name_of(document):
    return document.relative_to(PROJECT).as_posix()


def outside_blocks(text: str) -> str:
    """What somebody typed: a document without generated blocks, code and targets of links."""
    for generated in (BLOCK, CODE, LINK):
        text = generated.sub(" ", text)
    return text


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_generated_blocks_are_those_of_the_files(document):
    text = document.read_text("utf-8")
    assert docs_tables.fill(text) == text, "run python -m tests.docs.docs_tables"


def test_every_block_is_used_and_every_marker_is_whole():
    used = Counter()
    for document in documents():
        text = document.read_text("utf-8")
        names = docs_tables.block_names(text)
        if name_of(document) != "CONTRIBUTING.md":  # it explains the markers
            assert len(names) == text.count("<!-- generated:") == text.count("<!-- end -->")
        used.update(names)
    assert set(used) == set(docs_tables.BLOCKS)


@pytest.mark.parametrize("document", CHECKED, ids=name_of)
def test_no_figure_is_typed_by_hand(document):
    if document.name in WRITTEN_BY_OTHERS:
        return
    text = document.read_text("utf-8")
    for known in CONSTANTS.get(name_of(document), []):
        assert known in text
        text = text.replace(known, "")
    found = FIGURE.search(outside_blocks(text))
    assert found is None, text_around(outside_blocks(text), found)


WRITTEN_BY_OTHERS = {"cli.md", "extending.md"}  # their own tests hold them to the code


def text_around(text, found):
    return text[max(0, found.start() - 60) : found.end() + 40]
