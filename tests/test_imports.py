"""Imports point one way: the pages use the app, the app uses the engine, and nobody looks back."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from engine.core.paths import PROJECT

MODULES = sorted(
    path for folder in ("engine", "app", "pages") for path in (PROJECT / folder).rglob("*.py")
)


def module_name(path: Path) -> str:
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {module_name(path) for path in MODULES}


def imported(nodes, package: str) -> set[str]:
    """What modules `nodes` import."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1]
            module = ".".join([*(base if node.level else []), *filter(None, [node.module])])
            names = {f"{module}.{alias.name}" for alias in node.names}
            found |= names & NAMES or {module}
    return found


def package_of(path: Path) -> str:
    return ".".join(path.relative_to(PROJECT).parent.parts)


def everywhere(path: Path) -> set[str]:
    """What a module imports, inside its functions too."""
    return imported(ast.walk(ast.parse(path.read_text())), package_of(path))


def at_once(path: Path) -> set[str]:
    """The modules here that a module imports while it is imported itself."""
    found = imported(run_at_import(ast.parse(path.read_text()).body), package_of(path))
    return found & NAMES - {module_name(path), package_of(path)}


def run_at_import(body):
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With):
            yield from run_at_import(ast.iter_child_nodes(node))


@pytest.mark.parametrize(
    ("folder", "above"),
    [
        ("engine", {"app", "pages", "tests", "streamlit", "streamlit_app"}),
        ("app", {"pages", "tests"}),
    ],
)
def test_no_layer_imports_one_above_it(folder, above):
    looked_up = {
        f"{module_name(path)} imports {name}"
        for path in MODULES
        if path.relative_to(PROJECT).parts[0] == folder
        for name in everywhere(path)
        if name.split(".")[0] in above
    }
    assert not looked_up


def test_imports_inside_functions_and_relative_imports_are_found():
    text = (
        "def f():\n    from streamlit import x\n    from . import clp\n    from ...store import y\n"
    )
    found = imported(ast.walk(ast.parse(text)), "engine.defenses.repairs")
    assert found == {"streamlit", "engine.defenses.repairs.clp", "engine.store"}


def test_no_modules_of_the_engine_import_each_other_in_a_circle():
    graph = {module_name(path): at_once(path) for path in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
