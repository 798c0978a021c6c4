"""A dashboard whose models folder is full of hostile models, asked as a browser asks it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.load import Session, opened
from tests.browser.conftest import Server
from tests.hostile.cards import CARDS, TABLES
from tests.hostile.cards import genuine as genuine_card
from tests.hostile.networks import NETWORKS

SHIPPED = Path(__file__).parents[2] / "models"


@dataclass(frozen=True)
class Answer:
    """What a page showed.

    Attributes:
        errors: sentences in red.
        exceptions: tracebacks.
        seconds: until the page had run to its end.
    """

    errors: list[str]
    exceptions: list[str]
    seconds: float


def put_networks(models: Path, names: list[str]) -> None:
    """A folder for each hostile network, with a card that fits it."""
    for name in names:
        folder = models / name
        folder.mkdir(parents=True)
        file = folder / "model.keras"
        NETWORKS[name](file)
        content = file.read_bytes() if file.is_file() else b""
        checksum = hashlib.sha256(content).hexdigest()
        card = genuine_card() | {"name": name, "sha256": checksum}
        (folder / "card.json").write_text(json.dumps(card))


def put_cards(models: Path, names: list[str]) -> None:
    """A folder for each hostile card, with a genuine network."""
    for name in names:
        folder = models / f"card-{name}"
        folder.mkdir(parents=True)
        shutil.copy(SHIPPED / "signs-clean" / "model.keras", folder)
        CARDS[name](folder / "card.json")


def put_tables(models: Path, names: list[str]) -> None:
    """A folder for each hostile table, beside a genuine model."""
    for name in names:
        folder = models / f"table-{name}"
        shutil.copytree(SHIPPED / "signs-ftrojan", folder)
        card = json.loads((folder / "card.json").read_text())
        (folder / "card.json").write_text(json.dumps(card | {"name": folder.name}))
        for table in folder.glob("*.csv"):
            table.unlink()
        TABLES[name](folder)


def ask(server: Server, model: str, *pages: str) -> dict[str, Answer]:
    """What pages show when `model` is in use."""
    return asyncio.run(_ask(server, model, pages))


async def _ask(server: Server, model: str, pages: tuple[str, ...]) -> dict[str, Answer]:
    first, *others = pages
    started = time.perf_counter()
    session = await opened(server, first, f"model={model}")
    answers = {first: _answer(session, time.perf_counter() - started)}
    for page in others:
        session.errors.clear()
        session.alerts.clear()
        seconds = await session.run(page)
        answers[page] = _answer(session, seconds)
    await session.socket.close()
    return answers


def _answer(session: Session, seconds: float) -> Answer:
    return Answer(list(session.alerts), list(session.errors), seconds)
