"""Parts of the page Detect."""
