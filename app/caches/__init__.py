"""Every cache of the dashboard: bounded, keyed by small values, over plain engine calls.

What every move of a threshold needs is cached as a resource: it is shared, not copied, so callers
must not change it.
"""

import streamlit as st

from app.caches import (
    charts,
    dataset_images,
    models,
    predictions,
    repairs,
    scans,
    shown_images,
    sweeps,
)

__all__ = [
    "charts",
    "dataset_images",
    "forget_all",
    "models",
    "predictions",
    "repairs",
    "scans",
    "shown_images",
    "sweeps",
]


def forget_all() -> None:
    """Empty every cache, because the name of a dataset now stands for other images."""
    st.cache_data.clear()
    st.cache_resource.clear()
