"""The command that sets attacks side by side."""

from __future__ import annotations

import argparse

import pandas as pd

from engine import attacks, quiet, runs, store
from engine.commands.shared import Answer, work
from engine.datasets import Dataset, open_dataset, short_name
from engine.progress import Work
from engine.repairs import parse_repair

Tables = tuple[pd.DataFrame, pd.DataFrame]


def compare(options: argparse.Namespace) -> Answer:
    """Train a network with each attack, repair it, and set them side by side."""
    names = options.attack or list(attacks.ATTACKS)
    for name in names:
        attacks.find_attack(name)
    repairs = [parse_repair(text) for text in options.repair]
    way = attacks.Way(options.preset, options.epochs, repairs)
    way.settings()  # what cannot be is said before the wait
    run = runs.run_called(options.run or f"attacks-{short_name(options.dataset)}")

    def make() -> Work[Tables]:
        dataset = yield from open_dataset(options.dataset, options.root)
        return (yield from runs.in_turn(run, lambda: compared(dataset)))

    def compared(dataset: Dataset) -> Work[Tables]:
        quiet.import_tensorflow()
        yield from attacks.run_all(dataset, names, way, run.stop_requested)
        return attacks.summary(dataset, names), attacks.defences(dataset, names)

    def answer(tables: Tables) -> Answer:
        out = options.out or attacks.folder(options.dataset)
        paths = [out / attacks.SUMMARY, out / attacks.DEFENCES]
        for path, table in zip(paths, tables, strict=True):
            store.write_table(path, table)
        shown = ["title", "psnr", "ssim", "clean_accuracy", "attack_success"]
        return {
            "attacks": tables[0].reindex(columns=shown).round(3).to_dict("records"),
            "files": ", ".join(map(str, paths)),
        }

    return work(options, run, make, answer)
