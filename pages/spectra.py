"""The discrete cosine transform of Y, U and V: clean, triggered, difference."""

from app.frame import header
from app.views.spectra import spectra_tabs

spectra_tabs.show(header.model_in_use(), header.dataset_in_use())
