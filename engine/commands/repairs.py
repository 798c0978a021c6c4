"""Commands that repair a model."""

from __future__ import annotations

import argparse

from engine import evaluation, experiment, store
from engine.commands.shared import Answer, command_line, do, open_for
from engine.progress import Work
from engine.repairs import parse_repair


def repair(options: argparse.Namespace) -> Answer:
    """Repair a model with clean validation images alone, and keep the result."""
    stored = store.find(options.model)
    method = parse_repair(options.method)
    store.check_free(options.name, options.replace)

    def make() -> Work[store.Stored]:
        dataset = yield from open_for(stored, options)
        return (
            yield from experiment.repair(
                stored, dataset, method, options.name, command_line(options), options.replace
            )
        )

    def answer(kept: store.Stored) -> Answer:
        return {
            "model": kept.name,
            "folder": str(kept.folder),
            "method": str(method),
            "before": {key: stored.card.scores["test"][key] for key in evaluation.FIGURES},
            "after": {key: kept.card.scores["test"][key] for key in evaluation.FIGURES},
        }

    return do(options, make, answer)
