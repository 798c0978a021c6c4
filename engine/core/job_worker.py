"""The worker's side of a job: do the work, write how far it is, wait for its turn."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from filelock import AcquireReturnProxy, FileLock, Timeout

from engine.core import atomic_files, paths, progress
from engine.core.errors import UserError
from engine.core.job_files import State, Status
from engine.core.jobs import LOCK_SECONDS, Job, job_named, numbered_jobs
from engine.core.progress import Progress, Reporter, Stopped

POLL_SECONDS = 0.5  # between two looks at the queue
WRITE_SECONDS = 0.4  # between two writes of the status


def work(
    job: Job,
    arguments: Sequence[str],
    do: Callable[[], Mapping[str, Any]],
    reporter: Reporter,
) -> dict[str, Any]:
    """Do a piece of long work as a job.

    Args:
        job: its folder is made if it does not exist.
        arguments: the worker's command line, stored so that the job can resume.
        do: the work, called once no other process can work on the job. What it returns is stored
            in the status; if it holds a true "stopped", the work was stopped and can resume.
        reporter: gets every event as well.

    Returns:
        What `do` returned.

    Raises:
        UserError: another process works on the job, or the work failed for that reason.
        Stopped: a stop was requested and there was nothing to keep.
    """
    lock = _worker_lock(job)
    was_requested = job.requested
    try:
        with lock:
            # `jobs.start` has prepared the job, and a stop may have been requested since.
            known = job.last_status()
            if known is None or known.state != "starting":
                job.prepare(arguments)
            return _work_and_report(job, do, reporter)
    except UserError:
        # Typed at a terminal: no page shows the status, and there is nothing to resume.
        if not was_requested and not job.checkpoint.exists():
            job.discard()
        raise


def _worker_lock(job: Job) -> AcquireReturnProxy:
    """Acquire the lock of the job's worker; leaving its `with` block releases it."""
    try:
        job.folder.mkdir(parents=True, exist_ok=True)
        return job.worker_lock().acquire(timeout=LOCK_SECONDS, poll_interval=0.05)
    except Timeout:
        raise UserError(f"'{job.name}' is running already: wait for it or stop it.") from None
    except OSError as error:
        raise atomic_files.trouble(job.folder, error) from error


def refuse(name: str, reason: str) -> None:
    """Let a job fail whose worker has ended before it began to work.

    Args:
        name: of the job; nothing happens unless a worker was just started for it.
        reason: one sentence.
    """
    with suppress(UserError):
        job = job_named(name)
        known = job.last_status()
        if known and known.state == "starting":
            job.write_status(replace(known, state="failed", message="", error=reason))


@contextmanager
def turn(job: Job) -> Iterator[None]:
    """Wait for the job's turn and hold it within the block; first come, first served.

    Two trainings at once would take more than twice as long. If a worker dies, the system frees
    its turn.

    Raises:
        Stopped: a stop was requested while waiting.
    """
    lock = FileLock(paths.jobs_folder() / ".turn")
    while (ahead := _ahead(job)) or not _acquire(lock):
        if job.stop_requested():
            raise Stopped("Removed from the queue.")
        names = " and ".join(other.name for other in ahead) or "another training"
        progress.report(0, 0, f"In the queue: waiting for {names} to end")
        time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        lock.release()


def _ahead(job: Job) -> list[Job]:
    """Living jobs of the same kind that were requested earlier, the earliest first."""
    kind = job.request.kind
    mine = (job.request.number, job.name)
    earlier = [other for number, other in numbered_jobs() if (number, other.name) < mine]
    same_kind = [other for other in earlier if kind and other.request.kind == kind]
    return [other for other in same_kind if other.status().alive]


def _acquire(lock: FileLock) -> bool:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    return True


def _work_and_report(
    job: Job, do: Callable[[], Mapping[str, Any]], reporter: Reporter
) -> dict[str, Any]:
    status, written = Status("running"), time.monotonic()
    job.write_status(status)

    def report(event: Progress) -> None:
        nonlocal status, written
        reporter(event)
        now = time.monotonic()
        if now - written >= WRITE_SECONDS or status.message != event.message:
            status, written = Status("running", **vars(event)), now
            job.write_status(status)

    try:
        with progress.reporting_to(report):
            result = dict(do())
    except BaseException as error:
        job.write_status(_failed_status(status, error))
        raise
    state: State = "stopped" if result.get("stopped") else "finished"
    job.write_status(replace(status, state=state, message="", result=result))
    return result


def _failed_status(status: Status, error: BaseException) -> Status:
    status = replace(status, message="")
    if isinstance(error, Stopped | KeyboardInterrupt):
        return replace(status, state="stopped", message=str(error) or "Stopped.")
    sentence = str(error) if isinstance(error, UserError) else _unexpected(error)
    return replace(status, state="failed", error=sentence)


def _unexpected(error: BaseException) -> str:
    traceback.print_exception(error)
    return f"It failed unexpectedly ({type(error).__name__}: {error!s:.500}); see the log."
