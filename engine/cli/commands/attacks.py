"""The command that sets attacks side by side."""

from __future__ import annotations

import argparse

from engine import store
from engine.attacks import recipes
from engine.cli.commands.shared import Answer, work
from engine.core import job_worker, jobs, tensorflow_runtime
from engine.datasets import open_dataset, short_name
from engine.defenses.repairs import parse_repair
from engine.experiments import attack_suite, attack_tables


def compare(options: argparse.Namespace) -> Answer:
    """Train a network with each attack, repair it, and set them side by side.

    Attacks that are not named stay in the tables as they were.
    """
    names = options.attack or list(recipes.ATTACKS)
    for name in names:
        recipes.find_attack(name)
    repairs = [parse_repair(text) for text in options.repair]
    way = attack_suite.SuiteSettings(options.preset, options.epochs, repairs)
    out = options.out or attack_tables.own_folder(options.dataset)
    # What cannot be is said before the wait.
    attack_tables.check_same_training(attack_tables.read_tables(out), names, way)
    run = jobs.job_named(options.job or f"attacks-{short_name(options.dataset)}")

    def make() -> attack_tables.AttackTables:
        dataset = open_dataset(options.dataset, options.root)
        with job_worker.turn(run):
            tensorflow_runtime.import_tensorflow()
            attack_suite.run_suite(dataset, names, way, run.stop_requested)
            return attack_tables.update_tables(dataset, names, attack_tables.read_tables(out))

    def answer(tables: attack_tables.AttackTables) -> Answer:
        paths = [out / attack_tables.SUMMARY_FILE, out / attack_tables.DEFENCES_FILE]
        for path, table in zip(paths, tables, strict=True):
            store.write_table(path, table)
        shown = ["title", "psnr", "ssim", "clean_accuracy", "attack_success"]
        return {
            "attacks": tables[0].reindex(columns=shown).round(3).to_dict("records"),
            "files": ", ".join(map(str, paths)),
        }

    return work(options, run, make, answer)
