"""Triggers, and the ways of poisoning a training set with them."""
