"""The parts of each page, in a folder per page."""
