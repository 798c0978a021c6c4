"""Architectures, one file each; to add one, add it to `ARCHITECTURES` (see docs/extending.md)."""

from engine.core.parameters import parse
from engine.core.registry import Registry
from engine.networks.architectures.architecture import Architecture
from engine.networks.architectures.paper import PaperNetwork, paper_network

ARCHITECTURES: Registry[type[Architecture]] = Registry(
    "architecture", "backdoor_lab.architectures", Architecture, [PaperNetwork]
)


def parse_architecture(text: str) -> Architecture:
    """The architecture that ``NAME[:field=value,...]`` names."""
    return parse(text, ARCHITECTURES)


__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "PaperNetwork",
    "paper_network",
    "parse_architecture",
]
