"""Repairs, one file each; adding one means adding it to `REPAIRS`."""

from engine.parameters import parse
from engine.repairs.pruning import Pruning
from engine.repairs.repair import Repair, Repaired

REPAIRS: dict[str, type[Repair]] = {kind.name: kind for kind in (Pruning,)}


def parse_repair(text: str) -> Repair:
    """The repair that ``NAME[:field=value,...]`` names."""
    return parse(text, REPAIRS, "repair")


__all__ = ["REPAIRS", "Pruning", "Repair", "Repaired", "parse_repair"]
