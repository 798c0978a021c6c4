"""A table of GTSRB's that says what its images show."""

from functools import partial

import numpy as np

from engine.datasets.archives import Files
from engine.datasets.gtsrb import Gtsrb
from tests.fixtures.tiny_gtsrb import official_files
from tests.fuzz.mutate import as_table
from tests.fuzz.run import Target

_FILES = official_files(classes=2, tracks=2, frames=2)
_TABLE = "GTSRB/Final_Training/Images/00000/GT-00000.csv"


def _seeds():
    return [_FILES[_TABLE]]


def _parse(content):
    readers = {name: (lambda data=data: data) for name, data in _FILES.items()}
    files = Files(readers | {_TABLE: lambda: content})
    return Gtsrb().read(files, 8, np.random.default_rng(0))


TARGET = Target("dataset-table", _seeds, _parse, partial(as_table, delimiter=";"))
