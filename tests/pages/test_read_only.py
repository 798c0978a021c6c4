"""Read-only mode: every page opens, and nothing can be trained, uploaded, changed or deleted."""

import pytest

from app.frame import pages
from engine import store
from engine.core import jobs, paths, read_only
from engine.core.errors import UserError
from engine.datasets import own
from engine.store import trash
from tests.pages.driving import check_fine, open_page, visible_text


@pytest.fixture
def demo(results, monkeypatch):
    monkeypatch.setenv(read_only.VARIABLE, "1")


def files_of(folder) -> dict:
    """Every file below a folder, and its content; the cache does not count."""
    files = [path for path in folder.rglob("*") if path.is_file() and "cache" not in path.parts]
    return {path: path.read_bytes() for path in files}


@pytest.mark.parametrize("page", pages.PAGES)
def test_every_page_opens_and_offers_nothing_that_stores(page, demo):
    before = files_of(paths.home())
    app = check_fine(open_page(page))
    starting = [button for button in app.button if str(button.key).startswith("start-")]
    assert all(button.disabled for button in starting if "export" not in button.key)
    forbidden = ("delete-", "remove-", "stop-", "resume-", "dismiss-")
    assert not [button.key for button in app.button if str(button.key).startswith(forbidden)]
    assert not app.get("file_uploader") and not app.get("camera_input")
    assert "Save as a model" not in [button.label for button in app.button]
    assert files_of(paths.home()) == before


@pytest.mark.parametrize("page", ["train", "own_model"])
def test_pages_for_what_cannot_be_done_say_so(page, demo):
    assert read_only.SENTENCE in visible_text(open_page(page))


def test_without_the_variable_the_same_pages_offer_it(results):
    assert read_only.SENTENCE not in visible_text(open_page("train"))
    assert open_page("pictures").get("file_uploader")


@pytest.mark.parametrize("value", ["", "0"])
def test_the_variable_can_be_empty_or_0(value, monkeypatch):
    monkeypatch.setenv(read_only.VARIABLE, value)
    assert not read_only.is_read_only()


def test_the_engine_refuses_too_whatever_a_page_would_ask(demo, results):
    (name, *_) = [name for name in store.names() if (paths.models_folder() / name).is_dir()]
    stored = store.find(name)
    for change in (
        lambda: trash.delete(name),
        lambda: trash.restore(name),
        lambda: own.remove("anything"),
        lambda: store.copy_as(stored, "copy"),
        lambda: stored.save_tables({}, "command"),
        lambda: jobs.start("train-x", ["train", "signs", "--name", "x"]),
        lambda: jobs.start("detect-x", ["detect", name]),
    ):
        with pytest.raises(UserError, match="read-only"):
            change()
    assert not list(paths.jobs_folder().glob("train-x/*"))
