"""Parts of the page Pruning."""
