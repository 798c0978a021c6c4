"""Elements made of a script and a style sheet in this folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

HERE = Path(__file__).parent


def element(name: str) -> Callable[..., Any]:
    """The element made of NAME.js and NAME.css in this folder.

    The script builds its parts under `parentElement`, and sets text as text, never as HTML.
    """
    return st.components.v2.component(
        name,
        html="<div class='root'></div>\n",
        css=(HERE / f"{name}.css").read_text(encoding="utf-8"),
        js=(HERE / f"{name}.js").read_text(encoding="utf-8"),
    )
