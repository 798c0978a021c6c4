"""Parts of the page Repairs."""
