"""Figures 5 and 6: mean activations of every channel on clean and triggered images."""

from app.frame import header
from app.views.activations import activations_tabs

activations_tabs.show(header.model_in_use(), header.dataset_in_use())
