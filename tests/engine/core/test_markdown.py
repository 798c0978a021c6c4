"""Text from elsewhere in Markdown is shown as it is written."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core import markdown

MARKED = re.compile(r"(?<!\\)(?:\\\\)*[*_`\[\]<>#$~|&!:]")  # with nothing that takes its meaning


@given(st.text())
def test_what_is_escaped_reads_as_it_was_on_one_line(text):
    line = " ".join(text.replace("\u2060", "").split())
    assert markdown.unescape(markdown.escape(line)) == line
    assert "\n" not in markdown.escape(text)


@given(st.text("*_`[]()<>#$~|&!:\\/ ab"))
def test_nothing_in_it_keeps_a_meaning(text):
    assert not MARKED.search(markdown.escape(text))


@pytest.mark.parametrize("text", [":smile:", ":material/warning:", "https://a.b", "www.a.b"])
def test_what_is_looked_for_in_finished_text_is_parted(text):
    assert text not in re.sub(r"\\(.)", r"\1", markdown.escape(text))
    assert markdown.unescape(markdown.escape(text)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [("conv2d", "`conv2d`"), ("a`b", "`` a`b ``"), ("``", "``` `` ```"), ("", "` `")],
)
def test_code_is_fenced_by_more_backticks_than_it_holds(text, expected):
    assert markdown.code(text) == expected
