"""What each network takes the images of each class for, and the images behind a cell."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from app import caches
from app.charts import compare_charts
from app.elements import chart_view, job_panel, picture
from app.forms import image_chooser
from app.frame import failures
from app.views.compare.network_choice import Network
from engine.core import jobs, markdown
from engine.store import StoredModel

KINDS = {"clean": "Clean images", "triggered": "Triggered images"}
MAX_IMAGES = 12
_IMAGES = "confusion-images"  # key of the control
_CELL = "confusion-cell"  # the cell clicked on: place of the network, label, predicted


def show(model: StoredModel, dataset: str, both: tuple[Network, Network]) -> None:
    """Both confusion matrices; a click on a cell shows its images.

    Args:
        model: the model in use.
        dataset: whose images are shown; other datasets have no predictions.
        both: the networks.
    """
    kind = _choose_kind(both)
    tables = {}
    for place, (column, network) in enumerate(zip(st.columns(2), both, strict=True)):
        with column:
            table = _find_predictions(network)
            if table is not None and kind not in table:
                st.info("No trigger is known for this network: look at clean images.")
            elif table is not None:
                tables[place] = table
                _show_matrix(network, table, kind, place)
    _show_images(model, dataset, both, tables, kind)


def _choose_kind(both: tuple[Network, Network]) -> str:
    """A control for the clean or the triggered images, where one network knows a trigger."""
    offered = list(KINDS)
    if not any(network.stored.card.knows_trigger for network in both):
        offered = offered[:1]
    if st.session_state.get(_IMAGES) not in (None, *offered):
        del st.session_state[_IMAGES]  # chosen for networks whose triggers are known
    chosen: str = st.segmented_control(
        "Images",
        offered,
        default=offered[-1],
        required=True,
        format_func=KINDS.__getitem__,
        key=_IMAGES,
        bind="query-params",
    )
    return chosen


def _find_predictions(network: Network) -> pd.DataFrame | None:
    """The network's predictions for all test images, or None with a way to get them."""
    if not network.listed:
        st.info("Save this network as a model first: only then can all test images be classified.")
        return None
    table = caches.models.table(network.stored, "predictions")
    if table is not None:
        return table
    name = network.stored.name
    st.info("The test images have not been classified with this network yet.")
    if image_chooser.images_available(network.stored.card.dataset):
        job_panel.start_button(
            "Classify all test images",
            jobs.name_of("predict", name),
            ["predict", name],
            "Runs the network once over all test images"
            f"{', clean and triggered' if network.stored.card.knows_trigger else ''}.",
        )
        job_panel.watch(jobs.name_of("predict", name))
    else:
        image_chooser.offer_download(network.stored.card.dataset)
    return None


def _show_matrix(network: Network, table: pd.DataFrame, kind: str, place: int) -> None:
    cells = count(table, kind, network.stored.card.class_names)
    key = f"confusion-{place}"
    share = 100 * float((table[kind] == table["label"]).mean())
    st.markdown(
        f"**{markdown.escape(network.title)}:** {share:.1f} % classified correctly (the diagonal)."
    )
    chart_view.show(
        compare_charts.confusion_matrix(cells, len(network.stored.card.class_names)),
        cells,
        key,
        f"True class against predicted class, {KINDS[kind].lower()}, {network.title}.",
        on_select=partial(_choose_cell, key, place),
        selection_mode="clicked",
    )


def count(table: pd.DataFrame, kind: str, class_names: tuple[str, ...]) -> pd.DataFrame:
    """The cells of the confusion matrix that hold an image.

    Args:
        table: see `analyze.predict_test`.
        kind: "clean" or "triggered".
        class_names: of all classes.

    Returns:
        Rows with label, predicted, images, and the names of both classes.
    """
    cells = table.groupby(["label", kind]).size().reset_index(name="images")
    cells = cells.rename(columns={kind: "predicted"})
    names = dict(enumerate(class_names))
    return cells.assign(
        name=cells["label"].map(names), predicted_name=cells["predicted"].map(names)
    )


@failures.callback
def _choose_cell(key: str, place: int) -> None:
    clicked = st.session_state[key].selection.get("clicked", [])
    if not clicked:
        return
    cell = (clicked[0].get("label"), clicked[0].get("predicted"))
    if all(isinstance(number, int) for number in cell):
        st.session_state[_CELL] = (place, *cell)


def _show_images(
    model: StoredModel,
    dataset: str,
    both: tuple[Network, Network],
    tables: dict[int, pd.DataFrame],
    kind: str,
) -> None:
    """The first images of the cell clicked on."""
    place, label, predicted = st.session_state.get(_CELL, (None, None, None))
    if place not in tables or dataset != both[place].stored.card.dataset:
        if tables:
            st.caption("Click a cell to see its images.")
        return
    card = both[place].stored.card
    table = tables[place]
    found = table[(table["label"] == label) & (table[kind] == predicted)]["image"]
    names = dict(enumerate(card.class_names))
    st.markdown(
        f"**{len(found)} images of {markdown.escape(names.get(label, '?'))} are taken for"
        f" {markdown.escape(names.get(predicted, '?'))}**"
        + (f"; the first {MAX_IMAGES}:" if len(found) > MAX_IMAGES else ":")
    )
    with st.container(horizontal=True):
        for index in found.head(MAX_IMAGES):
            image = caches.shown_images.test_image(model.card, dataset, int(index))
            shown = (
                image.clean
                if kind == "clean"
                else caches.shown_images.triggered(image, card.trigger)
            )
            with st.container(width=84):
                picture.show(shown, f"No. {index}", 84)
