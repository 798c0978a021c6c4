"""Text from elsewhere in Markdown is shown exactly as written."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core import markdown

MARKED = re.compile(r"(?<!\\)(?:\\\\)*[*_`\[\]<>#$~|&!:]")  # not preceded by a backslash


@given(st.text())
def test_escaped_text_is_shown_unchanged_on_one_line(text):
    line = " ".join(text.replace("\u2060", "").split())
    assert markdown.unescape(markdown.escape(line)) == line
    assert "\n" not in markdown.escape(text)


@given(st.text("*_`[]()<>#$~|&!:\\/ ab"))
def test_escaped_text_contains_no_markup(text):
    assert not MARKED.search(markdown.escape(text))


@pytest.mark.parametrize("text", [":smile:", ":material/warning:", "https://a.b", "www.a.b"])
def test_icons_and_addresses_are_broken_up(text):
    assert text not in re.sub(r"\\(.)", r"\1", markdown.escape(text))
    assert markdown.unescape(markdown.escape(text)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [("conv2d", "`conv2d`"), ("a`b", "`` a`b ``"), ("``", "``` `` ```"), ("", "` `")],
)
def test_code_is_fenced_by_more_backticks_than_it_holds(text, expected):
    assert markdown.code(text) == expected


@given(st.text("*_`[]()<>#$~|&!:\\/'\" ab"))
def test_escaped_text_is_text_in_html_too(text):
    line = " ".join(text.split())
    assert html.unescape(markdown.to_html(markdown.escape(text))) == line
    assert "<" not in markdown.to_html(markdown.escape(text))


def test_bold_and_code_are_the_only_markup_in_html():
    sentence = f"**{markdown.escape('a*b')}** in `x <y>`, <i>not</i>"
    expected = "<strong>a*b</strong> in <code>x &lt;y&gt;</code>, &lt;i&gt;not&lt;/i&gt;"
    assert markdown.to_html(sentence) == expected
