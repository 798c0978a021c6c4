"""Parts of the page Spectra."""
