"""Trigger inversion: the smallest pattern that leads to a class, one file for each family."""

from engine.defenses.inversion.blend import Blend
from engine.defenses.inversion.family import Family
from engine.defenses.inversion.patch import Patch
from engine.defenses.inversion.recovered_trigger import RecoveredTrigger
from engine.defenses.inversion.spectral import Spectral
from engine.defenses.inversion.stripes import HorizontalStripes, VerticalStripes
from engine.defenses.inversion.warp import Warp

FAMILIES: dict[str, type[Family]] = {
    kind.name: kind for kind in (Blend, Patch, Spectral, VerticalStripes, HorizontalStripes, Warp)
}

__all__ = ["FAMILIES", "Family", "RecoveredTrigger"]
