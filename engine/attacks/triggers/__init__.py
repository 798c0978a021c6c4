"""Triggers, one file each; to add one, add it to `TRIGGERS` (see docs/extending.md)."""

from engine.attacks.triggers.additive import AdditiveTrigger
from engine.attacks.triggers.badnets import BadNets
from engine.attacks.triggers.ban import BaN
from engine.attacks.triggers.blend import Blend
from engine.attacks.triggers.bpp import BppAttack
from engine.attacks.triggers.dynamic import Dynamic
from engine.attacks.triggers.ftrojan import FTrojan
from engine.attacks.triggers.input_aware import InputAware
from engine.attacks.triggers.learned import LearnedTrigger
from engine.attacks.triggers.low_frequency import LowFrequency
from engine.attacks.triggers.refool import ReFool
from engine.attacks.triggers.sig import SIG
from engine.attacks.triggers.trigger import CrossSampledTrigger, Trigger
from engine.attacks.triggers.trojan_nn import TrojanNN
from engine.attacks.triggers.wanet import WaNet
from engine.core.parameters import parse
from engine.core.registry import Registry

TRIGGERS: Registry[type[Trigger]] = Registry(
    "trigger",
    "backdoor_lab.triggers",
    Trigger,
    [
        *(FTrojan, BadNets, Blend, SIG, WaNet, LowFrequency, BppAttack),
        *(ReFool, TrojanNN, Dynamic, BaN, InputAware),
    ],
)


def parse_trigger(text: str) -> Trigger:
    """The trigger that ``NAME[:field=value,...]`` names."""
    return parse(text, TRIGGERS)


__all__ = [
    "TRIGGERS",
    "AdditiveTrigger",
    "CrossSampledTrigger",
    "FTrojan",
    "LearnedTrigger",
    "Trigger",
    "parse_trigger",
]
