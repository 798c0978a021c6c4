"""A report on one model, as one printable HTML file that needs nothing else.

This module puts the page together; the content of its sections is in model_report_sections.py,
its text in model_report.html.j2.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from engine.core import atomic_files, command_line, markdown, templates
from engine.reporting import model_report_sections as sections
from engine.reporting import reactivation, verdict
from engine.reporting.model_report_sections import Example, View, test_example
from engine.store import StoredModel, near_chance, pruning_curves, summary

__all__ = ["Example", "View", "command", "html", "test_example", "write"]

_TEMPLATES = templates.load(__file__)


def write(
    path: Path, stored: StoredModel, view: View, example: Example | None, made_by: str
) -> None:
    """Write the report to `path`, completely or not at all; arguments and errors as for `html`."""
    atomic_files.write_text(path, html(stored, view, example, made_by))


def command(stored: StoredModel, dataset: str, view: View, image: int | None) -> str:
    """The command line that makes this report again; without the image if it is no test image."""
    shown = [] if image is None else ["--image", str(image)]
    other = [] if dataset == stored.card.dataset else ["--dataset", dataset]
    words = ["report", stored.name, *other, *shown]
    words += ["--layer", view.layer, "--order", view.order, "--threshold", f"{view.threshold:g}"]
    return command_line.command(*words, "--out", "report.html")


def html(stored: StoredModel, view: View, example: Example | None, made_by: str) -> str:
    """The report as HTML: the decision, the evidence, and an appendix.

    Args:
        stored: the model.
        view: what the report shows.
        example: the image it shows; None leaves pictures out.
        made_by: the command that makes the same report again.

    Raises:
        UserError: a chart could not be drawn.
    """
    curve = pruning_curves.stored_curve(stored, view.layer, view.order)
    advised, (scan, problem) = sections.repair_to_advise(stored), sections.scan_of(stored)
    return templates.render(
        _TEMPLATES,
        "model_report",
        card=stored.card,
        title=summary.title(stored.card),
        headline=verdict.headline(stored.card, scan),
        finding=sections.finding(stored.card, scan, problem, example),
        advice=verdict.advise(stored.card, advised, scan),
        warning=near_chance.warn(stored.card),
        description=markdown.to_html(summary.describe(stored.card)),
        figures=sections.figures(stored),
        example=sections.pictures(stored, view, example, curve),
        activations=sections.activations(stored),
        view=view,
        order=sections.order_title(view.order),
        pruning=sections.pruning(stored, curve, view),
        repairs=sections.repairs(stored),
        all_repairs=sections.all_repairs(stored),
        lasting=sections.lasting(stored),
        about_lasting=reactivation.EXPLANATION,
        commands=dict.fromkeys([*stored.card.commands, made_by]),
        settings=sections.settings(stored.card),
        made=datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC"),
    )
