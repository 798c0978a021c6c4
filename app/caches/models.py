"""Stored models, their tables and curves, and what can be read from their weights."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import streamlit as st

from engine import store
from engine.defenses.pruning.curve import Curve
from engine.experiments.attack_suite import is_suite_model
from engine.experiments.training_estimates import TrainingEstimates, read_estimates
from engine.networks import channel_blocks as blocks
from engine.networks import channels, numpy_inference
from engine.store import StoredModel, pruning_curves, summary


def model_names() -> list[str]:
    """Names of all models, those of the attack suite last; not cached, so that new ones appear."""
    return sorted(store.names(), key=is_suite_model)


def model_titles() -> dict[str, str]:
    """What each model is called on the pages, by its name; ordered by dataset and purpose.

    Of models with the same title each has its name behind it; one that cannot be read has only
    its name.
    """
    cards = ((name, store.card_file(name)) for name in model_names())
    return _model_titles(
        tuple((name, card.stat().st_mtime_ns) for name, card in cards if card is not None)
    )


@st.cache_data(max_entries=8, show_spinner=False)
def _model_titles(cards: tuple[tuple[str, int], ...]) -> dict[str, str]:
    found = {stored.name: stored.card for stored in store.readable_models()}
    titles = {name: summary.title(card) for name, card in found.items()}
    count = Counter(titles.values())
    unique = {name: f"{of} ({name})" if count[of] > 1 else of for name, of in titles.items()}
    ordered = sorted(
        found.values(),
        key=lambda card: (bool(card.suite), card.dataset, summary.purpose(card), unique[card.name]),
    )
    readable = {card.name: unique[card.name] for card in ordered}
    return readable | {name: name for name, _ in cards if name not in readable}


def model(name: str) -> StoredModel:
    """A model with its card; not cached, so that changes appear at once."""
    return store.find(name)


def table(stored: StoredModel, name: str) -> pd.DataFrame | None:
    """A table in a model's folder, or None."""
    return _table(stored, str(stored.folder), name, changed(stored))


@st.cache_data(max_entries=64, show_spinner=False)
def _table(_stored: StoredModel, folder: str, name: str, changed: int) -> pd.DataFrame | None:
    return _stored.table(name)


def curve(stored: StoredModel, layer: str, order: str) -> Curve | None:
    """A pruning curve in a model's folder, or None."""
    return _curve(stored, str(stored.folder), layer, order, changed(stored))


@st.cache_resource(max_entries=64, show_spinner=False)
def _curve(_stored: StoredModel, folder: str, layer: str, order: str, changed: int) -> Curve | None:
    return pruning_curves.stored_curve(_stored, layer, order)


def version(stored: StoredModel) -> tuple[str, int]:
    """A cache key that changes with the model and its results, and differs between copies."""
    return f"{stored.card.sha256} in {stored.folder}", changed(stored)


def changed(stored: StoredModel) -> int:
    """Changes whenever something in the model's folder is written."""
    return stored.folder.stat().st_mtime_ns


def convolutions(stored: StoredModel) -> list[str]:
    """Names of a model's convolutions that can be pruned."""
    return _convolutions(stored, stored.card.sha256)


@st.cache_data(max_entries=64, show_spinner=False)
def _convolutions(_stored: StoredModel, checksum: str) -> list[str]:
    return _stored.convolutions()


def channel_blocks(stored: StoredModel) -> dict[str, list[str]]:
    """The layers that have a convolution's channels, by its name: see `engine.networks`."""
    return _channel_blocks(stored, stored.card.sha256)


@st.cache_data(max_entries=64, show_spinner=False)
def _channel_blocks(_stored: StoredModel, checksum: str) -> dict[str, list[str]]:
    return blocks.channel_blocks(_stored.parts())


def clean_activations(stored: StoredModel, layer: str) -> np.ndarray | None:
    """Mean activation of each channel of a convolution on clean images: float [channels].

    Measured at the last layer of its block, as pruning orders do. None if the activations have not
    been measured.
    """
    measured = table(stored, "activations")
    if measured is None:
        return None
    known = set(measured["layer"])
    names = [name for name in channel_blocks(stored).get(layer, []) if name in known]
    if not names:
        return None
    rows = measured[measured["layer"] == names[-1]]
    return rows.sort_values("channel")["clean_mean"].to_numpy()


def amplification(stored: StoredModel) -> pd.DataFrame:
    """How far each channel's Lipschitz bound lies above its layer's mean.

    Returns:
        Rows with layer, channel and above (standard deviations).
    """
    return _amplification(stored, stored.card.sha256)


@st.cache_data(max_entries=32, show_spinner=False)
def _amplification(_stored: StoredModel, checksum: str) -> pd.DataFrame:
    bounds = numpy_inference.channel_bounds(_stored.parts())
    return pd.concat(
        pd.DataFrame({"layer": layer, "channel": range(len(of)), "above": channels.above_mean(of)})
        for layer, of in bounds.items()
    )


@st.cache_resource(max_entries=1, show_spinner=False)
def training_estimates() -> TrainingEstimates:
    """What to expect of a training, from the trainings that come with the program."""
    return read_estimates()
