"""How small a pattern leads to each class, family by family."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import caches
from app.charts import detection_charts
from app.elements import chart_view
from engine.defenses.inversion import FAMILIES
from engine.store import StoredModel
from engine.store.scans import SIZES, Scan

COLUMNS = 3  # charts side by side


def show(model: StoredModel, scan: Scan, evidence: pd.DataFrame) -> None:
    """One chart for each family, with the classes in the same order."""
    sizes = caches.models.table(model, SIZES)
    if sizes is None:
        st.info("The sizes of the patterns were not stored: scan the model again.")
        return
    st.markdown(
        "**A backdoor is a shortcut:** to its target leads a much smaller pattern than to other"
        " classes, in the family that fits its trigger. The dashed line is the median."
        + (" The flagged class is orange." if scan.found else "")
    )
    titles = map(detection_charts.class_title, evidence["label"], evidence["name"])
    order = list(titles)
    families = list(sizes.groupby("family", sort=False))
    for start in range(0, len(families), COLUMNS):
        for column, (name, rows) in zip(
            st.columns(COLUMNS), families[start : start + COLUMNS], strict=False
        ):
            with column:
                _show_family(str(name), rows, order, scan.flagged)


def _show_family(name: str, rows: pd.DataFrame, order: list[str], flagged: int | None) -> None:
    title = FAMILIES[name].title
    st.markdown(f"**{title[:1].upper()}{title[1:]}**")
    chart_view.show(
        detection_charts.pattern_sizes(rows, order, flagged),
        rows,
        f"sizes-{name}",
        f"The smallest pattern that leads to each class searched, as {title}.",
    )
    if (rows["size"] >= FAMILIES[name].largest).any():
        st.caption(f"{FAMILIES[name].largest:g}: no pattern was found.")
