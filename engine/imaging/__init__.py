"""Colour spaces, the discrete cosine transform, arrays as pictures."""
