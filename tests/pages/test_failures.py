"""Whatever goes wrong on a page becomes a sentence where it happened, and the rest stays."""

import ast
import json
from itertools import chain

import pytest
from streamlit.testing.v1 import AppTest

from app import caches
from app.views.models import training_curves
from app.views.pruning import pruning_curve
from engine.core import atomic_files, jobs, markdown
from engine.core.errors import UserError
from engine.core.jobs import Status
from engine.store import trash
from tests.pages.driving import PROJECT, by_label, check_fine, open_page

SENTENCE = "The disk is full: delete a model."


def raising(error):
    def fail(*arguments, **options):
        raise error

    return fail


def sentences(app) -> list[str]:
    return [markdown.unescape(error.value) for error in app.error]


def details(app) -> list[str]:
    boxes = [box for box in app.expander if box.label == "Details to copy"]
    return [code.value for box in boxes for code in box.code]


def headers(app) -> list[str]:
    return [header.value for header in app.header]


def test_an_error_in_a_fragment_is_shown_there_and_the_page_goes_on(results, monkeypatch):
    monkeypatch.setattr(pruning_curve, "show_at_step", raising(UserError(SENTENCE)))
    app = AppTest.from_file(str(PROJECT / "app" / "main.py"), default_timeout=60)
    app.query_params["model"] = "small"
    app.run().switch_page("../pages/pruning.py").run()
    assert not app.exception and sentences(app) == [SENTENCE] and not details(app)
    assert by_label(app.selectbox, "Pruning order").value, "what stands before the fragment"
    assert app.slider[0].value == 20.0, "what stands in it before the error"


def test_an_unexpected_error_is_one_sentence_with_details_to_copy(results, monkeypatch):
    app = open_page("pruning")
    monkeypatch.setattr(pruning_curve, "show_at_step", raising(KeyError("settings")))
    app.slider[0].set_value(10.0).run()
    assert not app.exception
    (sentence,), (traceback,) = sentences(app), details(app)
    assert "Unexpected error (KeyError)" in sentence and sentence.count(".") == 1
    assert traceback.splitlines()[-1] == "KeyError: 'settings'"
    assert 'File "views/pruning/pruning_tabs.py"' in traceback and str(PROJECT) not in traceback


@pytest.mark.parametrize("error", [UserError(SENTENCE), ZeroDivisionError()])
def test_a_page_that_fails_keeps_its_header(results, monkeypatch, error):
    monkeypatch.setattr(caches.models, "convolutions", raising(error))
    app = AppTest.from_file(str(PROJECT / "app" / "main.py"), default_timeout=60).run()
    app.switch_page("../pages/report.py").run()
    assert not app.exception and len(app.error) == 1
    assert by_label(app.selectbox, "Model in use").value
    assert app.title[0].value == "Report"


@pytest.mark.parametrize("error", [UserError(SENTENCE), OSError(28, "No space left on device")])
def test_an_error_in_a_callback_is_shown_once_and_the_page_is_drawn(results, monkeypatch, error):
    app = open_page("models")
    whole = headers(app)
    monkeypatch.setattr(trash, "delete", raising(error))
    (button,) = [button for button in app.button if button.key == "delete-small"]
    button.click().run()
    assert not app.exception and len(app.error) == 1
    assert headers(app) == whole
    check_fine(app.run())


def test_an_error_in_a_repeating_fragment_is_shown(results, monkeypatch):
    job = jobs.job_named("train-later")
    request = {"kind": "train", "arguments": ["train"], "number": 1}
    atomic_files.write_text(job.folder / "request.json", json.dumps(request))
    job.write_status(Status("running"))
    monkeypatch.setattr(training_curves, "show", raising(UserError(SENTENCE)))
    app = open_page("train")
    with job.worker_lock():
        (button,) = [button for button in app.run().button if button.key == "watch-train-later"]
        button.click().run()
        assert not app.exception and sentences(app) == [SENTENCE]
        assert [title.value for title in app.title] == ["Train"]


def test_ending_and_repeating_a_run_are_no_failures():
    def script():
        import streamlit as st

        from app.frame import failures

        with failures.contained():
            if "again" not in st.session_state:
                st.session_state["again"] = True
                st.rerun()
            st.write("before the end")
            st.stop()

    app = AppTest.from_function(script).run()
    assert [text.value for text in app.markdown] == ["before the end"]
    assert not app.error and not app.exception


def test_an_error_that_nothing_caught_is_shown_by_us_instead_of_streamlit():
    def script():
        from app.frame import failures

        assert failures.show_escaped(KeyError("lost")) is True

    app = AppTest.from_function(script).run()
    assert not app.exception
    assert "Unexpected error (KeyError)" in sentences(app)[0] and details(app)


def test_a_failure_shows_text_of_files_as_text():
    def script():
        from app.frame import failures
        from engine.core.errors import UserError

        with failures.contained():
            raise UserError("No model '![x](https://example.com/x.png)' here: <b>train</b> one.")

    app = AppTest.from_function(script).run()
    assert app.error[0].value.startswith(r"No model \'\!\[x\]\(https")
    assert sentences(app)[0].endswith("here: <b>train</b> one.")


SCRIPTS = [*(PROJECT / "app").rglob("*.py"), *(PROJECT / "pages").rglob("*.py")]
TREES = {path.relative_to(PROJECT).as_posix(): ast.parse(path.read_text()) for path in SCRIPTS}
NODES = {name: list(ast.walk(tree)) for name, tree in TREES.items()}
GUARDED = {
    node.name
    for node in chain.from_iterable(NODES.values())
    if isinstance(node, ast.FunctionDef)
    and "failures.callback" in map(ast.unparse, node.decorator_list)
}


MAKERS = {  # functions that make such a callback
    node.name
    for node in chain.from_iterable(NODES.values())
    if isinstance(node, ast.FunctionDef)
    and any(isinstance(part, ast.FunctionDef) and part.name in GUARDED for part in node.body)
}


def test_every_fragment_shows_its_errors():
    for name, nodes in NODES.items():
        used = [node for node in nodes if isinstance(node, ast.Attribute)]
        assert name == "app/frame/failures.py" or "st.fragment" not in map(ast.unparse, used), name


def test_every_callback_shows_its_errors():
    asked = [
        (name, keyword.value)
        for name, nodes in NODES.items()
        for node in nodes
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg in ("on_click", "on_select") or (keyword.arg or "").endswith("_change")
        if not isinstance(keyword.value, ast.Constant)
    ]
    assert len(asked) > 5
    for name, value in asked:
        if isinstance(value, ast.Call) and ast.unparse(value.func) in {
            "failures.callback",
            *MAKERS,
        }:
            continue
        function = value.args[0] if isinstance(value, ast.Call) else value
        assert ast.unparse(function).rpartition(".")[2] in GUARDED, (name, ast.unparse(value))
