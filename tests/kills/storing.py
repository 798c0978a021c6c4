"""Writing, replacing and deleting models and caches in a process that is killed."""

import dataclasses
import os
import signal
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from engine import store
from engine.core import atomic_files, paths
from engine.core.errors import UserError
from engine.datasets import Dataset, Split, cache
from engine.networks.untrusted import checksum
from engine.store import trash
from tests.kills.bomb import Bomb

ROWS = 50
REFUSED = 2  # exit status of a process that ended with a `UserError`


@dataclasses.dataclass(frozen=True)
class Act:
    """An operation on the home folder that may be killed at any point.

    Attributes:
        prepare: fills the home folder before it.
        do: the operation.
        check: asserts that nothing is lost, whether it was finished, killed midway or not begun.
    """

    prepare: Callable[[], object]
    do: Callable[[], object]
    check: Callable[[], object]


class Network:
    """As much of a network as the store needs."""

    def __init__(self, text: str) -> None:
        self.content = text.encode() * 1000

    def save(self, path: Path, include_optimizer: bool) -> None:
        path.write_bytes(self.content)


def save(name: str, text: str, replace: bool = False) -> store.StoredModel:
    card = dataclasses.replace(store.find("signs-clean").card, name=name)
    card = dataclasses.replace(card, training={**card.training, "id": text})
    table = pd.DataFrame({"row": range(ROWS)})
    return store.save(card, Network(text), {"history-copy": table}, replace)


def text_of(name: str) -> str:
    """The text a model was made from; asserts that the model is complete."""
    stored = store.find(name)
    content = (stored.folder / "model.keras").read_bytes()
    assert checksum(stored.folder / "model.keras") == stored.card.sha256
    table = pd.read_csv(stored.folder / "history-copy.csv")
    assert table["row"].tolist() == list(range(ROWS))
    assert len(content) % 1000 == 0
    return content[: len(content) // 1000].decode()


def own_models() -> list[str]:
    """Names of the models that are not shipped; asserts that each is complete."""
    seen = [path.name for path in paths.models_folder().glob("[!.]*")]
    assert sorted(seen) == sorted(set(store.names()) & set(seen)), "an incomplete folder is visible"
    for name in seen:
        text_of(name)
    return sorted(seen)


def check_no_leftovers() -> None:
    """After one more change, the only hidden folder is the trash."""
    save("last", "last")
    hidden = {path.name for path in paths.models_folder().glob(".*")}
    assert hidden <= {".trash"}, hidden


def check_saved() -> None:
    assert own_models() in ([], ["x"])
    if not own_models():
        save("x", "new")
    assert text_of("x") == "new"
    check_no_leftovers()


def check_replaced() -> None:
    assert text_of("x") in ("old", "new")
    save("x", "again", replace=True)
    assert text_of("x") == "again"
    check_no_leftovers()


def check_deleted() -> None:
    assert own_models() + trash.deleted() == ["x"]
    if not own_models():
        trash.restore("x")
    assert text_of("x") == "old"
    check_no_leftovers()


def fill_trash() -> None:
    for number in range(trash.KEPT + 1):
        save(f"x{number}", f"text{number}")
    for number in range(trash.KEPT):
        trash.delete(f"x{number}")


def check_deleted_sixth() -> None:
    names = own_models() + trash.deleted()
    newest = [f"x{number}" for number in range(trash.KEPT, 0, -1)]
    assert names in (newest, [*newest, "x0"])
    for name in newest:
        if name not in own_models():
            trash.restore(name)
        assert text_of(name) == f"text{name[1:]}"
    check_no_leftovers()


def store_results() -> None:
    store.find("x").save_tables({"more": pd.DataFrame({"row": range(ROWS)})}, "a command")


def check_results() -> None:
    assert text_of("x") == "old"
    path = store.find("x").folder / "more.csv"
    assert not path.exists() or len(pd.read_csv(path)) == ROWS
    store_results()
    assert store.find("x").card.commands[-1] == "a command"
    assert len(pd.read_csv(path)) == ROWS
    check_no_leftovers()


def tiny(seed: int) -> Dataset:
    rng = np.random.default_rng(seed)
    splits = [
        Split(rng.integers(0, 256, (6, 16, 16, 3), np.uint8), np.arange(6) % 2) for _ in range(3)
    ]
    return Dataset("tiny", ("a", "b"), *splits)


def check_cached() -> None:
    found = cache.load("key")
    if found is not None:
        assert any(np.array_equal(found.test.images, tiny(seed).test.images) for seed in (1, 2))
    cache.keep("key", tiny(3))
    np.testing.assert_array_equal(cache.load("key").test.images, tiny(3).test.images)
    assert [path.name for path in (paths.cache_folder() / "datasets").iterdir()] == ["key"]


def write(text: str) -> None:
    atomic_files.write_text(paths.home() / "file", text)


def check_written() -> None:
    assert (paths.home() / "file").read_text() in ("old", "new")
    write("again")
    assert (paths.home() / "file").read_text() == "again"


def save_old() -> None:
    save("x", "old")


def save_and_delete() -> None:
    save_old()
    trash.delete("x")


ACTS = {
    "save": Act(lambda: None, lambda: save("x", "new"), check_saved),
    "replace": Act(save_old, lambda: save("x", "new", replace=True), check_replaced),
    "delete": Act(save_old, lambda: trash.delete("x"), check_deleted),
    "restore": Act(save_and_delete, lambda: trash.restore("x"), check_deleted),
    "delete the sixth": Act(
        fill_trash, lambda: trash.delete(f"x{trash.KEPT}"), check_deleted_sixth
    ),
    "store results": Act(save_old, store_results, check_results),
    "cache": Act(
        lambda: cache.keep("key", tiny(1)), lambda: cache.keep("key", tiny(2)), check_cached
    ),
    "file": Act(lambda: write("old"), lambda: write("new"), check_written),
}


def dry_run(act: Act, home: Path) -> tuple[int, float]:
    """The number of file changes of an act that is not killed, and its seconds."""
    enter(home)
    act.prepare()
    reading, writing = os.pipe()

    def counted() -> None:
        bomb = Bomb(home, 0)
        act.do()
        os.write(writing, str(bomb.count).encode())

    began = time.monotonic()
    assert exit_status(fork(counted)) == 0
    seconds = time.monotonic() - began
    os.close(writing)
    with os.fdopen(reading) as pipe:
        count = int(pipe.read())
    act.check()
    return count, seconds


def killed(act: Act, home: Path, at: int = 0, after: float = 0.0) -> bool:
    """Run an act in a process that is killed, and check that nothing is lost.

    Args:
        act: what the process does.
        home: a new folder.
        at: the process kills itself before this file change.
        after: if `at` is 0, it is killed after that many seconds.

    Returns:
        Whether the kill came before the end.
    """
    enter(home)
    act.prepare()

    def do() -> None:
        Bomb(home, at)
        act.do()

    victim = fork(do)
    if not at:
        time.sleep(after)
        os.kill(victim, signal.SIGKILL)
    status = exit_status(victim)
    act.check()
    assert status in (0, -signal.SIGKILL)
    return status != 0


def race(home: Path) -> None:
    """Let two processes save, delete and restore a model at once: one succeeds each time."""
    enter(home)
    winner = ("one", "two")[run_race(lambda: save("x", "one"), lambda: save("x", "two"))]
    assert text_of("x") == winner
    run_race(lambda: trash.delete("x"), lambda: trash.delete("x"))
    assert (own_models(), trash.deleted()) == ([], ["x"])
    run_race(lambda: trash.restore("x"), lambda: trash.restore("x"))
    assert (own_models(), trash.deleted()) == (["x"], [])
    assert text_of("x") == winner
    check_no_leftovers()


def run_race(*acts: Callable[[], object]) -> int:
    """The index of the one act that succeeds of several at once; the others must be refused."""
    status = [exit_status(process) for process in [fork(act) for act in acts]]
    assert sorted(status) == [0, *(REFUSED for _ in acts[1:])], status
    return status.index(0)


def fork(do: Callable[[], object]) -> int:
    """The id of a new process that calls `do`; it exits with `REFUSED` after a `UserError`."""
    if identifier := os.fork():
        return identifier
    status = 1
    try:
        do()
        status = 0
    except UserError:
        status = REFUSED
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def exit_status(process: int) -> int:
    """Wait for a process to end, and return its exit status; negative after a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def enter(home: Path) -> None:
    """Make a new folder the program's home."""
    home.mkdir()
    os.environ["PRUNING_LAB_HOME"] = str(home)
