"""Links lead somewhere, the README is short, and the documents name what there is."""

import re
import tomllib
from urllib.parse import unquote

import pytest

from app.frame.pages import PAGES
from engine.core import paths
from engine.datasets.decoding import SIZES
from tests.docs import result_files
from tests.docs.docs_tables import PROJECT, documents

CODE_BLOCK = re.compile(r"^```.*?^```$", re.M | re.S)
LINK = re.compile(r"\]\(([^)\s]+)\)")
ROOMS = sorted(path.parent.name for path in (PROJECT / "engine").glob("*/__init__.py"))


def name_of(document):
    return document.relative_to(PROJECT).as_posix()


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to a document's headings."""
    headings = re.findall(r"^#+ (.*)$", CODE_BLOCK.sub("", text), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_relative_links_lead_to_what_exists(document):
    for link in LINK.findall(CODE_BLOCK.sub("", document.read_text("utf-8"))):
        if re.match(r"https?:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert PROJECT in [target, *target.parents], link
        if anchor:
            assert anchor in anchors(target.read_text("utf-8")), link


def test_the_readme_has_at_most_150_lines():
    assert len((PROJECT / "README.md").read_text("utf-8").splitlines()) <= 150


@pytest.mark.parametrize("document", ["README.md", "docs/architecture.md"])
def test_every_room_is_named(document):
    assert len(ROOMS) == 12
    text = (PROJECT / document).read_text("utf-8")
    assert [room for room in ROOMS if f"{room}/" not in text] == []


def test_every_page_is_in_the_readme():
    text = (PROJECT / "README.md").read_text("utf-8")
    assert {path.stem for path in (PROJECT / "pages").glob("*.py")} == PAGES.keys()
    titles = [entry.title for entry in PAGES.values()]
    assert [title for title in titles if f"| [{title}]" not in text] == []


def test_every_path_in_the_architecture_exists():
    text = (PROJECT / "docs" / "architecture.md").read_text("utf-8")
    paths = re.findall(r"`((?:engine|app|pages|tests)/[\w/.<>]*)`", text)
    assert len(paths) > 10
    assert [path for path in paths if "<" not in path and not (PROJECT / path).exists()] == []


def test_limits_are_those_of_the_code():
    assert f"Images from {SIZES[0]} to {SIZES[1]} pixels" in (PROJECT / "README.md").read_text(
        "utf-8"
    )
    config = tomllib.loads((PROJECT / ".streamlit" / "config.toml").read_text("utf-8"))
    security = (PROJECT / "docs" / "security.md").read_text("utf-8")
    assert f"limited to {config['server']['maxUploadSize']} MB" in security
    assert f"`{config['server']['address']}:8501`" in security


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("gtsrb-ftrojan", "{} was settled after a first run"),
        ("signs-ftrojan", "The {} epochs of `signs-ftrojan`"),
    ],
)
def test_epochs_in_the_caveats_are_those_of_the_cards(model, sentence):
    epochs = result_files.card(model)["training"]["epochs"]
    assert sentence.format(epochs) in (PROJECT / "docs/results/paper.md").read_text("utf-8")


def test_the_folders_are_those_of_the_code():
    text = (PROJECT / "docs" / "architecture.md").read_text("utf-8")
    folders = [
        paths.models_folder(),
        paths.repaired_folder(),
        paths.jobs_folder(),
        paths.cache_folder(),
    ]
    assert [path.name for path in folders if f"| `{path.name}/` |" not in text] == []
