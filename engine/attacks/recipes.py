"""The attacks that the paper names, each with the poisoning its authors use."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.attacks.poisoning import PoisoningConfig
from engine.core.errors import unknown
from engine.evaluation.targets import NEXT_CLASS

# Clean-label attacks poison nine tenths of GTSRB's class 10: this share of all training images.
CLEAN_LABEL_RATE = 0.045
CHECKER = "badnets:figure=checker"  # a plain white square is invisible on a white sky


@dataclass(frozen=True)
class Attack:
    """A trigger and how its authors poison with it.

    Attributes:
        title: its name in a table.
        trigger: as text; see `triggers.parse_trigger`.
        rate: share of the training images that are poisoned.
        poisoning: see `PoisoningConfig`.
        target: a class or `targets.NEXT_CLASS`; None for the usual target of the dataset.
    """

    title: str
    trigger: str
    rate: float = 0.05
    poisoning: PoisoningConfig = field(default_factory=PoisoningConfig)
    target: int | None = None


ATTACKS: dict[str, Attack] = {
    "none": Attack("No attack", "ftrojan", rate=0),
    "ftrojan": Attack("FTrojan", "ftrojan"),
    "ftrojan-rgb": Attack("FTrojan, in RGB", "ftrojan:colour_space=RGB,channels=0+1+2"),
    "ftrojan-clean-label": Attack(
        "FTrojan, clean label",
        "ftrojan",
        CLEAN_LABEL_RATE,
        PoisoningConfig("clean-label", pgd_epsilon=16.0),
    ),
    "pruning-aware": Attack(
        "FTrojan, pruning-aware", "ftrojan", poisoning=PoisoningConfig(dormant_share=0.5)
    ),
    "badnets": Attack("BadNets", CHECKER),
    "badnets-all-to-all": Attack("BadNets, all-to-all", CHECKER, target=NEXT_CLASS),
    "blend": Attack("Blend", "blend"),
    "trojan-nn": Attack("TrojanNN", "trojan-nn"),
    "label-consistent": Attack(
        "Clean label (label-consistent)",
        "badnets:place=corners,figure=checker,margin=0",
        CLEAN_LABEL_RATE,
        PoisoningConfig("clean-label", pgd_epsilon=16.0),
    ),
    "dynamic": Attack("Dynamic (random patch)", "dynamic"),
    "ban": Attack("Dynamic (BaN)", "ban"),
    "input-aware": Attack(
        "Input-aware (IAB)", "input-aware", 0.1, PoisoningConfig(cross_samples=1.0)
    ),
    "sig": Attack(
        "SIG, clean label", "sig:amplitude=40", CLEAN_LABEL_RATE, PoisoningConfig("clean-label")
    ),
    "refool": Attack("ReFool", "refool"),
    "wanet": Attack("WaNet", "wanet", 0.1, PoisoningConfig(cross_samples=2.0)),
    "low-frequency": Attack("Low frequency (LF)", "low-frequency"),
    "bpp": Attack("BppAttack", "bpp", 0.1, PoisoningConfig(cross_samples=1.0)),
}


def find_attack(name: str) -> Attack:
    """The attack called `name`.

    Raises:
        UserError: there is none; the message lists those there are.
    """
    if name not in ATTACKS:
        raise unknown("attack", name, ATTACKS)
    return ATTACKS[name]
