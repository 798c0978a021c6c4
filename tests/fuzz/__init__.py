"""Mutated inputs for every parser: ``python -m tests.fuzz --count N [--seed S] [--only NAME]``."""
