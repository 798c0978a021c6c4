"""The command that sets attacks side by side."""

from __future__ import annotations

import argparse

from engine import store
from engine.cli.commands.shared import Answer, work
from engine.core import jobs, tensorflow_runtime
from engine.datasets import open_dataset, short_name
from engine.defenses.repairs import parse_repair
from engine.experiments import attack_suite, attack_tables


def compare(options: argparse.Namespace) -> Answer:
    """Train a network with each attack, repair it, and set them side by side.

    Attacks that are not named stay in the tables as they were.
    """
    names = options.attack or list(attack_suite.ATTACKS)
    for name in names:
        attack_suite.find_attack(name)
    repairs = [parse_repair(text) for text in options.repair]
    way = attack_suite.Way(options.preset, options.epochs, repairs)
    out = options.out or attack_tables.folder(options.dataset)
    # What cannot be is said before the wait.
    attack_tables.check_alike(attack_tables.read(out), names, way)
    run = jobs.job_named(options.run or f"attacks-{short_name(options.dataset)}")

    def make() -> attack_tables.Tables:
        dataset = open_dataset(options.dataset, options.root)
        with jobs.turn(run):
            tensorflow_runtime.import_tensorflow()
            attack_suite.run_all(dataset, names, way, run.stop_requested)
            return attack_tables.compared(dataset, names, attack_tables.read(out))

    def answer(tables: attack_tables.Tables) -> Answer:
        paths = [out / attack_tables.SUMMARY, out / attack_tables.DEFENCES]
        for path, table in zip(paths, tables, strict=True):
            store.write_table(path, table)
        shown = ["title", "psnr", "ssim", "clean_accuracy", "attack_success"]
        return {
            "attacks": tables[0].reindex(columns=shown).round(3).to_dict("records"),
            "files": ", ".join(map(str, paths)),
        }

    return work(options, run, make, answer)
