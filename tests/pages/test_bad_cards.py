"""A model whose card cannot be used costs one sentence, and no other model anything."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from app.frame import header
from engine.core import markdown, paths
from tests.pages.driving import NAMES, PROJECT, by_label, check_fine, open_page, visible_text

BAD = {
    "broken": "{",
    "nested": "[" * 100_000,
    "text-scores": {"scores": {"test": {"clean_accuracy": "high"}}},
    "endless": {"image_shape": [float("inf"), 32, 3]},
    "numbered": {"created": 5},
}


@pytest.fixture
def among_bad_ones(results):
    """The small model, among others whose cards cannot be used."""
    card = json.loads((paths.models_folder() / "small" / "card.json").read_text())
    for name, change in BAD.items():
        folder = paths.models_folder() / name
        folder.mkdir()
        text = change if isinstance(change, str) else json.dumps(card | {"name": name} | change)
        (folder / "card.json").write_text(text)


@pytest.mark.parametrize("name", NAMES)
def test_every_page_shows_another_model(among_bad_ones, name):
    app = open_page(name)
    assert by_label(app.selectbox, "Model in use").value == "small"
    assert set(BAD) <= set(by_label(app.selectbox, "Model in use").options), "by their names"


def test_each_bad_model_is_reported_on_its_own_card(among_bad_ones):
    app = open_page("models")
    told = [text for text in visible_text(app).splitlines() if "cannot be used" in text]
    assert len(told) == len(BAD)
    assert all(any(name in text for text in told) for name in BAD)
    app = open_page("models", tab="Compare")
    compared = by_label(app.multiselect, "Models to compare")
    compared.set_value(["small", "broken"]).run()
    table = next(frame.value for frame in check_fine(app).dataframe if "purpose" in frame.value)
    assert len(table) == 1


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("data", "train")])
def test_in_use_it_is_one_sentence_and_another_can_be_chosen(among_bad_ones, monkeypatch, name):
    monkeypatch.setattr(header, "DEFAULT_MODEL", "small")
    app = AppTest.from_file(str(PROJECT / "app" / "main.py"), default_timeout=60)
    app.query_params["model"] = "broken"
    app.run()
    if name == "models":
        app.session_state["models-tab"] = "In use"
    if name != "overview":
        app.switch_page(f"../pages/{name}.py").run()
    assert not app.exception
    (sentence,) = [markdown.unescape(error.value) for error in app.error]
    assert "cannot be used" in sentence
    by_label(app.selectbox, "Model in use").select("small").run()
    assert check_fine(app).session_state[header.DATASET] == "folder:signs"
