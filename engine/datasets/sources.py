"""The datasets that come with the program, and those of other packages."""

from __future__ import annotations

from engine.core.registry import Registry
from engine.datasets.cifar10 import Cifar10
from engine.datasets.gtsrb import Gtsrb
from engine.datasets.mnist import FashionMnist, Mnist
from engine.datasets.signs import Signs
from engine.datasets.source import Source

SOURCES: Registry[Source] = Registry(
    "dataset",
    "backdoor_lab.datasets",
    Source,
    [Signs(), Gtsrb(), Cifar10(), Mnist(), FashionMnist()],
)
