"""The tab with all datasets: one is chosen, looked at, fetched or removed."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import caches
from app.elements.progress_bar import show_progress
from app.forms import image_chooser
from app.frame import failures
from app.frame.pages import PAGES
from app.views.data import class_samples
from app.views.train.training_form import name_dataset
from engine import store
from engine.core import markdown
from engine.core.errors import UserError
from engine.core.read_only import is_read_only
from engine.datasets import (
    SOURCES,
    SPLITS,
    Dataset,
    SplitName,
    available,
    default_size,
    find_cached,
    is_test_cached,
    load_dataset,
    own,
    source,
)
from engine.datasets.source import TestFirst

DATASET = "shown-dataset"
ADDED = "dataset-added"  # its name, until the page has said so
_SPLIT_NAMES: dict[SplitName, str] = {
    "train": "for training",
    "validation": "for validation",
    "test": "for testing",
}


def show() -> None:
    """Show the tab."""
    names = [*own.names(), *SOURCES]
    if st.session_state.get(DATASET) not in names:  # removed, or from a link
        st.session_state.pop(DATASET, None)
    left, right = st.columns([1, 3], gap="large")
    with left:
        name = st.radio(
            "Dataset",
            names,
            format_func=_label,
            captions=[_state(each) for each in names],
            key=DATASET,
            bind="query-params",
        )
        st.caption("Images of your own are added in the other tab.")
    with right, failures.contained():
        _say_added(name)
        _show_dataset(name)


def _label(name: str) -> str:
    return markdown.escape(name_dataset(name))


def _state(name: str) -> str:
    """Whether it can be used, in a few words."""
    if available(name):
        return "drawn by the program" if name == "signs" else "on this computer"
    return "not on this computer" if name in SOURCES else "cannot be used"


def _say_added(name: str) -> None:
    if st.session_state.get(ADDED) != name:
        return
    del st.session_state[ADDED]
    st.success(
        f"{markdown.escape(name)} was added. It can be chosen wherever a dataset is.",
        icon=":material/check_circle:",
    )


def _show_dataset(name: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(_label(name), width="content")
        _link_on(name)
    if not available(name):
        image_chooser.offer_download(name)
        return
    if _is_drawn_in_parts(name) and not is_test_cached(name):
        names = source(name).class_names
        st.markdown(f"{len(names)} classes · {default_size(name)} x {default_size(name)} pixels")
        if not st.button("Draw some images", help="Takes a few seconds, once."):
            return
    dataset = _load(name)
    _show_numbers(name, dataset)
    _show_left_out(name)
    class_samples.show(name, _class_names(name, dataset))


def _is_drawn_in_parts(name: str) -> bool:
    """Whether the test images can be had, and named, without drawing all the others."""
    kind = source(name)
    return isinstance(kind, TestFirst) and bool(kind.class_names)


def _load(name: str) -> Dataset | None:
    """All splits; None if they would have to be drawn first."""
    if _is_drawn_in_parts(name):
        return find_cached(name)
    with show_progress():
        return load_dataset(name)


def _class_names(name: str, dataset: Dataset | None) -> tuple[str, ...]:
    return dataset.class_names if dataset else source(name).class_names


def _show_numbers(name: str, dataset: Dataset | None) -> None:
    size = default_size(name)
    names = _class_names(name, dataset)
    facts = [f"{len(names)} classes", f"{size} x {size} pixels"]
    if dataset is None:
        facts.append(f"{len(caches.dataset_images.test_images(name, size)):,} test images")
    else:
        facts += [f"{len(dataset.split(split)):,} {_SPLIT_NAMES[split]}" for split in SPLITS]
    st.markdown(" · ".join(facts))
    if dataset is None:
        st.caption("The training images are drawn when a training first needs them.")
        return
    with st.expander("Images of each class", icon=":material/table_rows:"):
        titles: dict[str, str] = {"_index": "Number", "class": "Class"}
        titles |= {split: _SPLIT_NAMES[split].capitalize() for split in SPLITS}
        st.dataframe(pd.DataFrame(dataset.per_class()), column_config=titles)


def _show_left_out(name: str) -> None:
    if name in SOURCES:
        return
    about = own.Own(name)
    lines = [markdown.escape(line) for line in about.description.left_out]
    with st.expander("Where they are, and what is not used", icon=":material/folder_open:"):
        st.markdown(f"The images are in {markdown.code(str(about.place))}.")
        st.markdown(
            "\n".join(["Not used:", "", *(f"- {line}" for line in lines)])
            if lines
            else "Every file is used."
        )


def _link_on(name: str) -> None:
    """Links to what can be done with a dataset, and the button that removes one's own."""
    if available(name):
        PAGES["train"].link("Train a network on it")
        PAGES["own_model"].link("Check your own model with it")
    if name not in SOURCES and not is_read_only():
        _offer_removal(name)


def _offer_removal(name: str) -> None:
    with st.popover("Remove", icon=":material/delete:", type="tertiary"):
        st.markdown(_say_what_goes(name))
        st.button(
            f"Remove {markdown.escape(name)}",
            key=f"remove-{name}",
            type="primary",
            on_click=_remove,
            args=(name,),
        )


def _say_what_goes(name: str) -> str:
    try:
        copied = own.Own(name).place.name == own.COPY
    except UserError:
        copied = False
    what = "The copy of the zip that you uploaded is deleted." if copied else "Your images stay."
    using = [model.name for model in store.readable_models() if model.card.dataset == name]
    if using:
        models = ", ".join(map(markdown.code, using[:5]))
        what += f" Models trained on it stay as well, but without images to show: {models}."
    return what


@failures.callback
def _remove(name: str) -> None:
    own.remove(name)
    caches.forget_all()
    st.session_state.pop(DATASET, None)
