"""Fitting a network, with presets and checkpoints."""
