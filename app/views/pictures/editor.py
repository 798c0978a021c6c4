"""One picture of the visitor's: the part to classify, and what it shows."""

from __future__ import annotations

import streamlit as st

from app import own_pictures
from app.elements import picture
from app.elements.crop import crop
from app.frame import failures
from app.own_pictures import Crop
from engine.store import ModelCard

UNKNOWN = "I don't know"


def show(identifier: str, card: ModelCard) -> None:
    """The photo with its crop, a preview of what the network sees, and the true class."""
    own = own_pictures.pictures()[identifier]
    photo, seen = st.columns([3, 2])
    with photo:
        crop(
            own.photo,
            own.crop,
            own.name,
            f"crop-{identifier}",
            lambda chosen: own_pictures.change(identifier, chosen, own.class_name),
        )
    with seen:
        size = card.image_shape[0]
        picture.show(own.cropped(size), f"What the network sees: {size} x {size} pixels", 160)
        names = [UNKNOWN, *card.class_names]
        st.selectbox(
            "What does it show?",
            names,
            index=names.index(own.class_name) if own.class_name in names else 0,
            key=_class_key(identifier),
            on_change=_set_class,
            args=(identifier,),
        )
        st.button(
            "Remove",
            key=f"remove-{identifier}",
            icon=":material/delete:",
            type="tertiary",
            on_click=_remove,
            args=(identifier,),
        )


def _class_key(identifier: str) -> str:
    return f"class-of-{identifier}"


@failures.callback
def _set_class(identifier: str) -> None:
    name = st.session_state[_class_key(identifier)]
    own = own_pictures.pictures()[identifier]
    part = Crop(own.crop.left, own.crop.top, own.crop.side)
    own_pictures.change(identifier, part, None if name == UNKNOWN else name)


@failures.callback
def _remove(identifier: str) -> None:
    own_pictures.remove(identifier)
