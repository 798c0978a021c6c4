"""What each command of the command line does, by subject: from its options to its answer.

An answer is what ``--json`` prints; the first line of a command's docstring is its help.
"""

from engine.cli.commands import attacks, data, models, pruning, repairs, reports

__all__ = ["attacks", "data", "models", "pruning", "repairs", "reports"]
