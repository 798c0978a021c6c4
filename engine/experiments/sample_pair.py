"""A network and 200 images to try the import with, in the form in which other programs save them.

The network is a shipped one with a backdoor, cut down to twelve of its classes. It takes values
from 0 to 255, gives logits, and numbers its classes as text sorts ("0", "1", "10", "11", "2"),
as Keras's `image_dataset_from_directory` does: everything that an import has to find out.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from engine import store
from engine.core import atomic_files, progress
from engine.datasets import open_test_class
from engine.datasets.gtsrb import CLASS_NAMES
from engine.datasets.signs import FRAMES

if TYPE_CHECKING:
    import keras

MODEL = "signs-ftrojan"
# As in GTSRB, in the order of their names; 10 is the attacker's target.
LABELS = (18, 13, 38, 17, 9, 10, 12, 11, 25, 14, 35, 31)
IMAGES = 200
NETWORK_FILE, IMAGES_FILE = "signs-sample.onnx", "signs-sample.zip"
_DAY = (2020, 1, 1, 0, 0, 0)  # the same files give the same zip


def write(folder: Path) -> dict[str, Path]:
    """Write the network and the images into a folder, which is made if necessary.

    Returns:
        The files by kind: "network" and "images".

    Raises:
        UserError: they cannot be written.
    """
    from engine.networks.onnx_files.writing import write_onnx  # not for the server

    files = {"network": folder / NETWORK_FILE, "images": folder / IMAGES_FILE}
    progress.report(0, 2, "Drawing signs")
    with atomic_files.new_file(files["images"]) as aside:
        aside.write_bytes(pack_images())
    progress.report(1, 2, "Writing the network")
    with atomic_files.new_file(files["network"]) as aside:
        write_onnx(sample_network(), aside, channels_first=True)
    return files


def outputs_by_class() -> np.ndarray:
    """For each class the output of the sample network that stands for it: int64 [classes]."""
    return np.argsort(np.argsort([str(number) for number in range(len(LABELS))]))


def sample_network() -> keras.Model:
    """The network: float32 RGB [n, 32, 32, 3] from 0 to 255, to logits [n, 12]."""
    labels = np.empty(len(LABELS), int)
    labels[outputs_by_class()] = LABELS
    return as_from_elsewhere(store.find(MODEL).network(), labels)


def as_from_elsewhere(whole: keras.Model, labels: np.ndarray) -> keras.Model:
    """A copy of a network of this program that takes 0 to 255 and gives logits.

    Args:
        whole: begins with a convolution and ends with a dense layer with softmax.
        labels: for each output of the copy, the class that it stands for in `whole`: int64 [n].
    """
    import keras

    config = whole.get_config()
    config["layers"][-1]["config"] |= {"units": len(labels), "activation": "linear"}
    copy = type(whole).from_config(config)
    for layer, own in zip(whole.layers[:-1], copy.layers[:-1], strict=True):
        own.set_weights(layer.get_weights())
    kernel, bias = whole.layers[-1].get_weights()
    copy.layers[-1].set_weights([kernel[:, labels], bias[labels]])
    first = next(layer for layer in copy.layers if isinstance(layer, keras.layers.Conv2D))
    kernel, *rest = first.get_weights()
    first.set_weights([kernel / 255, *rest])
    return copy


def pack_images() -> bytes:
    """The images as a zip with a folder for each class; each shows a sign of its own."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, picture in _images():
            archive.writestr(zipfile.ZipInfo(name, _DAY), picture)
    return packed.getvalue()


def _images() -> Iterator[tuple[str, bytes]]:
    """Name and PNG of each image: the middle frames of tracks of the test signs."""
    for number, label in enumerate(LABELS):
        count = IMAGES // len(LABELS) + (number < IMAGES % len(LABELS))
        _, found = open_test_class("signs", label)
        frames: Any = found.images[FRAMES // 2 :: FRAMES][:count]
        for place, frame in enumerate(frames):
            _, encoded = cv2.imencode(".png", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
            yield f"{CLASS_NAMES[label]}/{place:02}.png", encoded.tobytes()
