"""A report on one model, as one printable HTML file that needs nothing else.

This module puts the page together; the content of its sections is in model_report_sections.py,
its text in model_report.html.j2.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from engine.core import atomic_files, command_line, markdown, templates
from engine.datasets import Split
from engine.reporting import model_report_sections as sections
from engine.reporting.metric_style import SCORES
from engine.reporting.model_report_sections import View
from engine.store import StoredModel, pruning_curves, summary

__all__ = ["View", "command", "html", "write"]

_TEMPLATES = templates.load(__file__)


def write(path: Path, stored: StoredModel, view: View, test: Split | None, made_by: str) -> None:
    """Write the report to `path`, completely or not at all; arguments and errors as for `html`."""
    atomic_files.write_text(path, html(stored, view, test, made_by))


def command(stored: StoredModel, dataset: str, view: View) -> str:
    """The command line that makes this report again."""
    image = [] if view.image is None else ["--image", str(view.image)]
    other = [] if dataset == stored.card.dataset else ["--dataset", dataset]
    words = ["report", stored.name, *other, *image]
    words += ["--layer", view.layer, "--order", view.order, "--threshold", f"{view.threshold:g}"]
    return command_line.command(*words, "--out", "report.html")


def html(stored: StoredModel, view: View, test: Split | None, made_by: str) -> str:
    """The report as HTML.

    Args:
        stored: the model.
        view: what the report shows.
        test: test images, uint8, of the size the model takes; None if they are not available.
        made_by: the command that makes the same report again.

    Raises:
        UserError: there is no test image `view.image`, or a chart could not be drawn.
    """
    curve = pruning_curves.stored_curve(stored, view.layer, view.order)
    return templates.render(
        _TEMPLATES,
        "model_report",
        card=stored.card,
        description=markdown.to_html(summary.describe(stored.card)),
        scores=sections.scores(stored.card),
        metrics=SCORES.values(),
        example=sections.example(stored, view, test, curve),
        activations=sections.activations(stored),
        view=view,
        order=sections.order_title(view.order),
        pruning=sections.pruning(stored, curve, view),
        repairs=sections.repairs(stored),
        commands=dict.fromkeys([*stored.card.commands, made_by]),
        settings=sections.settings(stored.card),
        made=datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC"),
    )
