"""Detectors, one file each; to add one, add it to `DETECTORS` (see docs/extending.md)."""

from engine.core.parameters import parse
from engine.core.registry import Registry
from engine.defenses.detectors.detector import Detection, Detector
from engine.defenses.detectors.mm_bd import MMBD
from engine.defenses.detectors.trigger_inversion import TriggerInversion
from engine.defenses.detectors.weight_outliers import WeightOutliers

DETECTORS: Registry[type[Detector]] = Registry(
    "detector",
    "backdoor_lab.detectors",
    Detector,
    [TriggerInversion, MMBD, WeightOutliers],
)


def parse_detector(text: str) -> Detector:
    """The detector that ``NAME[:field=value,...]`` names."""
    return parse(text, DETECTORS)


__all__ = [
    "DETECTORS",
    "MMBD",
    "Detection",
    "Detector",
    "TriggerInversion",
    "WeightOutliers",
    "parse_detector",
]
