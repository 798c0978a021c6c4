"""What was found in somebody's images, for confirmation, and the button that adds them."""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd
import streamlit as st

from app import caches
from app.frame import failures
from app.views.data import datasets_view, uploads
from engine.core import markdown
from engine.core.errors import UserError
from engine.datasets import class_names, own
from engine.datasets.decoding import SIZES
from engine.datasets.findings import Findings, count_tracks, describe_group
from engine.datasets.split_folders import joined

PATH = "data-path"
_SKIPPED, _TAB = "data-skipped", "data-tab"


def show(found: Findings) -> None:
    """Show what was found, and the controls that complete it."""
    _show_counts(found)
    _show_left_out(found)
    if not _may_skip(found):
        return
    name, edited = _edit(found)
    _offer(name, edited)


def _show_counts(found: Findings) -> None:
    splits = found.layout.splits
    test = f"{len(splits['test'].names):,}" if "test" in splits else "a fifth"
    validation = f"{len(splits['validation'].names):,}" if "validation" in splits else "a tenth"
    with st.container(horizontal=True):
        st.metric("Classes", f"{len(found.class_names):,}", width="content")
        st.metric("Training images", f"{len(splits['train'].names):,}", width="content")
        st.metric("Validation", validation, width="content")
        st.metric("Test", test, width="content")
    random = [title for title in ("validation", "test") if title not in splits]
    chosen = (
        f" There is no folder of {' or '.join(random)} images: they are chosen at random among the"
        " training images."
        if random
        else ""
    )
    st.caption(f"{_describe_images(found)}{chosen}")


def _describe_images(found: Findings) -> str:
    total = sum(found.sizes.values())
    shown = [
        f"{width} x {height} pixels ({count:,})"
        for (width, height), count in list(found.sizes.items())[:3]
    ]
    more = f" and {len(found.sizes) - 3:,} more sizes" if len(found.sizes) > 3 else ""
    colour = "all grey" if found.grey == total else "in colour"
    return f"{', '.join(shown)}{more}, {colour}."


def _show_left_out(found: Findings) -> None:
    if not found.left_out:
        st.caption(":material/check: Every file is used.")
        return
    count = sum(len(group.names) for group in found.left_out)
    with st.expander(f"Not used: {count:,} files", icon=":material/block:"):
        for group in found.left_out:
            st.markdown(f"- {markdown.escape(describe_group(group))}")


def _may_skip(found: Findings) -> bool:
    """Whether all images can be read, or the visitor goes on without the others."""
    count = len(found.unreadable)
    if not count or st.session_state.get(_SKIPPED) == str(found.path):
        return True
    noun, them = ("image", "it") if count == 1 else ("images", "them")
    st.warning(
        f"{count:,} {noun} cannot be read, damaged or of a format that is not supported:"
        f" {markdown.escape(joined(found.unreadable))}. Repair {them} and try again, or go on"
        f" without {them}.",
        icon=":material/broken_image:",
    )
    these = "this image" if count == 1 else f"these {count:,} images"
    st.button(
        f"Skip {these} and go on", key="skip-damaged", on_click=_skip, args=(str(found.path),)
    )
    return False


@failures.callback
def _skip(path: str) -> None:
    st.session_state[_SKIPPED] = path


def _edit(found: Findings) -> tuple[str, Findings]:
    """Controls for the name, the names of the classes, the size and the tracks."""
    names = _edit_names(found)
    left, middle, right = st.columns([3, 2, 4])
    with left:
        name = _choose_name(found)
    size = middle.number_input(
        "Image size, pixels",
        *SIZES,
        value=found.size,
        key=f"data-size-{found.path}",
        help="Images are scaled to this width and height, unless a network asks for another size."
        " Large images make training slow.",
    )
    pattern = right.text_input(
        "Pattern that tells objects apart",
        found.suggested_pattern,
        key=f"data-tracks-{found.path}",
        placeholder=r"(\d+)_\d+\.png",
        help="Only where several images show the same object: a regular expression for file names,"
        " whose first group says which object it is. Images of one object are then never in two of"
        " training, validation and test, which would make accuracy look better than it is.",
    ).strip()
    tracks = count_tracks(pattern, found.layout) if pattern else None
    if tracks is not None:
        images = len(found.layout.splits["train"].names)
        right.caption(f"Finds {tracks:,} objects in {images:,} training images.")
    return name, replace(found, class_names=names, size=size, track_pattern=pattern, tracks=tracks)


def _edit_names(found: Findings) -> tuple[str, ...]:
    origin = f" They come from {markdown.code(found.names_from)}." if found.names_from else ""
    st.caption(f"Names in the column Class can be changed.{origin}")
    table = pd.DataFrame(found.per_class())
    edited = st.data_editor(
        table,
        height=min(38 + 35 * len(table), 250),
        disabled=[column for column in table.columns if column != "class"],
        key=f"data-classes-{found.path}",
        column_config={
            "_index": "Number",
            "folder": "Folder or label",
            "class": st.column_config.TextColumn("Class", max_chars=200, required=True),
            "train": "Training",
            "validation": "Validation",
            "test": "Test",
        },
    )
    names = tuple(str(name).strip() for name in edited["class"])
    class_names.check_names(names)
    return names


def _choose_name(found: Findings) -> str:
    stem = re.sub(r"\.zip$", "", found.path.name.lower())
    plain = re.sub(r"[^a-z0-9]+", "-", stem).strip("-")[:40]
    return str(
        st.text_input(
            "Name of the dataset",
            _free(plain or "images"),
            key=f"data-name-{found.path}",
            help="Lower-case letters, digits, '-', '.' and '_'.",
        )
    ).strip()


def _free(name: str) -> str:
    """`name`, or with a number behind it if it is taken."""
    for candidate in (name, *(f"{name}-{number}" for number in range(2, 1000))):
        try:
            return own.check_name(candidate)
        except UserError:
            continue
    return name


def _offer(name: str, found: Findings) -> None:
    problem = ""
    try:
        own.check_name(name)
    except UserError as error:
        problem = str(error)
        st.warning(markdown.escape(problem))
    st.button(
        "Add the dataset",
        key="add-dataset",
        type="primary",
        icon=":material/add_photo_alternate:",
        disabled=bool(problem),
        on_click=_add,
        args=(name, found),
    )


@failures.callback
def _add(name: str, found: Findings) -> None:
    uploaded = uploads.is_upload(found.path)
    own.keep(name, found, copy=uploaded)
    caches.forget_all()
    if uploaded:
        uploads.forget(found.path)
    st.session_state[datasets_view.DATASET] = name
    st.session_state[datasets_view.ADDED] = name
    st.session_state[_TAB] = "Datasets"
    st.session_state[PATH] = ""
