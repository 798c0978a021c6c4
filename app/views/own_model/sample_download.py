"""A network and images to try the page with, made when they are asked for."""

from __future__ import annotations

import streamlit as st

from app.elements import job_panel
from engine.core import paths
from engine.experiments.sample_pair import IMAGES, IMAGES_FILE, NETWORK_FILE

_JOB = "sample-pair"


def offer() -> None:
    """Buttons to make both files, and then to download them."""
    folder = paths.cache_folder() / "sample-pair"
    with st.expander("Nothing at hand? Try the sample pair", icon=":material/science:"):
        st.markdown(
            f"A network with a backdoor, and {IMAGES} images of the twelve signs that it tells"
            " apart. Download both, and bring them in as if they were yours."
        )
        if not all((folder / name).exists() for name in (IMAGES_FILE, NETWORK_FILE)):
            job_panel.start_button(
                "Make the sample pair",
                _JOB,
                ["sample-pair", "--out", str(folder)],
                "Takes a few seconds.",
            )
            job_panel.watch(_JOB)
            return
        with st.container(horizontal=True):
            for label, name in (("Images (.zip)", IMAGES_FILE), ("Network (.onnx)", NETWORK_FILE)):
                st.download_button(
                    label,
                    (folder / name).read_bytes,
                    name,
                    key=f"sample-{name}",
                    icon=":material/download:",
                    on_click="ignore",
                )
