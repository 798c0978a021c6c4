"""Working on cells with Dask: on a cluster that runs already, or on workers started here.

Needs the packages of ``requirements-cluster.txt``. A cell's settings travel to a worker as text and
its result travels back as bytes, so that the machines need share no folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

from engine.core import progress
from engine.core.errors import UserError, one_line
from engine.core.processors import available_cores
from engine.core.version import program_version
from engine.experiments.sweeps.cell import Cell
from engine.experiments.sweeps.cell_process import (
    NO_LIMITS,
    CellResult,
    Limits,
    Task,
    end_children,
    work_on,
)
from engine.experiments.sweeps.schedulers import Keep, died

if TYPE_CHECKING:
    from distributed import Client, Future

LOOPBACK = "127.0.0.1"
RETRIES = 2  # of a cell whose process died; a lost worker's cells go to other workers anyway
POLL_SECONDS = 1.0
CONNECT_SECONDS = 10


@dataclass(frozen=True)
class DaskCluster:
    """Works on cells on the workers of a Dask scheduler.

    Attributes:
        address: of a scheduler that runs, such as ``tcp://10.0.0.5:8786``; empty: start one here,
            bound to this machine alone.
        workers: how many to start here; the cluster's own if there is an address.
        limits: for each cell. Without a number of threads, the cells on a machine share its
            processors.
        gpu: whether a cell takes one of the GPUs that workers declare as the resource "GPU".

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

    def run(self, tasks: Sequence[Task], keep: Keep) -> None:
        """See `Scheduler.run`.

        Raises:
            UserError: Dask is not installed, there is no scheduler at the address, or a worker
                has another version of the program.
        """
        owner = uuid4().hex  # other sweeps on the same cluster are left alone
        with _connected(self) as client:
            check_workers(client, self.gpu)
            submitted = _submit(client, tasks, self, owner)
            try:
                _collect(client, submitted, keep)
            finally:
                _abandon(client, [future for future in submitted if not future.done()], owner)


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
                memory_limit=0,  # the cells run in processes of their own, with their own limit
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


def _submit(
    client: Client, tasks: Sequence[Task], cluster: DaskCluster, owner: str
) -> dict[Future, Cell]:
    slots = _slots(client)
    return {
        client.submit(
            work_on_worker,
            task.cell.to_json(),
            task.model,
            task.network,
            cluster.limits,
            program_version(),
            slots,
            owner,
            key=f"cell-{task.cell.key}-{owner}",
            retries=RETRIES,
            resources={"GPU": 1} if cluster.gpu else None,
            pure=False,
        ): task.cell
        for task in tasks
    }


def _slots(client: Client) -> dict[str, int]:
    """How many cells may run at once on each host: the threads of its workers."""
    slots: dict[str, int] = {}
    for worker in client.scheduler_info()["workers"].values():
        slots[worker["host"]] = slots.get(worker["host"], 0) + worker["nthreads"]
    return slots


def work_on_worker(
    settings: str,
    model: str,
    network: bytes,
    limits: Limits,
    version: str,
    slots: Mapping[str, int],
    owner: str,
) -> CellResult:
    """Do a cell's work on the worker that runs this; see `cell_process.work_on`.

    Args:
        settings: the cell as JSON.
        model, network: see `Task`.
        limits: for the cell.
        version: of the program that asks.
        slots: how many cells may run at once on each host.
        owner: the sweep.
    """
    if not limits.threads:
        limits = replace(limits, threads=_threads_here(slots))
    return work_on(Task(Cell.from_json(settings), model, network), limits, version, owner)


def _threads_here(slots: Mapping[str, int]) -> int:
    """This machine's processors, shared by the cells that may run on it at once."""
    from distributed import get_worker

    worker = get_worker()
    host = urlsplit(worker.address).hostname or ""
    share = slots.get(host, worker.state.nthreads)
    return max(1, available_cores() // max(1, share))


def _collect(client: Client, submitted: Mapping[Future, Cell], keep: Keep) -> None:
    """Hand over each result as it comes, and report how far the sweep is."""
    from distributed import wait

    waiting, total = set(submitted), len(submitted)
    while waiting:
        workers, count = len(client.scheduler_info()["workers"]), total - len(waiting)
        message = f"{count} of {total} cells done, on {workers} workers"
        progress.report(count, total, message)
        try:
            done = wait(list(waiting), POLL_SECONDS, "FIRST_COMPLETED").done
        except TimeoutError:
            continue
        for future in done:
            waiting.discard(future)
            keep(submitted[future], _result(future))


def _result(future: Future) -> CellResult:
    try:
        found: CellResult = future.result()
    except Exception as error:  # whatever Dask raises once a cell has been lost too often
        return died(error)
    finally:
        future.release()
    return found


def _abandon(client: Client, futures: Sequence[Future], owner: str) -> None:
    """Give up cells that nobody waits for any more, those in work too."""
    if futures:
        client.cancel(list(futures), force=True)
        client.run(end_children, owner, on_error="ignore")
