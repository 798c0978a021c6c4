"""Architectures, one file each; to add one, add it to `ARCHITECTURES` (see docs/extending.md)."""

from engine.core.parameters import parse
from engine.core.registry import Registry
from engine.networks.architectures.architecture import Architecture
from engine.networks.architectures.mobilenet import MobileNet
from engine.networks.architectures.paper import PaperNetwork, paper_network
from engine.networks.architectures.resnet import ResNet
from engine.networks.architectures.vgg import VGG

ARCHITECTURES: Registry[type[Architecture]] = Registry(
    "architecture",
    "backdoor_lab.architectures",
    Architecture,
    [PaperNetwork, ResNet, VGG, MobileNet],
)


def parse_architecture(text: str) -> Architecture:
    """The architecture that ``NAME[:field=value,...]`` names."""
    return parse(text, ARCHITECTURES)


__all__ = [
    "ARCHITECTURES",
    "VGG",
    "Architecture",
    "MobileNet",
    "PaperNetwork",
    "ResNet",
    "paper_network",
    "parse_architecture",
]
