"""Working on tasks with Dask: on a cluster that runs already, or on workers started here.

Needs the packages of ``requirements-cluster.txt``. A task's settings travel to a worker as text and
its result travels back as bytes, so that the machines need share no folder. Tasks that carry
networks are sent out few at a time, so that the scheduler need not hold them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

from engine.core import progress
from engine.core.errors import UserError, one_line
from engine.core.processors import available_cores
from engine.core.version import program_version
from engine.experiments.workers.child_process import (
    NO_LIMITS,
    Limits,
    end_children,
    work_on,
)
from engine.experiments.workers.schedulers import Keep, died
from engine.experiments.workers.task import Result, Task

if TYPE_CHECKING:
    from distributed import Client, Future

LOOPBACK = "127.0.0.1"
RETRIES = 2  # of a task whose process died; a lost worker's tasks go to other workers anyway
AHEAD = 2  # tasks sent out for each that can be worked on, once they carry many bytes
AHEAD_BYTES = 256 << 20  # of networks; up to that, all tasks are sent out
POLL_SECONDS = 1.0
CONNECT_SECONDS = 10


@dataclass(frozen=True)
class DaskCluster:
    """Works on tasks on the workers of a Dask scheduler.

    Attributes:
        address: of a scheduler that runs, such as ``tcp://10.0.0.5:8786``; empty: start one here,
            bound to this machine alone.
        workers: how many to start here; the cluster's own if there is an address.
        limits: for each task. Without a number of threads, the tasks on a machine share its
            processors.
        gpu: whether a task takes one of the GPUs that workers declare as the resource "GPU".

    Raises:
        UserError: the address is none.
    """

    address: str = ""
    workers: int = 0
    limits: Limits = NO_LIMITS
    gpu: bool = False

    def __post_init__(self) -> None:
        if self.address:
            _check_address(self.address)

    def run(self, tasks: Iterable[Task], total: int, keep: Keep) -> None:
        """See `Scheduler.run`.

        Raises:
            UserError: Dask is not installed, there is no scheduler at the address, or a worker
                has another version of the program.
        """
        with _connected(self) as client:
            check_workers(client, self.gpu)
            work = _Work(client, self.limits, self.gpu)
            try:
                work.do(iter(tasks), total, keep)
            finally:
                work.abandon()


@contextmanager
def _connected(cluster: DaskCluster) -> Iterator[Client]:
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise UserError(
            "Many workers need Dask: install it with `pip install -r requirements-cluster.txt`."
        ) from None
    if not cluster.address:
        with (
            LocalCluster(
                n_workers=cluster.workers,
                threads_per_worker=1,
                host=LOOPBACK,
                dashboard_address=None,
                memory_limit=0,  # the tasks run in processes of their own, with their own limit
                resources={"GPU": 1} if cluster.gpu else None,
            ) as here,
            Client(here) as client,
        ):
            yield client
        return
    try:
        client = Client(cluster.address, timeout=CONNECT_SECONDS)
    except TypeError as error:  # what Dask raises for tls:// without certificates
        raise UserError(
            f"{cluster.address} asks for TLS, which is not set up: see Dask's documentation."
        ) from error
    except (OSError, ValueError) as error:
        raise UserError(
            f"There is no Dask scheduler at {cluster.address} ({one_line(str(error))}): start one"
            " with `dask scheduler`, or use --local."
        ) from None
    with client:
        yield client


def _check_address(address: str) -> None:
    parts = urlsplit(address)
    try:
        fits = parts.scheme in ("tcp", "tls") and bool(parts.hostname) and parts.port is not None
    except ValueError:
        fits = False
    if not fits:
        raise UserError(
            f"'{address}' is not an address of a scheduler: write one such as tcp://10.0.0.5:8786."
        )


def check_workers(client: Client, gpu: bool) -> None:
    """Raise `UserError` unless there are workers, all with this version of the program.

    Args:
        client: of the cluster.
        gpu: whether one of them must have a GPU.
    """
    workers = client.scheduler_info()["workers"]
    if gpu and not any("GPU" in about.get("resources", {}) for about in workers.values()):
        raise UserError("No worker declares a GPU: start one with --resources GPU=1.")
    if not workers:
        raise UserError("The Dask cluster has no workers: start some with `dask worker ADDRESS`.")
    found: Mapping[str, Any] = client.run(worker_version, on_error="return")
    wanted = program_version()
    for worker, version in found.items():
        if isinstance(version, BaseException):
            raise UserError(
                f"The worker {worker} does not have the program ({one_line(str(version))}): install"
                f" version {wanted} there."
            )
        if version != wanted:
            raise UserError(
                f"The worker {worker} has version {version} of the program, and this is {wanted}:"
                " install the same version on all machines."
            )


def worker_version() -> str:
    """The version of the program on the worker that runs this."""
    return program_version()


class _Work:
    """Tasks on a cluster: those sent out, and those that have come back.

    Args:
        client: of the cluster.
        limits, gpu: see `DaskCluster`.
    """

    def __init__(self, client: Client, limits: Limits, gpu: bool) -> None:
        self._client = client
        self._limits = limits
        self._resources = {"GPU": 1} if gpu else None
        self._owner = uuid4().hex  # other work on the same cluster is left alone
        self._waiting: dict[Future, str] = {}  # for the results of the tasks with these keys
        self._bytes: dict[str, int] = {}  # of the networks that those tasks carry

    def do(self, tasks: Iterator[Task], total: int, keep: Keep) -> None:
        """Hand over each result as it comes, and report how far the work is."""
        done = 0
        while done < total:
            workers = self._client.scheduler_info()["workers"].values()
            self._send(tasks, _slots(workers))
            progress.report(done, total, f"{done} of {total} done, on {len(workers)} workers")
            for key, result in self._come_back():
                done += 1
                keep(key, result)

    def abandon(self) -> None:
        """Give up the tasks that nobody waits for any more, those in work too."""
        if self._waiting:
            self._client.cancel(list(self._waiting), force=True)
            self._client.run(end_children, self._owner, on_error="ignore")

    def _send(self, tasks: Iterator[Task], slots: Mapping[str, int]) -> None:
        """Send out as many tasks as the scheduler may keep in memory.

        A cluster that grows with the work has to see all of it, unless that is large.
        """
        enough = AHEAD * sum(slots.values())
        while len(self._waiting) < enough or sum(self._bytes.values()) < AHEAD_BYTES:
            task = next(tasks, None)
            if task is None:
                return
            self._submit(task, slots)

    def _submit(self, task: Task, slots: Mapping[str, int]) -> None:
        future = self._client.submit(
            work_on_worker,
            task,
            self._limits,
            program_version(),
            slots,
            self._owner,
            key=f"task-{task.key}-{self._owner}",
            retries=RETRIES,
            resources=self._resources,
            pure=False,
        )
        self._waiting[future] = task.key
        self._bytes[task.key] = len(task.network)

    def _come_back(self) -> Iterator[tuple[str, Result]]:
        """The results that arrive within `POLL_SECONDS`, with the keys of their tasks."""
        from distributed import wait

        try:
            done = wait(list(self._waiting), POLL_SECONDS, "FIRST_COMPLETED").done
        except TimeoutError:
            return
        for future in done:
            key = self._waiting.pop(future)
            del self._bytes[key]
            yield key, _result(future)


def _slots(workers: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many tasks may run at once on each host: the threads of its workers."""
    slots: dict[str, int] = {}
    for worker in workers:
        slots[worker["host"]] = slots.get(worker["host"], 0) + worker["nthreads"]
    return slots


def work_on_worker(
    task: Task, limits: Limits, version: str, slots: Mapping[str, int], owner: str
) -> Result:
    """Do a task on the worker that runs this; see `child_process.work_on`.

    Args:
        task: what to do.
        limits: for it.
        version: of the program that asks.
        slots: how many tasks may run at once on each host.
        owner: whom it is for.
    """
    if not limits.threads:
        limits = replace(limits, threads=_threads_here(slots))
    return work_on(task, limits, version, owner)


def _threads_here(slots: Mapping[str, int]) -> int:
    """This machine's processors, shared by the tasks that may run on it at once."""
    from distributed import get_worker

    worker = get_worker()
    host = urlsplit(worker.address).hostname or ""
    share = slots.get(host, worker.state.nthreads)
    return max(1, available_cores() // max(1, share))


def _result(future: Future) -> Result:
    try:
        found: Result = future.result()
    except Exception as error:  # whatever Dask raises once a task has been lost too often
        return died(error)
    finally:
        future.release()
    return found
