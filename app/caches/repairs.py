"""Repairs that were tried on a model, and what they can reach."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.caches import models
from engine.core import paths
from engine.experiments import repair_tables, run_repairs
from engine.experiments.recovery_ceiling import find as find_ceiling
from engine.store import StoredModel


def compared(stored: StoredModel) -> pd.DataFrame:
    """All repairs of a model in one table: see `repair_tables.compare_stored`."""
    return _repairs(stored, str(stored.folder), models.changed(stored), tuple(models.model_names()))


@st.cache_data(max_entries=32, show_spinner=False)
def _repairs(
    _stored: StoredModel, folder: str, changed: int, names: tuple[str, ...]
) -> pd.DataFrame:
    return repair_tables.compare_stored(_stored)


def repaired_copies(stored: StoredModel) -> dict[str, StoredModel]:
    """Repaired copies of a model by the name of their method."""
    folders = (paths.models_folder(), paths.repaired_folder() / stored.name)
    changed = tuple(
        (str(folder), folder.stat().st_mtime_ns if folder.exists() else 0) for folder in folders
    )
    return _repaired_copies(stored, stored.card.sha256, changed)


@st.cache_data(max_entries=16, show_spinner=False)
def _repaired_copies(
    _stored: StoredModel, checksum: str, changed: tuple[tuple[str, int], ...]
) -> dict[str, StoredModel]:
    return run_repairs.saved_repairs(_stored)


def recovery_ceiling(stored: StoredModel) -> float | None:
    """The ceiling of recovered accuracy: see `recovery_ceiling.find`."""
    return _recovery_ceiling(stored, models.version(stored), tuple(models.model_names()))


@st.cache_data(max_entries=32, show_spinner=False)
def _recovery_ceiling(
    _stored: StoredModel, model_version: tuple[str, int], names: tuple[str, ...]
) -> float | None:
    return find_ceiling(_stored)
