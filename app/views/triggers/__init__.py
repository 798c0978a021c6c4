"""Parts of the page Triggers."""
