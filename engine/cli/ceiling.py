"""The command that measures how much recovered accuracy a repair can reach."""

from __future__ import annotations

import click

from engine import store
from engine.cli.options import MODEL, ModelChoice
from engine.cli.shared import Answer, Call, command, long_work
from engine.experiments import recovery_ceiling
from engine.store import StoredModel


@command("ceiling")
@click.argument("models", type=MODEL, nargs=-1, required=True, help="Names of the models.")
@long_work
def ceiling(models: tuple[str, ...], call: Call) -> Answer:
    """Measure how much a repair can recover at best.

    That is the share of the model's triggered test images that a clean network classifies
    correctly: the stored one whose training is most like the model's.
    """
    for model in models:
        store.find(model).card.known_backdoor()  # an error comes before the work

    def work() -> Answer:
        choices = map(ModelChoice.of, models)
        measured = [recovery_ceiling.measure(each.stored, each.load(call.root)) for each in choices]
        return {"ceilings": [_row(stored) for stored in measured]}

    return call.run(work)


def _row(stored: StoredModel) -> Answer:
    table = stored.table(recovery_ceiling.TABLE)
    assert table is not None  # just measured
    row = table.iloc[0]
    scores = stored.card.scores["test"]
    return {
        "model": stored.name,
        "clean_model": row["clean_model"],
        "images": int(row["images"]),
        "recovered_accuracy": round(scores["recovered_accuracy"], 3),
        **{
            name: round(value, 3)
            for name, value in recovery_ceiling.columns(
                scores["recovered_accuracy"], row["ceiling"]
            ).items()
        },
    }
