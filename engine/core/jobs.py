"""Long work in a process of its own, told of in files: a folder each under `runs/`.

    request.json   the command line of the worker, and a number: when the run was asked for
    status.json    how far it has come; replaced in one step
    starting       held by who starts the worker until that is up
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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any

from filelock import FileLock, Timeout

from engine.core import atomic_files, paths, progress
from engine.core.errors import UserError
from engine.core.job_files import Request, State, Status, read_request, read_status
from engine.core.names import slug
from engine.core.progress import Progress, Result, Stopped

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_NAME_LIMIT = 120
_DIED = "The worker ended without a word (the computer or the process was stopped)."
_DAMAGED = "Its status cannot be read: dismiss it, or start it again."
PROBE_SECONDS = 2  # whoever asks for the status holds a lock for a moment: wait that long
POLL_SECONDS = 0.5  # between two looks at the queue
WRITE_EVERY = 0.4  # seconds between two writes of the status


@dataclass(frozen=True)
class Job:
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
    def request(self) -> Request:
        """What it was asked to do."""
        return read_request(self.folder / "request.json")

    def status(self) -> Status:
        """Where it stands now; whether its worker lives is asked of the system."""
        for _ in range(2):  # a worker may have written its last word between two questions
            known = read_status(self._status_file)
            if known and not known.alive:
                return known
            if self._at_work():
                return known or Status("running", message=_DAMAGED)
        return Status("interrupted", message=_DIED if known else _DAMAGED)

    def log(self, characters: int = 4000) -> str:
        """The end of what the worker printed."""
        try:
            with (self.folder / "log.txt").open("rb") as file:
                file.seek(max(file.seek(0, os.SEEK_END) - 4 * characters, 0))
                return file.read().decode("utf-8", errors="replace")[-characters:]
        except OSError:
            return ""

    def stop(self) -> None:
        """Ask the worker to stop; it does so within a second or two."""
        atomic_files.write_text(self.folder / "stop", "")

    def stop_requested(self) -> bool:
        """Whether somebody has asked it to stop."""
        return (self.folder / "stop").exists()

    def resume(self) -> None:
        """Start the worker again with the same request; it goes on from its checkpoint."""
        if self.status().alive:
            raise UserError(f"'{self.name}' is running already.")
        arguments = self.request.arguments
        if not arguments:
            raise UserError(
                f"What '{self.name}' was asked to do cannot be read: dismiss it and start it anew."
            )
        _launch(self, arguments)

    def discard(self) -> None:
        """Delete all that is known of it, unless it is running."""
        if self.status().alive:
            raise UserError(f"'{self.name}' is running: stop it first.")
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _status_file(self) -> Path:
        return self.folder / "status.json"

    def _write(self, status: Status) -> None:
        atomic_files.write_text(self._status_file, _to_json(status))

    def _try_write(self, status: Status) -> None:
        """Write the status; where the disk is full, without its figures into the room it has."""
        try:
            self._write(status)
        except atomic_files.WriteError:
            with suppress(OSError), self._status_file.open("r+", encoding="utf-8") as file:
                file.write(_to_json(replace(status, figures={})))
                file.truncate()

    def _lock(self) -> FileLock:
        return FileLock(self.folder / "lock")

    def _at_work(self) -> bool:
        """Whether a worker is about to be up, or is; asked in this order, no moment is missed."""
        return _held(self.folder / "starting") or _held(self.folder / "lock")


def _to_json(status: Status) -> str:
    # Names of files need not be text, and what shows the status must be.
    text = json.dumps(asdict(status), ensure_ascii=False)
    return text.encode(errors="replace").decode()


def _held(path: Path) -> bool:
    """Whether a living process holds that lock."""
    try:
        if path.exists():
            FileLock(path).acquire(timeout=0).lock.release()
    except Timeout:
        return True
    except OSError:
        return False  # no lock of ours
    return False


def name_of(kind: str, *parts: object) -> str:
    """The name of the run that does `kind` of work on `parts`; see `names.slug`.

    Args:
        kind: a word, such as "prune".
        parts: what tells one such run from another: a model, a layer.
    """
    return f"{kind}-{slug(*parts, limit=_NAME_LIMIT - len(kind) - 1)}"


def job_named(name: str) -> Job:
    """The run called `name`, whether or not it exists."""
    if not _is_name(name):
        raise UserError(f"A run cannot be called '{name}': use small letters, digits and '-'.")
    return Job(paths.jobs_folder() / name)


def _is_name(name: str) -> bool:
    return len(name) <= _NAME_LIMIT and bool(_NAME.fullmatch(name))


def all_jobs() -> list[Job]:
    """Every run there is, the one asked for last first."""
    return [run for _, run in reversed(_in_order())]


def _in_order() -> list[tuple[int, Job]]:
    """Every run with its number, in the order in which they were asked for."""
    folders = [path.parent for path in paths.jobs_folder().glob("*/request.json")]
    found = [Job(folder) for folder in folders if _is_name(folder.name)]
    numbered = [(run.request.number, run) for run in found]
    return sorted(numbered, key=lambda one: (one[0], one[1].name))


def start(name: str, arguments: Sequence[str]) -> Job:
    """Start ``python -m engine ARGUMENTS --run NAME`` in a process of its own.

    Raises:
        UserError: a run of that name is alive, or its folder cannot be written.
    """
    run = job_named(name)
    if run.folder.exists() and run.status().alive:
        raise UserError(f"'{name}' is running already.")
    _launch(run, [*arguments, "--run", name])
    return run


def _launch(run: Job, arguments: Sequence[str]) -> None:
    starting = FileLock(run.folder / "starting", thread_local=False)
    try:
        run.folder.mkdir(parents=True, exist_ok=True)
        starting.acquire(timeout=PROBE_SECONDS, poll_interval=0.05)
    except Timeout:
        raise UserError(f"'{run.name}' is running already.") from None
    except OSError as error:
        raise atomic_files.trouble(run.folder, error) from error
    try:
        if _held(run.folder / "lock"):
            raise UserError(f"'{run.name}' is running already.")
        _prepare(run, arguments)
        worker = _spawn(run, arguments)
    except BaseException:
        starting.release()
        raise
    Thread(target=_see_it_up, args=(run, worker, starting), daemon=True).start()


def _see_it_up(run: Job, worker: subprocess.Popen[bytes], starting: FileLock) -> None:
    """Let go of `starting` once the worker holds its own lock, or has ended before."""
    try:
        while worker.poll() is None and not _held(run.folder / "lock"):
            time.sleep(0.1)
    finally:
        starting.release()


def _spawn(run: Job, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(
            filter(None, [str(paths.PROJECT), os.environ.get("PYTHONPATH", "")])
        )
    }
    try:
        with (run.folder / "log.txt").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "engine", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=paths.PROJECT,
                env=environment,
                start_new_session=True,
            )
    except (OSError, ValueError) as error:
        raise UserError(f"The worker of '{run.name}' could not be started ({error}).") from error


def _prepare(run: Job, arguments: Sequence[str]) -> None:
    with atomic_files.changing(run.folder.parent):
        number = run.request.number or 1 + max((each for each, _ in _in_order()), default=0)
        request = {"arguments": list(arguments), "number": number}
        atomic_files.write_text(run.folder / "request.json", json.dumps(request))
    try:
        (run.folder / "stop").unlink(missing_ok=True)
    except OSError as error:
        raise atomic_files.trouble(run.folder / "stop", error) from error
    run._write(Status())


def work(
    run: Job,
    arguments: Sequence[str],
    make: Callable[[], Result],
    answer: Callable[[Result], Mapping[str, Any]],
    report: Callable[[Progress], None],
) -> dict[str, Any]:
    """Do a piece of long work as `run`: the worker's side.

    Args:
        run: its folder is made if need be.
        arguments: the worker's command line, kept for resuming.
        make: the work; called once the run is this process's own.
        answer: turns the result into what the status keeps.
        report: is told of every event too.

    Returns:
        What `answer` gave.

    Raises:
        UserError: another process works on this run, or the work failed for a reason to tell.
        Stopped: it was asked to stop and had nothing to keep.
    """
    try:
        run.folder.mkdir(parents=True, exist_ok=True)
        lock = run._lock().acquire(timeout=PROBE_SECONDS, poll_interval=0.05)
    except Timeout:
        raise UserError(f"'{run.name}' is running already: wait for it or stop it.") from None
    except OSError as error:
        raise atomic_files.trouble(run.folder, error) from error
    asked_for = (run.folder / "request.json").exists()
    try:
        with lock:
            # Whoever started this worker has prepared the run, and may have asked to stop since.
            known = read_status(run._status_file)
            if known is None or known.state != "starting":
                _prepare(run, arguments)
            return _tell(run, make, answer, report)
    except UserError:
        # Typed at a terminal: nobody waits for the status, and there is nothing to resume.
        if not asked_for and not run.checkpoint.exists():
            run.discard()
        raise


@contextmanager
def turn(run: Job) -> Iterator[None]:
    """Wait for the turn and hold it within the block; first come, first served.

    Two trainings at once would take more than twice as long. The system frees the turn of a
    worker that dies.

    Raises:
        Stopped: a stop was requested while waiting.
    """
    lock = FileLock(paths.jobs_folder() / ".turn")
    while (ahead := _ahead(run)) or not _taken(lock):
        if run.stop_requested():
            raise Stopped("Taken out of the queue.")
        names = " and ".join(other.name for other in ahead) or "another training"
        progress.report(0, 0, f"In the queue: waiting for {names} to end")
        time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        lock.release()


def _ahead(run: Job) -> list[Job]:
    """Living runs of the same kind that were asked for earlier, the earliest first."""
    kind = run.name.partition("-")[0]
    mine = (run.request.number, run.name)
    earlier = [other for number, other in _in_order() if (number, other.name) < mine]
    alike = [other for other in earlier if other.name.partition("-")[0] == kind]
    return [other for other in alike if other.status().alive]


def _taken(lock: FileLock) -> bool:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    return True


def _tell(
    run: Job,
    make: Callable[[], Result],
    answer: Callable[[Result], Mapping[str, Any]],
    report: Callable[[Progress], None],
) -> dict[str, Any]:
    status, written = Status("running"), time.monotonic()
    run._try_write(status)

    def tell(event: Progress) -> None:
        nonlocal status, written
        report(event)
        now = time.monotonic()
        if now - written >= WRITE_EVERY or status.message != event.message:
            status, written = Status("running", **vars(event)), now
            run._try_write(status)

    try:
        with progress.reporting_to(tell):
            result = make()
        given = dict(answer(result))
    except BaseException as error:
        run._try_write(_ended_badly(status, error))
        raise
    state: State = "stopped" if given.get("stopped") else "finished"
    run._try_write(replace(status, state=state, message="", result=given))
    return given


def _ended_badly(status: Status, error: BaseException) -> Status:
    status = replace(status, message="")
    if isinstance(error, Stopped | KeyboardInterrupt):
        return replace(status, state="stopped", message=str(error) or "Stopped.")
    sentence = str(error) if isinstance(error, UserError) else _unexpected(error)
    return replace(status, state="failed", error=sentence)


def _unexpected(error: BaseException) -> str:
    traceback.print_exception(error)
    return f"It ended unexpectedly ({type(error).__name__}: {error!s:.500}); the log tells more."
