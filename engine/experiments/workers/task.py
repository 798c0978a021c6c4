"""What a worker is to do, and what comes back: plain values, so that both can travel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.store import StoredModel

Row = dict[str, Any]  # all values can be written as JSON


@dataclass(frozen=True)
class Task:
    """Something to do in a process of its own.

    Attributes:
        key: the same for the same work.
        title: a few words.
        module: the name of the module whose function ``do(settings, model, network)`` does it and
            returns an `Outcome`. It may raise `UserError`.
        settings: what that function needs to know, as JSON on one line.
        model: the name of the model that it is about.
        network: an archive with that model, if there is one yet; see `model_archive`.
        surrogate: the name of a clean model that it may need; empty if none.
    """

    key: str
    title: str
    module: str
    settings: str
    model: str
    network: bytes = b""
    surrogate: str = ""


@dataclass(frozen=True)
class Outcome:
    """What the work gives in the process that did it.

    Attributes:
        stored: the model that came of it.
        rows: what was measured.
    """

    stored: StoredModel
    rows: list[Row]


@dataclass(frozen=True)
class Result:
    """What comes back.

    Attributes:
        rows: those of `Outcome`, each with `child.about_this_machine`.
        archive: a zip with the folder of `Outcome.stored`; empty if there is none.
        problem: one sentence if the work failed; else empty.
        seconds: how long it took.
    """

    rows: list[Row]
    archive: bytes
    problem: str = ""
    seconds: float = 0.0
