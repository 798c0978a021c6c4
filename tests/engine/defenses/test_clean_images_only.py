"""A repair gets clean images and the network, and its code cannot reach anything else.

What it does with them is in `test_every_repair.py`: there, none opens a file while it runs.
"""

import inspect

import pytest

from engine.core.paths import PROJECT
from engine.defenses.detectors import DETECTORS
from engine.defenses.repairs import REPAIRS
from tests.test_imports import MODULES, everywhere, module_name

PATHS = {module_name(path): path for path in MODULES}
IMAGES_HANDED_IN = {"engine.datasets.dataset", "engine.datasets.splits"}  # what a `Split` is


def reachable(packages: tuple[str, ...]) -> set[str]:
    """The engine's modules that those of `packages` import, directly or through others."""
    waiting = [name for name in PATHS if name.startswith(packages)]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in PATHS and name not in found:
            found.add(name)
            waiting += everywhere(PATHS[name])
    return found


@pytest.mark.parametrize("kind", [*REPAIRS.values(), *DETECTORS.values()], ids=lambda k: k.name)
def test_nothing_but_the_network_and_images_is_handed_in(kind):
    handed_in = list(inspect.signature(kind.__call__).parameters)
    assert handed_in in (["self", "network", "validation"], ["self", "network", "images"])


@pytest.mark.parametrize("package", ["repairs", "detectors", "inversion"])
def test_no_code_of_a_defence_reaches_triggers_cards_datasets_or_the_folders_they_lie_in(package):
    found = reachable((f"engine.defenses.{package}",))
    assert found >= {name for name in PATHS if name.startswith(f"engine.defenses.{package}.")}
    forbidden = ("attacks", "store", "experiments", "datasets", "core.paths")
    reached = {
        name
        for name in found - IMAGES_HANDED_IN
        if name.startswith(tuple(f"engine.{part}" for part in forbidden))
    }
    assert not reached


def test_what_reaches_triggers_or_cards_is_noticed():
    assert {"engine.attacks.poisoning", "engine.store.models", "engine.core.paths"} <= reachable(
        ("engine.experiments.run_repairs", "engine.experiments.train")
    )
    assert (PROJECT / "engine" / "attacks" / "poisoning.py").exists()
