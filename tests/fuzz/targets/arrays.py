"""What a trigger learned, opened by the limited child."""

import tempfile
from functools import partial
from pathlib import Path

import numpy as np

from engine.core import paths
from tests.fuzz import confined
from tests.fuzz.mutate import as_bytes, as_zip
from tests.fuzz.run import Target


def _seeds():
    stored = sorted(paths.SHIPPED_MODELS.glob("*/trigger-*.npz"), key=lambda p: p.stat().st_size)
    return [path.read_bytes() for path in stored[:2]]


def _parse(content):
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder, "own")
        own.mkdir()
        confined.rewrite("arrays", content, own)
        with np.load(own / "arrays.npz", allow_pickle=False) as stored:
            return dict(stored)


TARGET = Target("trigger-arrays", _seeds, _parse, partial(as_zip, members={".npy": as_bytes}))
