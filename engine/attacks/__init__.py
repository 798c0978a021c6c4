"""Triggers, poisoning, and the attacks of the literature as named recipes."""
