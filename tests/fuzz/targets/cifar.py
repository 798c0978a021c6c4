"""A pickled batch of CIFAR-10."""

import pickle

import numpy as np

from engine.datasets.archives import Files
from engine.datasets.cifar10 import Cifar10
from tests.fixtures.tiny_cifar10 import python_files
from tests.fuzz.mutate import as_bytes
from tests.fuzz.run import Target

_FILES = python_files()


def _seeds():
    genuine = _FILES["data_batch_1"]
    batch = pickle.loads(genuine)
    named = {"filenames": [b"a.png"] * 20, **batch}
    return [genuine, pickle.dumps(named, protocol=4), pickle.dumps(batch, protocol=0)]


def _parse(content):
    readers = {name: (lambda data=data: data) for name, data in _FILES.items()}
    files = Files(readers | {"data_batch_1": lambda: content})
    return Cifar10().read(files, 8, np.random.default_rng(0))


TARGET = Target("cifar-pickle", _seeds, _parse, as_bytes)
