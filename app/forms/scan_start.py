"""The button that starts a scan for a backdoor, and the job behind it."""

from __future__ import annotations

from app.elements import job_panel
from app.forms import image_chooser
from engine.core import jobs
from engine.store import StoredModel

LABEL, AGAIN = "Scan for a backdoor", "Scan again"


def job_name(model: StoredModel) -> str:
    """The job that scans the model."""
    return jobs.name_of("detect", model.name)


def offer(model: StoredModel, label: str = LABEL) -> None:
    """The button; where the images are missing, how to get them."""
    if not image_chooser.images_available(model.card.dataset):
        image_chooser.offer_download(model.card.dataset)
        return
    job_panel.start_button(
        label,
        job_name(model),
        ["detect", model.name],
        "Searches the smallest pattern that makes the network predict a class, for several kinds"
        " of patterns; takes a minute or two.",
    )


def watch(model: StoredModel) -> None:
    """The job, while it runs and once it has ended."""
    job_panel.watch(job_name(model))
