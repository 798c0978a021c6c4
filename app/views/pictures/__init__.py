"""Parts of the page Your pictures."""
