"""The report on one model."""

import dataclasses
import html
import re
from html.parser import HTMLParser

import pytest

from engine import store
from engine.cli import main
from engine.core.errors import UserError
from engine.reporting import model_report, verdict
from engine.reporting.model_report import View
from engine.store.scans import stored_scan
from tests.conftest import TARGET
from tests.fixtures import scans

VIEW = View("conv2d_5", "clean-activation", 10.0)


class Parsed(HTMLParser):
    """Tags and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.texts, self.addresses = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href")]

    def handle_data(self, data):
        self.texts.append(data)


def shown(dataset) -> model_report.Example:
    return model_report.test_example(dataset.test, 3)


@pytest.fixture
def report(results, dataset):
    stored = store.find("small")
    return model_report.html(stored, VIEW, shown(dataset), "python -m engine report small")


def test_it_is_self_contained_and_has_no_scripts(report):
    page = Parsed(report)
    assert "script" not in page.tags
    assert all(address.startswith(("data:", "#")) for address in page.addresses)
    assert "default-src 'none'" in report
    assert page.tags.count("img") == 3


def test_its_numbers_are_those_of_the_curve_and_the_card(report):
    stored = store.find("small")
    text = " ".join(Parsed(report).texts)
    for value in stored.card.scores["test"].values():
        if isinstance(value, float):
            assert f"{value:.2f}" in text
    curve = stored.table("curve-conv2d_5-clean-activation")
    pruned = int(re.search(r"points\s+(\d+) of 128", text)[1])
    assert f"{curve['attack_success'][pruned]:.2f}" in text
    assert stored.card.sha256 in text
    assert all(command in text for command in stored.card.commands)


def test_names_from_a_foreign_card_are_text(results, dataset):
    stored = store.find("small")
    names = tuple(f"<script>alert({number})</script>" for number in range(6))
    card = dataclasses.replace(
        stored.card,
        class_names=names,
        dataset="<script>d</script>",
        created="<script>c</script>",
        commands=("<script>x</script>",),
        versions={"<script>v</script>": "<script>1</script>"},
        repair={"parent": "<script>p</script>", "summary": "<script>s</script>"},
    )
    hostile = dataclasses.replace(stored, card=card)
    text = model_report.html(hostile, VIEW, shown(dataset), "x & y < z")
    assert "script" not in Parsed(text).tags
    assert "x &amp; y &lt; z" in text


def test_without_images_or_curve_it_says_so(at_home):
    view = View("conv2d_5", "clean-activation", 2.0)
    text = " ".join(Parsed(model_report.html(store.find("small"), view, None, "c")).texts)
    assert "No image was available" in text and "has not been computed" in text


def test_the_verdict_of_the_scan_and_its_pictures_open_it(results, dataset):
    stored = store.find("small")
    for trigger, pictures in ((scans.patch(TARGET, 32), 5), (None, 0)):
        stored = scans.store_scan(stored, trigger)
        for example in (shown(dataset), None):
            text = model_report.html(stored, VIEW, example, "c")
            opening = text[: text.index("What to do")]
            assert opening.count("<img") == pictures
            assert html.escape(verdict.of_scan(stored.card, stored_scan(stored)), False) in (
                opening.replace("&#39;", "'")
            )


def test_a_scan_that_cannot_be_read_costs_one_sentence(results, dataset):
    stored = store.find("small")
    (stored.folder / "detection.csv").write_text("label,name\n0,a\n")
    text = " ".join(Parsed(model_report.html(stored, VIEW, shown(dataset), "c")).texts)
    assert "scan the model again" in text and "Clean accuracy" in text


def test_an_image_that_does_not_exist_is_refused(dataset):
    with pytest.raises(UserError, match="no test image 1000000"):
        model_report.test_example(dataset.test, 10**6)


def test_the_command_it_names_makes_it_again(results, tmp_path, capsys):
    command = model_report.command(store.find("small"), "folder:signs", VIEW, 3)
    words = command.split()[3:-1]
    out = tmp_path / "report.html"
    assert main.main([*words, str(out)]) == 0
    assert command in Parsed(out.read_text()).texts[-1] or command in out.read_text()
    capsys.readouterr()
