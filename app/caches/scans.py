"""What scans for backdoors have found."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import streamlit as st

from app.caches import dataset_images, models, predictions
from engine.core.errors import UserError
from engine.experiments.detector_calibration import Rates, measured_rates
from engine.imaging.render import data_url
from engine.reporting import scan_pictures
from engine.store import StoredModel
from engine.store.scans import Scan, stored_scan


def scan(stored: StoredModel) -> Scan | None:
    """What a scan for a backdoor has found; None if there was none."""
    return _scan(stored, str(stored.folder), models.changed(stored))


@st.cache_data(max_entries=64, show_spinner=False)
def _scan(_stored: StoredModel, folder: str, changed: int) -> Scan | None:
    return stored_scan(_stored)


def readable_scan(stored: StoredModel) -> Scan | None:
    """As `scan`; None as well if it cannot be read, which the page Detect explains."""
    with suppress(UserError):
        return scan(stored)
    return None


@st.cache_data(max_entries=1, show_spinner=False)
def detector_rates() -> Rates | None:
    """How often scans are right; None if that was not measured, or cannot be read."""
    with suppress(UserError):
        return measured_rates()
    return None


def recovered_url(stored: StoredModel) -> str:
    """The trigger that a scan has recovered, by itself, as a data URL; empty if there is none.

    Raises:
        UserError: the stored scan cannot be used.
    """
    return _recovered_url(stored, str(stored.folder), models.changed(stored))


@st.cache_data(max_entries=128, show_spinner=False)
def _recovered_url(_stored: StoredModel, folder: str, changed: int) -> str:
    found = scan(_stored)
    if found is None or found.trigger is None:
        return ""
    return data_url(scan_pictures.alone(found.trigger, *_stored.card.image_shape[:2]))


def recovered_samples(
    stored: StoredModel, dataset: str, count: int
) -> tuple[predictions.Predicted, predictions.Predicted]:
    """Test images and their copies with the recovered trigger, with the model's predictions.

    Args:
        stored: a model in which a trigger was recovered.
        dataset: whose test images are shown.
        count: how many, spread evenly over those of other classes.

    Raises:
        UserError: the images are missing, or NumPy cannot run the network.
    """
    return _recovered_samples(stored, models.version(stored), dataset, count)


@st.cache_data(max_entries=16, show_spinner=False)
def _recovered_samples(
    _stored: StoredModel, model_version: tuple[str, int], dataset: str, count: int
) -> tuple[predictions.Predicted, predictions.Predicted]:
    found = scan(_stored)
    assert found is not None and found.trigger is not None
    test = dataset_images.test_images(dataset, _stored.card.image_shape[0])
    others = np.flatnonzero(test.labels != found.flagged)
    places = np.linspace(0, len(others) - 1, min(count, len(others))).astype(int)
    chosen = others[np.unique(places)]
    images, labels = np.array(test.images[chosen]), test.labels[chosen]
    both = images, found.trigger.apply(images)
    clean, triggered = (
        predictions.Predicted(each, labels, predictions.network(_stored).probabilities(each))
        for each in both
    )
    return clean, triggered
