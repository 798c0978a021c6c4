"""Colour spaces, the discrete cosine transform, and arrays as pictures."""
