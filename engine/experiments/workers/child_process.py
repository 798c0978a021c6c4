"""A task in a process of its own, so that tasks share no state and their memory is given back.

The parent writes the task's settings to the child's standard input and keeps it open: a child whose
parent has died reads its end and dies too. The child reports progress on standard output, a line of
JSON each, and leaves an archive with its rows and its model folder.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import psutil

from engine.core import paths, progress
from engine.core.errors import UserError, one_line
from engine.core.progress import Progress
from engine.core.version import program_version
from engine.experiments.workers.task import Result, Task

ROWS_FILE, PROBLEM_FILE = "rows.json", "problem.txt"
CHILD = "engine.experiments.workers.child"
WATCH_SECONDS = 0.5  # between two looks at the child's memory
_CHILDREN: dict[subprocess.Popen[str], str] = {}  # of this process, and whom each works for
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


class Died(Exception):
    """The child ended without an answer: it was killed, or it crashed."""


@dataclass(frozen=True)
class Limits:
    """What a task may use.

    Attributes:
        threads: of TensorFlow; 0: as many as it chooses.
        memory_gb: resident memory; 0: no limit.

    Raises:
        UserError: a number is negative.
    """

    threads: int = 0
    memory_gb: float = 0.0

    def __post_init__(self) -> None:
        if self.threads < 0:
            raise UserError("A task has 1 or more threads, or 0 for TensorFlow's choice.")
        if not 0 <= self.memory_gb < math.inf:
            raise UserError("The memory limit is a number of GB above 0, or 0 for none.")


NO_LIMITS = Limits()


def work_on(task: Task, limits: Limits, version: str, owner: str = "") -> Result:
    """Do a task in a child process.

    Args:
        task: what to do.
        limits: threads and memory.
        version: of the program that asks. Figures of another version are not comparable.
        owner: whom the work is for; see `end_children`.

    Returns:
        The rows and the model; a task that failed for a reason that a person can change has a
        problem instead.

    Raises:
        Died: the child was killed or crashed; another attempt may succeed.
        Stopped: a stop was requested.
    """
    if version != program_version():
        return Result(
            [],
            b"",
            f"This worker has version {program_version()} of the program and the work was started"
            f" with {version}: install the same version on all machines.",
        )
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="backdoor-lab-task-") as folder:
        answer = _run_child(task, limits, Path(folder), owner)
    return replace(answer, seconds=round(time.monotonic() - started, 1))


def end_children(owner: str) -> None:
    """Kill the tasks that this process is working on for an owner."""
    for child, works_for in list(_CHILDREN.items()):
        if works_for == owner:
            child.kill()


def _run_child(task: Task, limits: Limits, folder: Path, owner: str) -> Result:
    (folder / "home").mkdir()
    _share_folders(folder / "home", task.surrogate)
    archive, log, network = folder / "result.zip", folder / "log.txt", folder / "network.zip"
    network.write_bytes(task.network)
    with log.open("wb") as errors:
        child = subprocess.Popen(
            [sys.executable, "-m", CHILD, task.module, task.model, str(archive), str(network)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=paths.PROJECT,
            env=_environment(limits, folder / "home"),
            text=True,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C in a terminal is for the parent alone
        )
    with _ending(child, owner), _watching_memory(child, limits) as exceeded:
        assert child.stdin is not None
        child.stdin.write(task.settings + "\n")
        child.stdin.flush()
        _pass_on_progress(child)
        child.wait()
    if exceeded:
        return Result(
            [],
            b"",
            f"The work used more than {limits.memory_gb:g} GB of memory and was stopped: raise the"
            " limit, or choose a smaller network.",
        )
    if not archive.exists():
        end = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise Died(f"Exit status {child.returncode}. {one_line(end)}")
    return _read_answer(archive.read_bytes())


def _read_answer(content: bytes) -> Result:
    with zipfile.ZipFile(BytesIO(content)) as files:
        if PROBLEM_FILE in files.namelist():
            return Result([], b"", files.read(PROBLEM_FILE).decode())
        return Result(json.loads(files.read(ROWS_FILE)), content)


def _share_folders(home: Path, surrogate: str) -> None:
    """Let the child find what this machine has.

    That is decoded datasets, those that a user added, and a clean network that attacks learn from.
    """
    paths.cache_folder().mkdir(parents=True, exist_ok=True)
    (home / "models").mkdir()
    places = {paths.cache_folder(): home / "cache", paths.datasets_folder(): home / "datasets"}
    if surrogate:
        places[paths.models_folder() / surrogate] = home / "models" / surrogate
    for folder, place in places.items():
        if folder.exists():
            with suppress(OSError):  # some systems forbid links; the child then decodes them anew
                place.symlink_to(folder, target_is_directory=True)


def _environment(limits: Limits, home: Path) -> dict[str, str]:
    search_path = filter(None, [str(paths.PROJECT), os.environ.get("PYTHONPATH", "")])
    threads = dict.fromkeys(THREADS, str(limits.threads)) if limits.threads else {}
    return {
        **os.environ,
        **threads,
        "PYTHONPATH": os.pathsep.join(search_path),
        "PRUNING_LAB_DATA": str(paths.data_root()),
        "PRUNING_LAB_HOME": str(home),
    }


def _pass_on_progress(child: subprocess.Popen[str]) -> None:
    """Report what the child reports, until it ends; again while it is silent.

    So a stop request is noticed even if the child says nothing for minutes.
    """
    lines: SimpleQueue[str | None] = SimpleQueue()

    def read() -> None:
        assert child.stdout is not None
        with suppress(ValueError, OSError):  # closed meanwhile
            for line in child.stdout:
                lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    latest = Progress(0, 0, "Starting")
    while True:
        try:
            line = lines.get(timeout=WATCH_SECONDS)
        except Empty:
            line = ""
        if line is None:
            return
        latest = _event_in(line) or latest
        progress.report(latest.done, latest.total, latest.message)


def _event_in(line: str) -> Progress | None:
    """The progress that a line of the child's holds; None if it is no such line."""
    try:
        return Progress(**json.loads(line))
    except (ValueError, TypeError):
        return None


@contextmanager
def _ending(child: subprocess.Popen[str], owner: str) -> Iterator[None]:
    """Kill the child at the end of the block, whatever happens in it."""
    _CHILDREN[child] = owner
    try:
        yield
    finally:
        _CHILDREN.pop(child, None)
        if child.poll() is None:
            child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            with suppress(OSError):
                if stream:
                    stream.close()


@contextmanager
def _watching_memory(child: subprocess.Popen[str], limits: Limits) -> Iterator[list[int]]:
    """Kill the child if it uses too much memory; what is yielded is empty until then."""
    exceeded: list[int] = []
    over = threading.Event()

    def watch() -> None:
        with suppress(psutil.Error):
            process = psutil.Process(child.pid)
            while not over.wait(WATCH_SECONDS) and child.poll() is None:
                used = process.memory_info().rss
                if used > limits.memory_gb * 2**30:
                    exceeded.append(used)
                    child.kill()

    watcher = threading.Thread(target=watch, daemon=True)
    if limits.memory_gb:
        watcher.start()
    try:
        yield exceeded
    finally:
        over.set()
        if watcher.is_alive():
            watcher.join()


def reporting_on(write: Callable[[str], Any]) -> Callable[[Progress], None]:
    """A reporter for the child: a line of JSON for an event, at most twice a second."""
    last = 0.0

    def report(event: Progress) -> None:
        nonlocal last
        if time.monotonic() - last < WATCH_SECONDS:
            return
        last = time.monotonic()
        short = {key: value for key, value in asdict(event).items() if key != "figures"}
        write(json.dumps(short) + "\n")

    return report
