"""Controls that add pictures of one's own: from files, the clipboard, the camera, or samples."""

from __future__ import annotations

import base64
import binascii

import streamlit as st

from app import own_pictures
from app.elements.mounting import element
from app.frame import failures, pages
from engine.core.errors import UserError
from engine.core.read_only import is_read_only
from engine.datasets.decoding import SUFFIXES
from engine.datasets.gtsrb import CLASS_NAMES
from engine.datasets.sample_photos import LABELS, take_photo

_FILES, _CAMERA, _CAMERA_ON, _PASTE = "own-files", "own-camera", "own-camera-on", "own-pasted"
_CHOSEN = "own-chosen"
_MAX_PASTED = 12 << 20  # characters of a data URL
_paste = element("paste")


def offer() -> None:
    """A button that opens the controls; a picture pasted anywhere on the page is taken as well."""
    if not is_read_only():
        _paste(data={}, key=_PASTE, on_pasted_change=_take_pasted)
    with st.popover("Your picture", icon=":material/add_photo_alternate:", key="own-picture"):
        add()
        pages.PAGES["pictures"].link("Crop them, and see all predictions")


def add() -> None:
    """The controls themselves; the samples alone in read-only mode."""
    if is_read_only():
        _offer_samples()
        return
    st.file_uploader(
        f"One picture or up to {own_pictures.MAX_PICTURES}",
        type=[suffix.removeprefix(".") for suffix in SUFFIXES],
        accept_multiple_files=True,
        key=_FILES,
        on_change=_take_files,
        help="They stay in this session, on this computer; nothing is stored or sent elsewhere.",
    )
    st.caption("Or paste one anywhere on the page (Ctrl+V).")
    with st.container(horizontal=True, vertical_alignment="center"):
        _offer_samples()
        camera = st.toggle("Camera", key=_CAMERA_ON)
    if camera:
        st.camera_input("Take a photo", key=_CAMERA, on_change=_take_photo)


def _offer_samples() -> None:
    st.button("Take ten sample signs", key="own-samples", on_click=_take_samples)


def choose_in_use() -> str:
    """A control for the picture that every page shows: its identifier. There must be one."""
    pictures = own_pictures.pictures()
    if own_pictures.in_use() is None:
        own_pictures.use(next(iter(pictures)))
    st.session_state[_CHOSEN] = own_pictures.in_use()
    chosen: str = st.selectbox(
        "Picture shown on every page",
        list(pictures),
        format_func=lambda key: pictures[key].name,
        key=_CHOSEN,
        on_change=_use_chosen,
    )
    return chosen


@failures.callback
def _use_chosen() -> None:
    own_pictures.use(st.session_state[_CHOSEN])


@failures.callback
def _take_files() -> None:
    files = st.session_state.get(_FILES) or []
    problems = []
    for file in files[-own_pictures.MAX_PICTURES :]:
        try:
            own_pictures.use(own_pictures.add(file.getvalue(), file.name))
        except UserError as error:
            problems.append(str(error))
    if problems:
        raise UserError(" ".join(problems))


@failures.callback
def _take_photo() -> None:
    taken = st.session_state.get(_CAMERA)
    if taken is not None:
        own_pictures.use(own_pictures.add(taken.getvalue(), "Photo"))


@failures.callback
def _take_pasted() -> None:
    pasted = st.session_state[_PASTE].get("pasted")
    # A browser may send anything.
    if not isinstance(pasted, str) or len(pasted) > _MAX_PASTED or "," not in pasted:
        raise UserError("The pasted picture cannot be used: save it as a file and upload that.")
    try:
        data = base64.b64decode(pasted.partition(",")[2], validate=True)
    except binascii.Error as error:
        raise UserError("The pasted picture is damaged: copy it again.") from error
    own_pictures.use(own_pictures.add(data, "Pasted picture"))


@failures.callback
def _take_samples() -> None:
    for label in LABELS:
        name, sample = CLASS_NAMES[label], take_photo(label)
        crop = own_pictures.Crop(sample.left, sample.top, sample.side)
        own_pictures.keep(f"sample-{label}", f"Sample: {name}", sample.picture, crop, name)
    own_pictures.use(f"sample-{LABELS[3]}")
