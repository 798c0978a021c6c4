"""Everything that is checked of a network's file before TensorFlow sees any of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.networks.untrusted import (
    archive_checks,
    formats,
    keras_config,
    legacy_h5,
    saved_model,
    weights,
)
from engine.networks.untrusted.parts import Parts

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Checked:
    """A file that passed.

    Attributes:
        format: of the file.
        build: builds the network with TensorFlow; also says whether the file's own network takes
            images with the colours first.
        parts: the network taken apart, where the file holds that.
    """

    format: formats.Format
    build: Callable[[], tuple[keras.Model, bool]]
    parts: Parts | None = None


def check(source: Path, folder: Path) -> Checked:
    """Check a network's file of any format.

    Args:
        source: the file.
        folder: an empty one, into which the file may be unpacked.

    Raises:
        UserError: it is refused; the text continues a sentence that begins with the file's name.
    """
    return _CHECKS[formats.recognized(source)](source, folder)


def _check_keras(source: Path, folder: Path) -> Checked:
    unpacked = folder / "model.weights.h5"
    with unpacked.open("wb") as copy:
        config, version = archive_checks.unpack(source, copy)
    arrays = weights.read(unpacked)
    buildable = keras_config.buildable(config, version)

    def build() -> tuple[keras.Model, bool]:
        from engine.networks.untrusted import building

        return building.with_weights(buildable, unpacked), False

    return Checked("keras", build, Parts(buildable, arrays))


def _check_h5(source: Path, folder: Path) -> Checked:
    copy = folder / "network.h5"  # Keras goes by the ending
    shutil.copyfile(source, copy)
    config, version = legacy_h5.check(copy)
    buildable = keras_config.buildable(config, version)

    def build() -> tuple[keras.Model, bool]:
        from engine.networks.untrusted import building

        return building.with_weights(buildable, copy), False

    return Checked("h5", build)


def _check_saved_model(source: Path, folder: Path) -> Checked:
    described = saved_model.unpack(source, folder)
    buildable = keras_config.buildable(described.config, version="2")

    def build() -> tuple[keras.Model, bool]:
        from engine.networks.untrusted import building

        return building.from_checkpoint(described, buildable, folder / "variables"), False

    return Checked("savedmodel", build)


def _check_onnx(source: Path, _: Path) -> Checked:
    def build() -> tuple[keras.Model, bool]:
        from engine.networks.onnx_files import reading

        read = reading.read_onnx(source)
        return read.network, read.channels_first

    return Checked("onnx", build)


_CHECKS: dict[formats.Format, Callable[[Path, Path], Checked]] = {
    "keras": _check_keras,
    "h5": _check_h5,
    "savedmodel": _check_saved_model,
    "onnx": _check_onnx,
}
