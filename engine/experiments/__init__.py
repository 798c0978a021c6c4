"""Whole experiments: train, import, analyze, repair, and compare many models."""
