"""The tab where a zip or folder of images becomes a dataset."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.elements.progress_bar import show_progress
from app.frame import failures, read_only
from app.views.data import confirm_view, uploads
from engine.core import markdown
from engine.datasets.findings import Findings, examine

_FOUND = "data-found"


def show() -> None:
    """Show the tab."""
    if read_only.is_explained():
        return
    left, right = st.columns([2, 3], gap="large")
    with left:
        path = _choose()
    with right, failures.contained():
        if path is None:
            _explain()
            return
        confirm_view.show(_examine(path))


def _choose() -> Path | None:
    """Controls for where the images are."""
    file = st.file_uploader(
        f"Zip archive, up to {uploads.MAX_MEGABYTES} MB",
        type=["zip"],
        key="data-upload",
        max_upload_size=uploads.MAX_MEGABYTES,
    )
    typed = st.text_input(
        "Or a folder or zip on this computer",
        key=confirm_view.PATH,
        persist_state="session",
        placeholder="/home/me/images",
        help="For more images than an upload can hold. They are read where they are.",
        disabled=file is not None,
    )
    if file is not None:
        return uploads.keep(file)
    return Path(typed.strip().replace("\0", "")).expanduser() if typed and typed.strip() else None


def _explain() -> None:
    st.markdown(
        "Images of each class are in a folder of their own. If there are folders such as `train`"
        " and `test` above them, they are used as they are; else a fifth of the images, chosen at"
        " random, is for testing."
    )
    st.code(
        "my-images.zip\n  train/\n    cat/   1.jpg  2.jpg\n    dog/   1.jpg  2.jpg\n  test/ ..."
    )
    st.caption(
        "PNG, JPEG, BMP, WebP, PPM and PGM. Instead of folders, a CSV file may list the class of"
        " each image. Everything is checked here first; nothing leaves this computer."
    )


def _examine(path: Path) -> Findings:
    """What is found there; looked through once, until the file changes."""
    changed = path.stat().st_mtime_ns if path.exists() else 0
    key = (str(path), changed)
    known: tuple[tuple[str, int], Findings] | None = st.session_state.get(_FOUND)
    if known is None or known[0] != key:
        with show_progress():
            known = (key, examine(path.resolve()))
        st.session_state[_FOUND] = known
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(markdown.escape(path.name), width="content")
        st.button("Check again", key="check-again", type="tertiary", on_click=_forget)
    return known[1]


@failures.callback
def _forget() -> None:
    st.session_state.pop(_FOUND, None)
