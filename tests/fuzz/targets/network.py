"""A network's archive, opened by the limited child alone; then used as the server uses it."""

import tempfile
from functools import partial
from pathlib import Path

from engine.core import paths
from engine.networks import numpy_inference
from engine.networks.untrusted.parts import read_rewritten
from tests.fuzz import confined
from tests.fuzz.mutate import as_hdf5, as_json, as_zip
from tests.fuzz.run import Target

_MEMBERS = {"config.json": as_json, "metadata.json": as_json, ".h5": as_hdf5}


def _seeds():
    return [(paths.SHIPPED_MODELS / "signs-clean" / "model.keras").read_bytes()]


def _parse(content):
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder, "own")
        own.mkdir()
        confined.rewrite("parts", content, own)
        parts = read_rewritten(own)
    return parts.convolutions(), parts.input_shape(), numpy_inference.load(parts)


TARGET = Target("network", _seeds, _parse, partial(as_zip, members=_MEMBERS))
