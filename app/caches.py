"""Every cache of the dashboard: bounded, keyed by small values, over plain engine calls."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app.waiting import shown
from engine import evaluation, places, results, spectra, store
from engine.datasets import Dataset, SplitName, open_dataset
from engine.evaluation import Fidelity
from engine.pruning.curve import Curve
from engine.store import Stored
from engine.triggers import parse_trigger


@st.cache_resource(max_entries=1)
def _open_datasets() -> tuple[dict[tuple[str, int, str], Dataset], threading.Lock]:
    """Datasets opened so far, and what keeps two sessions from reading one twice."""
    return {}, threading.Lock()


def dataset(name: str, size: int = 32) -> Dataset:
    """A dataset, memory-mapped; its first reading shows its progress on the page."""
    opened, lock = _open_datasets()
    key = (name, size, str(places.data_root()))
    with lock:
        if key not in opened:
            opened[key] = shown(open_dataset(name, size=size))
    return opened[key]


def model_names() -> list[str]:
    """Names of all models; a look at the folders, so that new ones appear at once."""
    return store.names()


def model(name: str) -> Stored:
    """A model's card; a small file, read each time so that new results appear at once."""
    return store.find(name)


def table(stored: Stored, name: str) -> pd.DataFrame | None:
    """A table kept beside a model, or None."""
    return _table(stored, str(stored.folder), name, _changed(stored))


@st.cache_data(max_entries=64, show_spinner=False)
def _table(_stored: Stored, folder: str, name: str, changed: int) -> pd.DataFrame | None:
    return _stored.table(name)


def curve(stored: Stored, layer: str, order: str) -> Curve | None:
    """A curve kept beside a model, or None."""
    return _curve(stored, str(stored.folder), layer, order, _changed(stored))


@st.cache_data(max_entries=64, show_spinner=False)
def _curve(_stored: Stored, folder: str, layer: str, order: str, changed: int) -> Curve | None:
    return results.stored_curve(_stored, layer, order)


def convolutions(stored: Stored) -> list[str]:
    """Names of a model's convolutions."""
    return _convolutions(stored, stored.card.sha256)


@st.cache_data(max_entries=64, show_spinner=False)
def _convolutions(_stored: Stored, checksum: str) -> list[str]:
    return _stored.convolutions()


def _changed(stored: Stored) -> int:
    """Changes whenever something in the model's folder is written."""
    return stored.folder.stat().st_mtime_ns


@st.cache_data(max_entries=256, show_spinner=False)
def pair(
    name: str, size: int, split: SplitName, index: int, trigger: str
) -> tuple[np.ndarray, np.ndarray]:
    """One image of a dataset and its triggered copy: uint8 [height, width, 3] each."""
    clean = np.array(dataset(name, size).split(split).images[index])
    return clean, parse_trigger(trigger)(clean[np.newaxis])[0]


@st.cache_data(max_entries=64, show_spinner="Comparing images")
def mean_fidelity(name: str, size: int, split: SplitName, count: int, trigger: str) -> Fidelity:
    """PSNR, SSIM and largest change over the first `count` images of a split."""
    clean = dataset(name, size).split(split).images[:count]
    return evaluation.fidelity(clean, parse_trigger(trigger)(clean))


@st.cache_data(max_entries=64, show_spinner="Transforming images")
def mean_spectra(
    name: str, size: int, split: SplitName, count: int, trigger: str
) -> tuple[np.ndarray, np.ndarray]:
    """Mean |DCT| of `count` clean images and of their triggered copies: [3, height, width]."""
    images = dataset(name, size).split(split).images
    chosen = images[np.linspace(0, len(images) - 1, min(count, len(images))).astype(int)]
    triggered = parse_trigger(trigger)(chosen)
    return spectra.mean_magnitude(chosen), spectra.mean_magnitude(triggered)


@st.cache_data(max_entries=64, show_spinner=False)
def indices_of_class(name: str, size: int, split: SplitName, label: int) -> Any:
    """Indices of the images of one class: int64 [n]."""
    return np.flatnonzero(dataset(name, size).split(split).labels == label)
