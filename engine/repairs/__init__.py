"""Repairs, one file each; adding one means adding it to `REPAIRS`."""

from engine.core.parameters import parse
from engine.repairs.anp import ANP
from engine.repairs.clp import CLP
from engine.repairs.fine_pruning import FinePruning
from engine.repairs.fine_tuning import FineTuning
from engine.repairs.ft_sam import FTSAM
from engine.repairs.global_pruning import GlobalPruning
from engine.repairs.i_bau import IBAU
from engine.repairs.nad import NAD
from engine.repairs.pruning import Pruning
from engine.repairs.repair import Repair, Repaired, TolerantRepair
from engine.repairs.rnp import RNP
from engine.repairs.spectral_unlearning import SpectralUnlearning

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
COMPARED = tuple(name for name, kind in REPAIRS.items() if issubclass(kind, TolerantRepair))
RECOMMENDED = SpectralUnlearning.name


def parse_repair(text: str) -> Repair:
    """The repair that ``NAME[:field=value,...]`` names."""
    return parse(text, REPAIRS, "repair")


__all__ = ["COMPARED", "RECOMMENDED", "REPAIRS", "Pruning", "Repair", "Repaired", "parse_repair"]
