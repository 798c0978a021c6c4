"""Parts of the page Activations."""
