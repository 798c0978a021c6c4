"""Long work in a process of its own, told of in files: a folder each under `runs/`.

    request.json   the command line of the worker
    status.json    how far it has come; replaced in one step
    lock           held by the worker while it lives: the system lets go of it when it dies
    stop           somebody asks it to stop
    log.txt        what it printed
    checkpoint.npz a training's state

Nothing is kept in memory, so a restarted server, a second tab and a terminal see the same.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from engine import files, places
from engine.errors import LabError
from engine.names import slug
from engine.progress import Progress, Result, Stopped, Work, exhaust

State = Literal["starting", "running", "interrupted", "stopped", "failed", "finished"]
ALIVE = ("starting", "running")
STARTING_SECONDS = 90  # a worker that has not taken its lock by then never will
_NAME_LIMIT = 120
POLL_SECONDS = 0.5  # between two looks at the queue
WRITE_EVERY = 0.4  # seconds between two writes of the status


@dataclass(frozen=True)
class Status:
    """How far a run has come.

    Attributes:
        state: "interrupted" means that the worker died without a word.
        done, total, message, figures: of its latest `Progress`.
        error: one sentence when it failed.
        result: its answer once finished.
        updated: seconds since the epoch.
    """

    state: State = "starting"
    done: int = 0
    total: int = 0
    message: str = "Starting"
    figures: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    updated: float = 0.0

    @property
    def alive(self) -> bool:
        """Whether a worker is at it."""
        return self.state in ALIVE

    @property
    def share(self) -> float:
        """Done out of total, 0 to 1."""
        return min(self.done / self.total, 1.0) if self.total else 0.0


@dataclass(frozen=True)
class Run:
    """One piece of long work."""

    folder: Path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def checkpoint(self) -> Path:
        """Where a training keeps its state."""
        return self.folder / "checkpoint.npz"

    @property
    def request(self) -> list[str]:
        """The worker's arguments behind ``python -m engine``."""
        return list(_read_json(self.folder / "request.json").get("arguments", []))

    @property
    def started(self) -> float:
        """When it was first asked for, seconds since the epoch."""
        return float(_read_json(self.folder / "request.json").get("started", 0.0))

    def status(self) -> Status:
        """Where it stands now."""
        known = _read_json(self._status_file)
        try:
            status = Status(**known)
        except TypeError:
            return Status(state="interrupted", message="Its status cannot be read")
        if not status.alive or self._locked():
            return status
        waiting = status.state == "starting" and time.time() - status.updated < STARTING_SECONDS
        return status if waiting else replace(status, state="interrupted")

    def log(self, characters: int = 4000) -> str:
        """The end of what the worker printed."""
        try:
            text = (self.folder / "log.txt").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return text[-characters:]

    def stop(self) -> None:
        """Ask the worker to stop; it does so within a second or two."""
        files.write_text(self.folder / "stop", "")

    def stop_requested(self) -> bool:
        """Whether somebody has asked it to stop."""
        return (self.folder / "stop").exists()

    def resume(self) -> None:
        """Start the worker again with the same request; it goes on from its checkpoint."""
        if self.status().alive:
            raise LabError(f"'{self.name}' is running already.")
        _launch(self, self.request)

    def discard(self) -> None:
        """Delete all that is known of it, unless it is running."""
        if self.status().alive:
            raise LabError(f"'{self.name}' is running: stop it first.")
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _status_file(self) -> Path:
        return self.folder / "status.json"

    def _write(self, status: Status) -> None:
        files.write_text(self._status_file, json.dumps(asdict(status)))

    def _lock(self) -> FileLock:
        return FileLock(self.folder / "lock")

    def _locked(self) -> bool:
        if not (self.folder / "lock").exists():
            return False
        try:
            with self._lock().acquire(timeout=0):
                return False
        except Timeout:
            return True


def name_of(kind: str, *parts: object) -> str:
    """The name of the run that does `kind` of work on `parts`; see `names.slug`.

    Args:
        kind: a word, such as "prune".
        parts: what tells one such run from another: a model, a layer.
    """
    return f"{kind}-{slug(*parts, limit=_NAME_LIMIT - len(kind) - 1)}"


def run_called(name: str) -> Run:
    """The run called `name`, whether or not it exists."""
    if len(name) > _NAME_LIMIT or not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name):
        raise LabError(f"A run cannot be called '{name}': use small letters, digits and '-'.")
    return Run(places.runs_folder() / name)


def all_runs() -> list[Run]:
    """Every run there is, the newest first."""
    folders = [path.parent for path in places.runs_folder().glob("[!.]*/request.json")]
    return sorted((Run(folder) for folder in folders), key=lambda run: run.started, reverse=True)


def start(name: str, arguments: Sequence[str]) -> Run:
    """Start ``python -m engine ARGUMENTS --run NAME`` in a process of its own.

    Raises:
        LabError: a run of that name is alive, or its folder cannot be written.
    """
    run = run_called(name)
    if run.folder.exists() and run.status().alive:
        raise LabError(f"'{name}' is running already.")
    _launch(run, [*arguments, "--run", name])
    return run


def _launch(run: Run, arguments: Sequence[str]) -> None:
    _prepare(run, arguments)
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(
            filter(None, [str(places.PROJECT), os.environ.get("PYTHONPATH", "")])
        )
    }
    with (run.folder / "log.txt").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "engine", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=places.PROJECT,
            env=environment,
            start_new_session=True,
        )


def _prepare(run: Run, arguments: Sequence[str]) -> None:
    request = {"arguments": list(arguments), "started": run.started or time.time()}
    files.write_text(run.folder / "request.json", json.dumps(request))
    (run.folder / "stop").unlink(missing_ok=True)
    run._write(Status(updated=time.time()))


def work(
    run: Run,
    arguments: Sequence[str],
    make: Callable[[], Work[Result]],
    answer: Callable[[Result], Mapping[str, Any]],
    report: Callable[[Progress], None],
) -> dict[str, Any]:
    """Do a piece of long work as `run`: the worker's side.

    Args:
        run: its folder is made if need be.
        arguments: the worker's command line, kept for resuming.
        make: gives the work; called once the run is this process's own.
        answer: turns the result into what the status keeps.
        report: is told of every event too.

    Returns:
        What `answer` gave.

    Raises:
        LabError: another process works on this run, or the work failed for a reason to tell.
        Stopped: it was asked to stop and had nothing to keep.
    """
    run.folder.mkdir(parents=True, exist_ok=True)
    try:
        # Whoever asks for the status holds the lock for a moment: wait that long.
        lock = run._lock().acquire(timeout=2, poll_interval=0.05)
    except Timeout:
        raise LabError(f"'{run.name}' is running already: wait for it or stop it.") from None
    asked_for = (run.folder / "request.json").exists()
    try:
        with lock:
            # Whoever started this worker has prepared the run, and may have asked to stop since.
            if _read_json(run._status_file).get("state") != "starting":
                _prepare(run, arguments)
            return _tell(run, make, answer, report)
    except LabError:
        # Typed at a terminal: nobody waits for the status, and there is nothing to resume.
        if not asked_for and not run.checkpoint.exists():
            run.discard()
        raise


def in_turn(run: Run, make: Callable[[], Work[Result]]) -> Work[Result]:
    """Do the work of `make` when no other run holds the turn; first come, first served.

    Two trainings at once would take more than twice as long. The system frees the turn of a
    worker that dies.
    """
    turn = FileLock(places.runs_folder() / ".turn")
    while (ahead := _ahead(run)) or not _taken(turn):
        if run.stop_requested():
            raise Stopped("Taken out of the queue.")
        names = " and ".join(other.name for other in ahead) or "another training"
        yield Progress(0, 0, f"In the queue: waiting for {names} to end")
        time.sleep(POLL_SECONDS)
    try:
        return (yield from make())
    finally:
        turn.release()


def _ahead(run: Run) -> list[Run]:
    """Living runs of the same kind that were asked for earlier, the earliest first."""
    kind = run.name.partition("-")[0]
    others = [other for other in all_runs() if other.name.partition("-")[0] == kind]
    mine = (run.started, run.name)
    earlier = [other for other in others if (other.started, other.name) < mine]
    return [other for other in reversed(earlier) if other.status().alive]


def _taken(turn: FileLock) -> bool:
    try:
        turn.acquire(timeout=0)
    except Timeout:
        return False
    return True


def _tell(
    run: Run,
    make: Callable[[], Work[Result]],
    answer: Callable[[Result], Mapping[str, Any]],
    report: Callable[[Progress], None],
) -> dict[str, Any]:
    status = Status("running", updated=time.time())
    run._write(status)

    def tell(event: Progress) -> None:
        nonlocal status
        report(event)
        now = time.time()
        if now - status.updated >= WRITE_EVERY or status.message != event.message:
            status = Status("running", **vars(event), updated=now)
            run._write(status)

    try:
        result = exhaust(make(), tell)
        given = dict(answer(result))
    except BaseException as error:
        run._write(_ended_badly(status, error))
        raise
    state: State = "stopped" if given.get("stopped") else "finished"
    run._write(replace(status, state=state, message="", result=given, updated=time.time()))
    return given


def _ended_badly(status: Status, error: BaseException) -> Status:
    status = replace(status, updated=time.time(), message="")
    if isinstance(error, Stopped | KeyboardInterrupt):
        return replace(status, state="stopped", message=str(error) or "Stopped.")
    sentence = str(error) if isinstance(error, LabError) else _unexpected(error)
    return replace(status, state="failed", error=sentence)


def _unexpected(error: BaseException) -> str:
    traceback.print_exception(error)
    return f"It ended unexpectedly ({type(error).__name__}: {error}); the log tells more."


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
