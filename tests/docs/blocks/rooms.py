"""Block of docs/architecture.md: how imports go between the rooms of the engine."""

from __future__ import annotations

import ast
from pathlib import Path

from engine.core.paths import PROJECT
from tests.docs.markdown import bullets, listed

ROOMS = (
    *("core", "imaging", "datasets", "networks", "evaluation", "attacks"),
    *("training", "defenses", "store", "experiments", "reporting", "cli"),
)


def room_imports() -> str:
    """Whether every import points to an earlier room, and the files where one does not."""
    backward = []
    for path in sorted((PROJECT / "engine").rglob("*.py")):
        room = path.relative_to(PROJECT / "engine").parts[0]
        if room not in ROOMS:
            continue
        used = _imported(path)
        later = [f"`{name}/`" for name in ROOMS[ROOMS.index(room) + 1 :] if name in used]
        if later:
            backward.append(f"`{path.relative_to(PROJECT)}` imports from {listed(later)}.")
    if not backward:
        return "Every import points to an earlier room."
    return f"Every import points to an earlier room, with these exceptions:\n\n{bullets(backward)}"


def _imported(path: Path) -> set[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "engine":
            names += [f"engine.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return {name.split(".")[1] for name in names if name.startswith("engine.")} & set(ROOMS)


BLOCKS = {"room-imports": room_imports}
