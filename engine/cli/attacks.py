"""The command that compares attacks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from engine import store
from engine.attacks import recipes
from engine.attacks.recipes import find_attack
from engine.cli.cluster_options import cluster_options, show_datasets
from engine.cli.options import (
    REPAIR,
    Parsed,
    dataset_argument,
    epochs_option,
    gathered,
    out_option,
    parse_seeds,
    preset_option,
)
from engine.cli.shared import Answer, Call, command, long_work
from engine.core import job_worker, jobs, progress, tensorflow_runtime
from engine.datasets import load_dataset, short_name
from engine.evaluation import metrics
from engine.experiments import attack_seeds, attack_suite, attack_tables
from engine.experiments.attack_suite import SuiteSettings
from engine.experiments.workers.dask_cluster import DaskCluster


@command("benchmark-attacks")
@dataset_argument
@click.option(
    "--attack",
    "attacks",
    type=Parsed("NAME", names=lambda: recipes.ATTACKS),
    multiple=True,
    help="Measure this attack again and leave the others in the tables as they are; may be given"
    f" several times: {', '.join(recipes.ATTACKS)}.",
)
@gathered(
    "settings",
    SuiteSettings,
    preset_option("fast"),
    epochs_option,
    click.option(
        "--repair",
        "repairs",
        type=REPAIR,
        multiple=True,
        help="Try this repair on every network; may be given several times.",
    ),
    click.option(
        "--seeds",
        type=Parsed("0,1,2", parse_seeds),
        help="Train a network with each seed and write only two other tables, of the chosen"
        " attacks: each network, and mean, lowest and highest over the seeds.",
    ),
)
@cluster_options
@out_option("DIR", "Write the tables there; report/attacks-DATASET if left out.")
@long_work
def benchmark_attacks(
    dataset: str,
    attacks: Sequence[str],
    settings: SuiteSettings,
    cluster: DaskCluster | None,
    out: Path | None,
    call: Call,
) -> Answer:
    """Train a network with each attack and compare them.

    The same command resumes work that was interrupted or stopped: what is done is not done again.
    """
    names = list(attacks or recipes.ATTACKS)
    for name in names:
        find_attack(name)
    folder = out or attack_tables.own_folder(dataset)
    # Fail before the wait if settings are wrong, or new rows cannot be compared with old ones.
    settings.training()
    if settings.seeds is None:
        attack_tables.check_same_training(attack_tables.read_tables(folder), names, settings)
    job = jobs.job_named(call.job or jobs.name_of("benchmark-attacks", short_name(dataset)))

    def work() -> Answer:
        images = load_dataset(dataset, call.root)
        with job_worker.turn(job):
            if cluster is not None:
                show_datasets(call.root)
                with progress.stopping_when(job.stop_requested):
                    attack_suite.train_elsewhere(dataset, names, settings, cluster)
            tensorflow_runtime.import_tensorflow()
            attack_suite.run_suite(images, names, settings, job.stop_requested)
            if settings.seeds is not None:
                return _store_seeds(attack_seeds.make_tables(images, names, settings), folder)
            former = attack_tables.read_tables(folder)
            tables = attack_tables.update_tables(images, names, former)
        return _store(tables, folder)

    return call.run_as(job, work)


def _store_seeds(tables: attack_seeds.SeedTables, folder: Path) -> Answer:
    paths = attack_seeds.write(tables, folder)
    shown = [
        *("title", "defence", "seeds"),
        *(name + end for name in metrics.METRICS for end in ("", "_min", "_max")),
    ]
    return {
        "attacks": tables.summary[shown].round(3).to_dict("records"),
        "files": ", ".join(map(str, paths)),
    }


def _store(tables: attack_tables.AttackTables, folder: Path) -> Answer:
    paths = [folder / attack_tables.SUMMARY_FILE, folder / attack_tables.DEFENCES_FILE]
    for path, table in zip(paths, tables, strict=True):
        store.write_table(path, table)
    shown = ["title", "psnr", "ssim", "clean_accuracy", "attack_success"]
    return {
        "attacks": tables[0].reindex(columns=shown).round(3).to_dict("records"),
        "files": ", ".join(map(str, paths)),
    }
