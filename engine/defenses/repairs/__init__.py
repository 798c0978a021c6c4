"""Repairs, one file each; adding one means adding it to `REPAIRS`."""

from engine.core.parameters import parse
from engine.defenses.repairs.anp import ANP
from engine.defenses.repairs.clp import CLP
from engine.defenses.repairs.fine_pruning import FinePruning
from engine.defenses.repairs.fine_tuning import FineTuning
from engine.defenses.repairs.ft_sam import FTSAM
from engine.defenses.repairs.global_pruning import GlobalPruning
from engine.defenses.repairs.i_bau import IBAU
from engine.defenses.repairs.nad import NAD
from engine.defenses.repairs.pruning import Pruning
from engine.defenses.repairs.repair import BudgetedRepair, Repair, Repaired
from engine.defenses.repairs.rnp import RNP
from engine.defenses.repairs.spectral_unlearning import SpectralUnlearning

REPAIRS: dict[str, type[Repair]] = {
    kind.name: kind
    for kind in (
        Pruning,
        GlobalPruning,
        FineTuning,
        FinePruning,
        CLP,
        ANP,
        RNP,
        FTSAM,
        NAD,
        IBAU,
        SpectralUnlearning,
    )
}
# The paper's pruning stands beside them at its own thresholds, from the curve.
COMPARED = tuple(name for name, kind in REPAIRS.items() if issubclass(kind, BudgetedRepair))
RECOMMENDED = SpectralUnlearning.name


def parse_repair(text: str) -> Repair:
    """The repair that ``NAME[:field=value,...]`` names."""
    return parse(text, REPAIRS, "repair")


__all__ = ["COMPARED", "RECOMMENDED", "REPAIRS", "Pruning", "Repair", "Repaired", "parse_repair"]
