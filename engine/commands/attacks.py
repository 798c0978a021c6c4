"""The command that sets attacks side by side."""

from __future__ import annotations

import argparse

from engine import comparison, store
from engine.commands.shared import Answer, work
from engine.core import jobs, tensorflow_runtime
from engine.core.progress import Work
from engine.datasets import Dataset, open_dataset, short_name
from engine.defenses.repairs import parse_repair
from engine.experiments import attack_suite


def compare(options: argparse.Namespace) -> Answer:
    """Train a network with each attack, repair it, and set them side by side.

    Attacks that are not named stay in the tables as they were.
    """
    names = options.attack or list(attack_suite.ATTACKS)
    for name in names:
        attack_suite.find_attack(name)
    repairs = [parse_repair(text) for text in options.repair]
    way = attack_suite.Way(options.preset, options.epochs, repairs)
    out = options.out or comparison.folder(options.dataset)
    # What cannot be is said before the wait.
    comparison.check_alike(comparison.read(out), names, way)
    run = jobs.run_called(options.run or f"attacks-{short_name(options.dataset)}")

    def make() -> Work[comparison.Tables]:
        dataset = yield from open_dataset(options.dataset, options.root)
        return (yield from jobs.in_turn(run, lambda: compared(dataset)))

    def compared(dataset: Dataset) -> Work[comparison.Tables]:
        tensorflow_runtime.import_tensorflow()
        yield from attack_suite.run_all(dataset, names, way, run.stop_requested)
        return comparison.compared(dataset, names, comparison.read(out))

    def answer(tables: comparison.Tables) -> Answer:
        paths = [out / comparison.SUMMARY, out / comparison.DEFENCES]
        for path, table in zip(paths, tables, strict=True):
            store.write_table(path, table)
        shown = ["title", "psnr", "ssim", "clean_accuracy", "attack_success"]
        return {
            "attacks": tables[0].reindex(columns=shown).round(3).to_dict("records"),
            "files": ", ".join(map(str, paths)),
        }

    return work(options, run, make, answer)
