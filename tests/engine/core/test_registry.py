"""A registry holds what comes with the program and what other packages add."""

import logging
from abc import ABC, abstractmethod
from importlib.metadata import EntryPoint

import pytest

from engine.attacks.triggers import TRIGGERS
from engine.core import registry
from engine.core.errors import UserError
from engine.core.registry import Registry
from engine.datasets import SOURCES
from engine.defenses.detectors import DETECTORS
from engine.defenses.repairs import REPAIRS
from engine.networks.architectures import ARCHITECTURES


class Tool(ABC):
    required = ("name", "title")

    @abstractmethod
    def use(self): ...


class Hammer(Tool):
    name, title = "hammer", "A hammer"

    def use(self): ...


class Saw(Hammer):
    name, title = "saw", "A saw"


class Idea(Tool):
    name, title = "idea", "An idea"


class Nameless(Tool):
    def use(self): ...


def broken():
    raise RuntimeError("no such wood")


@pytest.fixture
def tools(monkeypatch):
    """A function from entry points, by name, to a registry with a hammer of its own."""

    def made(**points):
        def load(point):
            return points[point.name]() if points[point.name] is broken else points[point.name]

        monkeypatch.setattr(EntryPoint, "load", load)
        found = [EntryPoint(name, f"elsewhere:{name}", "lab.tools") for name in points]
        monkeypatch.setattr(registry, "entry_points", lambda group: found)
        return Registry("tool", "lab.tools", Tool, [Hammer])

    return made


def test_entries_of_other_packages_come_after_those_of_the_program(tools):
    assert list(tools(saw=Saw)) == ["hammer", "saw"]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (Idea, "Idea does not implement use"),
        (Nameless, "Nameless lacks name, title"),
        (Hammer, "the name 'hammer' is taken"),
        (int, "int is not derived from Tool"),
        (broken, "no such wood"),
    ],
)
def test_an_entry_that_cannot_be_used_costs_one_warning(tools, caplog, entry, reason):
    with caplog.at_level(logging.WARNING):
        assert list(tools(bad=entry, saw=Saw)) == ["hammer", "saw"]
    (record,) = caplog.records
    assert reason in record.message and "elsewhere:bad" in record.message


def test_an_incomplete_entry_of_the_program_fails_at_once(tools):
    with pytest.raises(TypeError, match="does not implement use"):
        Registry("tool", "lab.tools", Tool, [Idea])


def test_an_unknown_name_is_refused_with_the_names_there_are(tools):
    with pytest.raises(UserError, match=r"There is no tool 'file': choose from hammer, saw\."):
        tools(saw=Saw).find("file")


def test_a_notebook_adds_and_removes_entries_for_itself(tools):
    own = tools()
    own["saw"] = Saw
    assert own.find("saw") is Saw
    del own["saw"]
    assert "saw" not in own
    with pytest.raises(TypeError):
        own["idea"] = Idea


@pytest.mark.parametrize("kinds", [TRIGGERS, REPAIRS, DETECTORS, ARCHITECTURES, SOURCES])
def test_every_kind_of_the_program_has_a_registry(kinds):
    assert isinstance(kinds, Registry)
    assert kinds.group.startswith("backdoor_lab.")
    assert all(name == entry.name for name, entry in kinds.items())


@pytest.mark.parametrize("kinds", [TRIGGERS, REPAIRS, DETECTORS, ARCHITECTURES])
def test_an_incomplete_subclass_cannot_be_made(kinds):
    class Incomplete(kinds.contract):
        name, title = "incomplete", "Incomplete"

    with pytest.raises(TypeError, match="abstract"):
        Incomplete()
