"""Repairs, one file each; to add one, add it to `REPAIRS` (see docs/extending.md)."""

from engine.core.parameters import parse
from engine.core.registry import Registry
from engine.defenses.repairs.activation_caps import ActivationCaps
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
from engine.defenses.repairs.trigger_unlearning import TriggerUnlearning

REPAIRS: Registry[type[Repair]] = Registry(
    "repair",
    "backdoor_lab.repairs",
    Repair,
    [
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
        ActivationCaps,
        TriggerUnlearning,
    ],
)
RECOMMENDED = TriggerUnlearning.name


def compared_repairs() -> tuple[str, ...]:
    """Names of the repairs that are compared at the same budget.

    The paper's pruning is not among them: it is shown at its own thresholds, from the curve.
    """
    return tuple(name for name, kind in REPAIRS.items() if issubclass(kind, BudgetedRepair))


def parse_repair(text: str) -> Repair:
    """The repair that ``NAME[:field=value,...]`` names."""
    return parse(text, REPAIRS)


__all__ = [
    "RECOMMENDED",
    "REPAIRS",
    "Pruning",
    "Repair",
    "Repaired",
    "compared_repairs",
    "parse_repair",
]
