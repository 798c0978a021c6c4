"""Sharing a model: a folder for a model hub, or for a colleague."""
