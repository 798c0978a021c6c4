"""Activations, pruning, detectors and repairs."""
