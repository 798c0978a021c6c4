"""Every channel of a layer, clean against triggered, and one of them from near."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import pandas as pd
import streamlit as st

from app import caches
from app.charts import activation_charts
from app.chosen_image import ChosenImage
from app.elements import chart_view
from app.forms import curve_chooser, image_chooser, threshold_slider
from app.frame import failures
from app.frame.pages import PAGES
from app.views.activations import channel, layer_choice
from engine.defenses.pruning.curve import Curve
from engine.store import ModelCard, StoredModel

SORTS = {
    "clean": ("Clean", "clean_mean"),
    "triggered": ("Triggered", "triggered_mean"),
    "difference": ("Difference", "difference"),
    "channel": ("Number", "channel"),
}
CLEAN_SORTS = ("clean", "channel")  # those that need no trigger
MOST_RAISED = 10  # channels that the caption counts
_CHART = "channels"


@dataclass(frozen=True)
class Choice:
    """What the tab shows.

    Attributes:
        layer: its name.
        sort: key of `SORTS`.
        rows: a row a channel, from left to right: see `activation_charts.channel_ranges`.
        convolution: the one whose channels these are; None if there is none.
        curve: its pruning curve, which shades the channels; None if it has not been computed.
        step: how many channels are pruned.
    """

    layer: str
    sort: str
    rows: pd.DataFrame
    convolution: str | None
    curve: Curve | None
    step: int

    @property
    def channel(self) -> int:
        """The channel chosen at present."""
        return int(self.rows["chosen"].iloc[0])

    @property
    def values(self) -> pd.DataFrame:
        """What is measured and known of each channel, to read and to save."""
        without = [] if self.curve is not None else ["rank", "pruned"]
        return self.rows.drop(columns=["place", "chosen", "images", *without])


def choose(model: StoredModel, table: pd.DataFrame, layer: str) -> Choice:
    """The tab's controls.

    Args:
        model: the model in use.
        table: its activations.
        layer: whose channels to show.
    """
    rows = table[table["layer"] == layer].drop(columns="layer")
    knows_trigger = model.card.knows_trigger
    if knows_trigger:
        rows = rows.assign(difference=rows["triggered_mean"] - rows["clean_mean"])
    usual = int(rows.loc[rows["difference" if knows_trigger else "clean_mean"].idxmax(), "channel"])
    with st.container(horizontal=True, vertical_alignment="bottom", key="channel-controls"):
        sort = st.segmented_control(
            "Sort channels by",
            list(SORTS if knows_trigger else CLEAN_SORTS),
            default="clean",
            required=True,
            format_func=lambda key: SORTS[key][0],
            key="sort",
            bind="query-params",
        )
        order = curve_chooser.choose_order(knows_trigger)
        with st.container(width=300):
            threshold_slider.show()
        raised = "the trigger raises most" if knows_trigger else "is most active on clean images"
        chosen = channel.choose(int(rows["channel"].max()) + 1, usual, raised)
    convolution = layer_choice.convolution_of(model, layer)
    curve = None if convolution is None else caches.models.curve(model, convolution, order)
    if curve is not None and len(curve.channels) != len(rows):
        curve = None  # of another network
    step = 0 if curve is None else threshold_slider.chosen_step(model, curve)
    rows = _with_ranks(rows.sort_values(SORTS[sort][1], kind="stable"), curve, step)
    rows = rows.assign(
        place=range(len(rows)), chosen=chosen, images=describe_images(model.card)
    ).reset_index(drop=True)
    return Choice(layer, sort, rows, convolution, curve, step)


def show(model: StoredModel, dataset: str, image: ChosenImage | None, choice: Choice) -> None:
    """The chart and, beside it, the chosen channel."""
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _show_chart(model, choice)
        st.caption(describe(choice))
        if choice.curve is None and choice.convolution is not None:
            PAGES["pruning"].link(f"Compute the pruning curve of {choice.convolution}")
    with right:
        st.markdown(describe_channel(choice))
        with failures.contained():  # the NumPy runtime does not support every network
            if image is not None:
                channel.show_maps(model, image, choice.layer, choice.channel)
            if image_chooser.images_available(dataset):
                channel.show_top_images(model, dataset, choice.layer, choice.channel)
    with st.expander("All values"):
        st.dataframe(choice.values, hide_index=True)


def describe(choice: Choice) -> str:
    """What the chart shows, the finding first."""
    if "difference" not in choice.rows:
        return _describe_clean(choice)
    raised = choice.rows.nlargest(MOST_RAISED, "difference")
    first = raised.iloc[0]
    finding = (
        f"The trigger raises channel **{first['channel']}** most: from {first['clean_mean']:.2f} to"
        f" {first['triggered_mean']:.2f}."
    )
    if choice.curve is not None:
        count = len(raised)
        finding += (
            f" Pruned are {choice.step} of {len(choice.rows)} channels, among them"
            f" **{int(raised['pruned'].sum())} of the {count} that rise most**."
        )
    return (
        f"{finding} Values are means over validation images and positions. Click a channel to look"
        " into it."
    )


def _describe_clean(choice: Choice) -> str:
    first = choice.rows.nlargest(1, "clean_mean").iloc[0]
    pruned = "" if choice.curve is None else f" Pruned are {choice.step} of {len(choice.rows)}."
    return (
        f"Channel **{first['channel']}** is most active on clean images: {first['clean_mean']:.2f}"
        f" on average.{pruned} What a trigger changes here is not known, because no trigger is."
        " Values are means over validation images and positions. Click a channel to look into it."
    )


def describe_channel(choice: Choice) -> str:
    """The chosen channel's means and its place in the pruning order."""
    found = choice.rows[choice.rows["channel"] == choice.channel]
    if found.empty:
        return f"**Channel {choice.channel}**"
    row = found.iloc[0]
    text = f"**Channel {choice.channel}:** mean {row['clean_mean']:.2f} on clean images"
    text += f", {row['triggered_mean']:.2f} on triggered ones." if "triggered_mean" in row else "."
    if choice.curve is None:
        return text
    state = "pruned" if row["pruned"] else "still there"
    return f"{text} Pruning rank {row['rank']} of {len(choice.rows)}: {state} at this threshold."


def describe_images(card: ModelCard) -> str:
    """How many images were measured; empty for a card that does not say it."""
    counts = card.scores.get("validation", {})
    if "clean_images" not in counts or card.knows_trigger != ("triggered_images" in counts):
        return ""
    clean = f"{int(counts['clean_images']):,} clean"
    if not card.knows_trigger:
        return clean
    return f"{clean}, {int(counts['triggered_images']):,} triggered"


def _show_chart(model: StoredModel, choice: Choice) -> None:
    def draw() -> activation_charts.alt.LayerChart:
        return activation_charts.channel_ranges(choice.rows)

    key = (
        *caches.models.version(model),
        choice.layer,
        choice.sort,
        choice.curve is not None,
        "ranges",
    )
    chart_view.show_spec(
        chart_view.with_rows(caches.charts.chart_spec(key, draw), choice.rows),
        draw,
        choice.values,
        _CHART,
        f"Mean activation of the {len(choice.rows)} channels of {choice.layer} on clean"
        f"{' and on triggered' if model.card.knows_trigger else ''} images; {choice.step} are"
        " shaded as pruned.",
        on_select=partial(channel.select_clicked, _CHART),
        selection_mode="clicked",
    )


def _with_ranks(rows: pd.DataFrame, curve: Curve | None, step: int) -> pd.DataFrame:
    """Rows with each channel's rank in the pruning order, from 1, and whether it is pruned."""
    if curve is None:
        return rows.assign(rank=0, pruned=False)
    ranks = {int(number): rank for rank, number in enumerate(curve.channels, 1)}
    rank = rows["channel"].map(ranks).fillna(0).astype(int)
    return rows.assign(rank=rank, pruned=rank.between(1, step))
