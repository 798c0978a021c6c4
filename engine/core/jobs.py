"""Long work in processes of its own, each described by files in a folder of `jobs/`.

    request.json   the worker's command line, its kind, and the job's number
    status.json    how far the worker has come; replaced in one step
    starting       lock, held by the process that starts a worker until the worker holds its own
    lock           lock, held by the worker; the system releases it when the worker dies
    stop           exists once a stop was requested
    log.txt        what the worker printed
    checkpoint.npz the state of a training

Nothing is kept in memory, so a restarted server, a second tab and a terminal see the same jobs.
The worker's side is in `job_worker`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread

from filelock import FileLock, Timeout

from engine.core import atomic_files, paths, read_only
from engine.core.errors import UserError, quoted
from engine.core.job_files import Request, Status, read_request, read_status, write_request
from engine.core.names import slug

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_NAME_LIMIT = 120
_DIED = "The worker died unexpectedly: the computer or the process was stopped."
_DAMAGED = "The status file cannot be read: dismiss the job, or start it again."
LOCK_SECONDS = 2  # wait this long for a lock: reading a status holds it for a moment


@dataclass(frozen=True)
class Job:
    """One piece of long work, whether or not its folder exists."""

    folder: Path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def checkpoint(self) -> Path:
        """The file that holds the state of a training."""
        return self.folder / "checkpoint.npz"

    @property
    def request(self) -> Request:
        """What the job was asked to do."""
        return read_request(self.folder / "request.json")

    @property
    def requested(self) -> bool:
        """Whether there is a request, readable or not."""
        return (self.folder / "request.json").exists()

    def status(self) -> Status:
        """How far the job is. The locks tell whether its worker is alive, not the file."""
        for _ in range(2):  # a worker may have written its last status between the two checks
            known = self.last_status()
            if known and not known.alive:
                return known
            if self._has_worker():
                return known or Status("running", message=_DAMAGED)
        return Status("interrupted", message=_DIED if known else _DAMAGED)

    def last_status(self) -> Status | None:
        """The status as it was last written; None if it is missing or damaged."""
        return read_status(self._status_file)

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
        """Whether a stop was requested."""
        return (self.folder / "stop").exists()

    def resume(self) -> None:
        """Start a worker with the same request again; it resumes from the checkpoint.

        Raises:
            UserError: the job is running, or its request cannot be read.
        """
        if self.status().alive:
            raise UserError(f"'{self.name}' is running already.")
        arguments = self.request.arguments
        if not arguments:
            raise UserError(
                f"The request of '{self.name}' cannot be read: dismiss it and start it again."
            )
        _launch(self, arguments)

    def discard(self) -> None:
        """Delete the job's folder.

        Raises:
            UserError: the job is running.
        """
        if self.status().alive:
            raise UserError(f"'{self.name}' is running: stop it first.")
        shutil.rmtree(self.folder, ignore_errors=True)

    def prepare(self, arguments: Sequence[str]) -> None:
        """Write the request and the first status, and take back an earlier request to stop.

        Raises:
            WriteError: a file cannot be written.
        """
        with atomic_files.changing(self.folder.parent):
            numbers = (number for number, _ in numbered_jobs())
            number = self.request.number or 1 + max(numbers, default=0)
            write_request(self.folder / "request.json", arguments, number)
        stop = self.folder / "stop"
        try:
            stop.unlink(missing_ok=True)
        except OSError as error:
            raise atomic_files.trouble(stop, error) from error
        atomic_files.write_text(self._status_file, Status().to_json())

    def write_status(self, status: Status) -> None:
        """Write the status; if the disk is full, without its figures over the present file."""
        try:
            atomic_files.write_text(self._status_file, status.to_json())
        except atomic_files.WriteError:
            with suppress(OSError), self._status_file.open("r+", encoding="utf-8") as file:
                file.write(replace(status, figures={}).to_json())
                file.truncate()

    def worker_lock(self) -> FileLock:
        """The lock that the job's worker holds; it is not acquired yet."""
        return FileLock(self.folder / "lock")

    @property
    def _status_file(self) -> Path:
        return self.folder / "status.json"

    def _has_worker(self) -> bool:
        """Whether a worker starts or runs; in this order of checks no moment is missed."""
        return _is_held(self.folder / "starting") or _is_held(self.folder / "lock")


def name_of(kind: str, *parts: object) -> str:
    """The usual name of the job that runs the command `kind` on `parts`; see `names.slug`.

    Args:
        kind: a command, such as "prune". It keeps names apart; `Request.kind` is what counts.
        parts: what distinguishes one such job from another: a model, a layer.
    """
    return f"{kind}-{slug(*parts, limit=_NAME_LIMIT - len(kind) - 1)}"


def job_named(name: str) -> Job:
    """The job called `name`, whether or not it exists.

    Raises:
        UserError: a job cannot have that name.
    """
    if not _is_name(name):
        raise UserError(
            f"A job cannot be called {quoted(name)}: use lower-case letters, digits and '-'."
        )
    return Job(paths.jobs_folder() / name)


def all_jobs() -> list[Job]:
    """Every job, the latest request first."""
    return [job for _, job in reversed(numbered_jobs())]


def numbered_jobs() -> list[tuple[int, Job]]:
    """Every job with its number, in the order in which they were requested."""
    folders = [path.parent for path in paths.jobs_folder().glob("*/request.json")]
    found = [Job(folder) for folder in folders if _is_name(folder.name)]
    numbered = [(job.request.number, job) for job in found]
    return sorted(numbered, key=lambda entry: (entry[0], entry[1].name))


def start(name: str, arguments: Sequence[str]) -> Job:
    """Start ``python -m engine ARGUMENTS --job NAME`` in a process of its own.

    Args:
        name: of the job; see `name_of`.
        arguments: a command, which becomes the job's kind, and its options.

    Raises:
        UserError: a job of that name is running, or its folder cannot be written.
    """
    job = job_named(name)
    if job.folder.exists() and job.status().alive:
        raise UserError(f"'{name}' is running already.")
    _launch(job, [*arguments, "--job", name])
    return job


def _launch(job: Job, arguments: Sequence[str]) -> None:
    if read_only.blocks(arguments[0]):
        read_only.check()
    starting = FileLock(job.folder / "starting", thread_local=False)
    try:
        job.folder.mkdir(parents=True, exist_ok=True)
        starting.acquire(timeout=LOCK_SECONDS, poll_interval=0.05)
    except Timeout:
        raise UserError(f"'{job.name}' is running already.") from None
    except OSError as error:
        raise atomic_files.trouble(job.folder, error) from error
    try:
        if _is_held(job.folder / "lock"):
            raise UserError(f"'{job.name}' is running already.")
        job.prepare(arguments)
        worker = _spawn(job, arguments)
    except BaseException:
        starting.release()
        raise
    Thread(target=_release_once_up, args=(job, worker, starting), daemon=True).start()


def _release_once_up(job: Job, worker: subprocess.Popen[bytes], starting: FileLock) -> None:
    """Release `starting` once the worker holds its own lock or has ended."""
    try:
        while worker.poll() is None and not _is_held(job.folder / "lock"):
            time.sleep(0.1)
    finally:
        starting.release()


def _spawn(job: Job, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    search_path = filter(None, [str(paths.PROJECT), os.environ.get("PYTHONPATH", "")])
    try:
        with (job.folder / "log.txt").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "engine", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=paths.PROJECT,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(search_path)},
                start_new_session=True,
            )
    except (OSError, ValueError) as error:
        raise UserError(f"The worker of '{job.name}' could not be started ({error}).") from error


def _is_name(name: str) -> bool:
    return len(name) <= _NAME_LIMIT and bool(_NAME.fullmatch(name))


def _is_held(path: Path) -> bool:
    """Whether a living process holds that lock."""
    try:
        if path.exists():
            FileLock(path).acquire(timeout=0).lock.release()
    except Timeout:
        return True
    except OSError:
        return False  # a folder, or a file that may not be opened, is no lock of ours
    return False
