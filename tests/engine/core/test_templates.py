"""HTML from templates: what comes from elsewhere stays text."""

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core import templates


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    folder = tmp_path_factory.mktemp("templates")
    (folder / "greeting.html.j2").write_text("<p title='{{ name }}'>{{ name }}</p>")
    return templates.load(str(folder / "module.py"))


@given(name=st.text("<>&'\"ab"))
def test_no_value_becomes_markup(environment, name):
    html = templates.render(environment, "greeting", name=name)
    inner = html.removeprefix("<p title='").removesuffix("</p>")
    assert not set('<"') & set(inner.replace("'>", "", 1))
    assert inner.count("'") == 1


def test_a_missing_value_is_an_error(environment):
    with pytest.raises(jinja2.UndefinedError):
        templates.render(environment, "greeting")
