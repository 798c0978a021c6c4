"""Write the generated blocks of README.md and docs/: ``python -m tests.docs.docs_tables``.

A block stands between ``<!-- generated: NAME -->`` and ``<!-- end -->``. Its text is computed from
the files under models/ and report/, and from constants in the code, by a function in
`tests.docs.blocks`. Edit the function, not the block.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from engine.core.paths import PROJECT
from tests.docs.blocks import (
    attack_seeds,
    attack_signs,
    attack_training,
    attacks,
    code,
    detection,
    models,
    paper,
    repairs,
    robustness,
    rooms,
    seeds,
    strengths,
)

BLOCKS: dict[str, Callable[[], str]] = {}
for part in (
    *(attacks, attack_seeds, attack_signs, attack_training, code, detection),
    *(models, paper, repairs, robustness, rooms, seeds, strengths),
):
    BLOCKS |= part.BLOCKS
BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.S)


def documents() -> list[Path]:
    """README.md, the other documents at the top, and everything under docs/."""
    return [*sorted(PROJECT.glob("*.md")), *sorted((PROJECT / "docs").rglob("*.md"))]


def block_names(text: str) -> list[str]:
    """Names of the blocks in a document, in order."""
    return [name for _, name, _ in BLOCK.findall(text)]


def fill(text: str) -> str:
    """A document with its blocks computed again.

    Raises:
        KeyError: there is no block of that name.
        AssertionError: a sentence of a block no longer holds.
    """
    return BLOCK.sub(lambda found: f"{found[1]}{BLOCKS[found[2]]()}\n{found[3]}", text)


if __name__ == "__main__":
    for document in documents():
        document.write_text(fill(document.read_text("utf-8")), "utf-8")
