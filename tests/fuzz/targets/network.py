"""A network's file in each format, through all checks that the limited child makes of it."""

import io
import json
import tempfile
import zipfile
from pathlib import Path

import h5py

from engine.core import paths
from tests.fixtures import network_files
from tests.fuzz import confined
from tests.fuzz.mutate import as_bytes, as_hdf5, as_json, as_zip, packed
from tests.fuzz.run import Target

_MEMBERS = {"config.json": as_json, "metadata.json": as_json, ".h5": as_hdf5, "data.pb": as_bytes}


def _seeds():
    shipped = (paths.SHIPPED_MODELS / "signs-clean" / "model.keras").read_bytes()
    with zipfile.ZipFile(io.BytesIO(shipped)) as archive:
        described = json.loads(archive.read("config.json"))
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["model_config"] = json.dumps(described)
        file.create_group("model_weights")["kernel"] = [1.0, 2.0]
    metadata = network_files.saved_metadata({"root": described})
    checkpoint = dict.fromkeys(network_files.CHECKPOINT, b"")
    saved_model = packed({"saved_model.pb": b"", "keras_metadata.pb": metadata} | checkpoint)
    return [shipped, buffer.getvalue(), saved_model]


def _mutated(rng, seeds):
    seed = rng.choice(seeds)
    if seed.startswith(b"PK"):
        return as_zip(rng, [seed], _MEMBERS)
    return as_hdf5(rng, [seed])


def _parse(content):
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder, "own")
        own.mkdir()
        confined.rewrite("network", content, own)


TARGET = Target("network", _seeds, _parse, _mutated)
