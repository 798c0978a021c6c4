"""Architectures, running a network, its channels and edits, and opening untrusted files."""
