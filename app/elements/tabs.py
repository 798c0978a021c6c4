"""Tabs of which only the open one is drawn; the address says which."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st


def show(bodies: Mapping[str, Callable[[], None]], key: str) -> None:
    """Show tabs.

    Args:
        bodies: label of each tab -> what draws its content.
        key: of the element, and the name of the setting in the address.
    """
    tabs = st.tabs(list(bodies), key=key, bind="query-params")
    for tab, draw in zip(tabs, bodies.values(), strict=True):
        if tab.open:
            with tab:
                draw()
