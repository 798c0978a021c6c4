"""Whatever stands in a link: a page is drawn, and what cannot be used is taken out of it."""

import ast
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from app.frame import header, links
from tests.pages.driving import NAMES, PROJECT, by_label

UNUSABLE = ["1e400", "-1e999", "inf", "-Infinity", "NaN", "", "\x00", "a\nb", "\u202e", "9" * 5000]
UNKNOWN = ["zzz", "-5", "0", "1.5", "1e300", "9" * 40, "٣", " 1", "0x10", "true", "\ufffd", "../.."]


def test_unusable_parameters_are_removed_from_the_link():
    given = {name: [name] for name in UNUSABLE}
    assert links.keep_usable(given | {"image": ["3"], "gallery": ["sig", "ftrojan"]}) == {
        "image": ["3"],
        "gallery": ["sig", "ftrojan"],
    }
    assert links.keep_usable({"gallery": ["sig", "1e400"], "none": []}) == {}
    assert links.keep_usable({"text": UNKNOWN}) == {"text": UNKNOWN}


@given(st.dictionaries(st.text(), st.lists(st.text())))
def test_anything_can_be_cleaned_and_what_is_clean_stays(parameters):
    kept = links.keep_usable(parameters)
    assert kept.items() <= {name: list(values) for name, values in parameters.items()}.items()
    assert links.keep_usable(kept) == kept


def shown(name: str, **parameters) -> AppTest:
    app = AppTest.from_file(str(PROJECT / "app" / "main.py"), default_timeout=120)
    app.query_params.update(parameters)
    return app.run() if name == "overview" else app.switch_page(f"../pages/{name}.py").run()


@pytest.mark.parametrize("value", ["1e400", "inf", "nan", "", "\x00"])
def test_an_invalid_image_number_is_ignored_and_removed_from_the_link(results, value):
    usual = by_label(shown("overview", model="small").number_input, "Image (of 30)").value
    app = shown("overview", model="small", image=value)
    assert not app.exception and not app.error
    assert by_label(app.number_input, "Image (of 30)").value == usual
    assert "image" not in app.query_params and app.query_params["model"] == "small"


def bound_keys() -> list[str]:
    """The keys of all controls that travel in the link, as far as they are written down."""
    keys = {"model", "dataset", "class", "image", "channel", "threshold-pruning"}
    for path in [*(PROJECT / "app").rglob("*.py"), *(PROJECT / "pages").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                options = {keyword.arg: keyword.value for keyword in node.keywords}
                key = options.get("key")
                if "bind" in options and isinstance(key, ast.Constant):
                    keys.add(key.value)
    return sorted(keys)


KEYS = [
    *bound_keys(),
    *("threshold-overview", "A-kind", "A-ftrojan-magnitude", "A-ftrojan-window"),
    *("A-ftrojan-channels", "A-ftrojan-colour_space", "eye-test-ftrojan", "attacked-of-signs"),
]


@pytest.mark.parametrize("name", NAMES)
def test_no_link_breaks_a_page(results, monkeypatch, name):
    monkeypatch.setattr(header, "DEFAULT_MODEL", "small")  # whose images need not be drawn first
    chosen = random.Random(name)
    for value in chosen.sample(UNUSABLE + UNKNOWN, 4):
        app = shown(name, **dict.fromkeys(KEYS, value))
        assert not app.exception
        assert not [box.label for box in app.expander if box.label == "Details to copy"], value
        assert app.title[0].value
    for key in chosen.sample(KEYS, 4):
        app = shown(name, **{"model": "small", key: [chosen.choice(UNUSABLE), "1", "inf"]})
        assert not app.exception and not app.error, key


def test_an_invalid_band_in_a_link_leaves_the_rest_of_the_page(results):
    app = shown("triggers", model="small", **{"trigger-small-ftrojan-bands": "zzz"})
    assert not app.exception and len(app.error) == 1 and "bands cannot be" in app.error[0].value
    assert by_label(app.selectbox, "Trigger").value == "ftrojan"
    assert by_label(app.selectbox, "Class")
