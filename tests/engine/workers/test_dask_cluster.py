"""Sweeps over a real Dask scheduler and its workers, on this machine alone."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from threading import Thread

import psutil
import pytest
from distributed import Client, LocalCluster

from engine.core.errors import UserError
from engine.core.paths import PROJECT
from engine.core.version import PACKAGE, program_version
from engine.experiments.sweeps import sweep_file
from engine.experiments.sweeps.results import SweepResults
from engine.experiments.sweeps.run import run_sweep
from engine.experiments.workers import dask_cluster
from engine.experiments.workers.child_process import Limits
from engine.experiments.workers.dask_cluster import AHEAD, LOOPBACK, DaskCluster
from engine.experiments.workers.schedulers import OneAfterTheOther

ONE_THREAD = Limits(1)
MEASURED = ("clean_accuracy", "attack_success", "recovered_accuracy", "psnr", "ssim")


@pytest.fixture
def started(data, monkeypatch):
    """A function that starts a scheduler and workers, as someone else would have."""
    monkeypatch.setenv("PRUNING_LAB_DATA", str(data))
    clusters = []

    def start(workers: int) -> str:
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            host=LOOPBACK,
            dashboard_address=None,
            memory_limit=0,
        )
        clusters.append(cluster)
        return cluster.scheduler_address

    yield start
    for cluster in clusters:
        cluster.close()


def cells(seeds: int):
    described = {"dataset": "folder:few", "attack": "badnets", "rate": 0.2, "target": 1}
    return sweep_file.cells_of({**described, "epochs": 1, "seed": list(range(seeds))})


def cell_processes() -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if any("workers.child" in word for word in process.cmdline()):
                found.append(process)
    return found


def figures(name: str, wanted):
    table = SweepResults.of(name).table(wanted)
    kept = table[table["figure"].isin(MEASURED)]
    return kept.set_index(["cell", "figure"])["value"].sort_index()


def test_a_killed_worker_costs_no_cell_and_the_table_is_that_of_a_local_run(started):
    wanted, killed = cells(2), []
    address = started(2)

    def kill_a_worker() -> None:
        until = time.monotonic() + 60
        while not killed and time.monotonic() < until:
            for child in cell_processes():
                with suppress(psutil.Error):
                    killed.append(child)
                    os.kill(child.ppid(), signal.SIGKILL)
                    return
            time.sleep(0.05)

    thread = Thread(target=kill_a_worker, daemon=True)
    thread.start()
    outcome = run_sweep("many", wanted, DaskCluster(address, limits=ONE_THREAD))
    thread.join()
    assert killed, "no worker was killed"
    assert (outcome.done, outcome.failed) == (2, 0), outcome.table["problem"].tolist()
    assert not killed[0].is_running(), "the cell of the lost worker goes on"
    local = run_sweep("alone", wanted, OneAfterTheOther(ONE_THREAD))
    assert (local.done, local.failed) == (2, 0)
    assert figures("many", wanted).tolist() == pytest.approx(figures("alone", wanted).tolist())


def test_tasks_that_carry_networks_are_asked_for_when_a_worker_is_about_to_be_free(
    started, monkeypatch
):
    monkeypatch.setattr(dask_cluster, "AHEAD_BYTES", 10)
    ahead, asked, done = [], [], []

    def tasks():
        for cell in cells(5):
            asked.append(cell.key)
            ahead.append(len(asked) - len(done))
            yield cell.task(network=b"a network")

    cluster = DaskCluster(started(1), limits=Limits(1, memory_gb=0.001))  # each ends at once
    cluster.run(tasks(), 5, lambda key, result: done.append(key))
    assert sorted(done) == sorted(asked) and len(done) == 5
    assert max(ahead) <= AHEAD


def test_a_cluster_sees_all_tasks_that_carry_no_network(started):
    asked, done = [], []

    def tasks():
        for cell in cells(5):
            assert not done, "asked for late"
            asked.append(cell.key)
            yield cell.task()

    cluster = DaskCluster(started(1), limits=Limits(1, memory_gb=0.001))
    cluster.run(tasks(), 5, lambda key, result: done.append(key))
    assert sorted(done) == sorted(asked)


def test_a_worker_of_another_version_is_refused_in_a_sentence(started, tmp_path):
    metadata = tmp_path / f"{PACKAGE.replace('-', '_')}-9.9.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 9.9\n")
    address = started(0)
    search_path = os.pathsep.join([str(tmp_path), str(PROJECT)])
    worker = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_worker", address, "--no-nanny"],
        env=os.environ | {"PYTHONPATH": search_path},
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
    )
    try:
        with Client(address) as client:
            client.wait_for_workers(1, timeout=60)
        said = f"version 9.9 of the program, and this is {program_version()}"
        with pytest.raises(UserError, match=re.escape(said)):
            run_sweep("other", cells(1), DaskCluster(address))
    finally:
        worker.kill()
        worker.wait()


def test_what_is_started_here_is_bound_to_this_machine_alone(monkeypatch):
    listening = []

    def look(client, gpu) -> None:
        processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
        for process in processes:
            with suppress(psutil.Error):
                found = process.net_connections("inet")
                listening.extend(c.laddr.ip for c in found if c.status == psutil.CONN_LISTEN)
        raise UserError("seen")

    monkeypatch.setattr("engine.experiments.workers.dask_cluster.check_workers", look)
    with pytest.raises(UserError, match="seen"):
        run_sweep("here", cells(1), DaskCluster(workers=1))
    assert listening and set(listening) <= {LOOPBACK, "::1"}


@pytest.mark.parametrize("address", ["nowhere", "http://x:1", "tcp://", "tcp://a:b", "tcp://x"])
def test_what_is_no_address_is_refused_in_a_sentence(address):
    with pytest.raises(UserError, match="not an address"):
        run_sweep("x", cells(1), DaskCluster(address))


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setattr("engine.experiments.workers.dask_cluster.CONNECT_SECONDS", 0.5)
    with pytest.raises(UserError, match="no Dask scheduler at tcp"):
        run_sweep("x", cells(1), DaskCluster("tcp://127.0.0.1:9"))
