"""Charts of the pages: pure functions from data to Altair charts."""
