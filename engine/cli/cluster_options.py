"""The options of commands whose work can be shared among several workers."""

from __future__ import annotations

import os
from pathlib import Path

import click

from engine.cli.options import gathered
from engine.core.errors import UserError
from engine.experiments.workers.child_process import Limits
from engine.experiments.workers.dask_cluster import DaskCluster
from engine.experiments.workers.schedulers import OneAfterTheOther, Scheduler


def show_datasets(root: Path | None) -> None:
    """Let the processes that tasks run in find the datasets below `root`, if one was given."""
    if root:
        os.environ["PRUNING_LAB_DATA"] = str(root)


def _cluster(scheduler: str | None, local: int | None) -> DaskCluster | None:
    """The workers asked for; None if the work is done here.

    Raises:
        UserError: the options contradict each other.
    """
    if scheduler and local:
        raise UserError("Choose --scheduler or --local, not both.")
    if local is not None and local < 1:
        raise UserError("Start at least one worker: --local 2.")
    return DaskCluster(scheduler or "", local or 0) if scheduler or local else None


def _scheduler(
    scheduler: str | None, local: int | None, threads: int, memory: float, gpu: bool
) -> Scheduler:
    """Where cells are worked on, and what each may use.

    Raises:
        UserError: the options contradict each other.
    """
    limits, cluster = Limits(threads, memory), _cluster(scheduler, local)
    if gpu and (local or 0) > 1:
        raise UserError("With --gpu start one worker for each GPU yourself: see docs/sweeps.md.")
    if gpu and cluster is None:
        raise UserError("--gpu needs workers that declare GPUs: add --scheduler or --local.")
    if cluster is None:
        return OneAfterTheOther(limits)
    return DaskCluster(cluster.address, cluster.workers, limits, gpu)


_address_option = click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Work on the workers of this Dask scheduler, such as tcp://10.0.0.5:8786.",
)
_local_option = click.option(
    "--local", type=int, metavar="N", help="Start N Dask workers on this machine."
)
cluster_options = gathered("cluster", _cluster, _address_option, _local_option)
scheduler_options = gathered(
    "scheduler",
    _scheduler,
    _address_option,
    _local_option,
    click.option(
        "--threads",
        type=int,
        default=0,
        help="TensorFlow's threads for each cell; 0: its choice, or a worker's share of the cores.",
    ),
    click.option(
        "--memory",
        type=float,
        default=0.0,
        metavar="GB",
        help="Stop a cell that uses more; 0: no limit.",
    ),
    click.option("--gpu", is_flag=True, help="Give each cell one of the workers' GPUs."),
)
