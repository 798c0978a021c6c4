"""Windows that slide over an image: kernels of convolutions, pools and their padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.networks.onnx_files.operators.step import Step

Pads = tuple[tuple[int, int], tuple[int, int]]  # ((top, bottom), (left, right))
NO_PADS: Pads = ((0, 0), (0, 0))


@dataclass(frozen=True)
class Window:
    """How a window slides over an image of a known size.

    Attributes:
        size: height and width that it spans, gaps of a dilated kernel included.
        strides: down and right.
        dilations: down and right.
        pads: around the image.
        same: padding that Keras calls "same" for this image.
    """

    size: tuple[int, int]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    pads: Pads
    same: Pads


def read_window(step: Step, kernel: Sequence[int], sides: Sequence[int]) -> Window:
    """The window of a node for an image whose height and width are `sides`."""
    strides = _pair(step, "strides")
    dilations = _pair(step, "dilations")
    if len(kernel) != 2 or min(*kernel, *strides, *dilations) < 1:
        raise step.refused("with a window of no usable size: export it again")
    high, wide = ((k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True))
    same = _same(sides, (high, wide), strides)
    pads = _pads(step, same)
    for side, size, pad in zip(sides, (high, wide), pads, strict=True):
        if min(pad) < 0:
            raise step.refused("with negative padding, which is not supported: crop before it")
        if side + sum(pad) < size:
            raise step.refused("on images smaller than its window: export it for larger images")
    return Window((high, wide), strides, dilations, pads, same)


def _pair(step: Step, name: str) -> tuple[int, int]:
    found = step.attribute(name, [1, 1])
    if len(found) != 2:
        raise step.refused(f"with {len(found)} {name} where 2 belong: only images are supported")
    return found[0], found[1]


def _pads(step: Step, same: Pads) -> Pads:
    how = step.attribute("auto_pad", "NOTSET")
    if how == "SAME_UPPER":
        return same
    if how == "SAME_LOWER":
        (top, bottom), (left, right) = same
        return (bottom, top), (right, left)
    pads = step.attribute("pads", [0, 0, 0, 0])
    if how == "VALID" or not any(pads):
        return NO_PADS
    if len(pads) != 4:
        raise step.refused("with padding of another number of sides: export it again")
    return (pads[0], pads[2]), (pads[1], pads[3])


def _same(sides: Sequence[int], size: Sequence[int], strides: Sequence[int]) -> Pads:
    """What Keras and TensorFlow add for "same": an odd pixel goes to the end."""
    pads = []
    for side, span, stride in zip(sides, size, strides, strict=True):
        missing = max((-(-side // stride) - 1) * stride + span - side, 0)
        pads.append((missing // 2, missing - missing // 2))
    return pads[0], pads[1]
