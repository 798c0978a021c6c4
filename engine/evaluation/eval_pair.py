"""The images a network is evaluated on."""

from __future__ import annotations

from dataclasses import dataclass

from engine.datasets.dataset import Split


@dataclass(frozen=True)
class EvalPair:
    """A clean split and, where a trigger is known, its triggered copy.

    Attributes:
        clean: a clean split.
        triggered: triggered copies of its images outside the target class, with their true
            labels; None where no trigger is known.
    """

    clean: Split
    triggered: Split | None

    def __len__(self) -> int:
        return sum(len(split) for _, split in self.splits())

    def splits(self) -> list[tuple[str, Split]]:
        """The clean and the triggered images, as far as there are any, each with its kind."""
        clean = ("clean", self.clean)
        return [clean] if self.triggered is None else [clean, ("triggered", self.triggered)]


@dataclass(frozen=True)
class TriggeredPair(EvalPair):
    """A clean split and its triggered copy; see `EvalPair`."""

    triggered: Split
