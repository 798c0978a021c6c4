"""Operators that change each number by itself, and softmax."""

from __future__ import annotations

import math
from collections.abc import Callable

from engine.networks.onnx_files.operators import values
from engine.networks.onnx_files.operators.step import Step
from engine.networks.onnx_files.operators.values import Value

SELU_ALPHA, SELU_GAMMA = 1.67326, 1.05070
LARGE = 1e30  # bounds beyond this are none: exporters write the largest float for "no bound"


def _activation(name: str) -> Callable[[Step], Value]:
    return lambda step: step.elementwise("Activation", step.value(), activation=name)


def _leaky(step: Step) -> Value:
    slope = step.attribute("alpha", 0.01)
    return step.elementwise("LeakyReLU", step.value(), negative_slope=slope)


def _elu(step: Step) -> Value:
    alpha = step.attribute("alpha", 1.0)
    if alpha == 1:
        return _activation("elu")(step)
    return step.elementwise("ELU", step.value(), alpha=alpha)


def _selu(step: Step) -> Value:
    alpha, gamma = step.attribute("alpha", SELU_ALPHA), step.attribute("gamma", SELU_GAMMA)
    if abs(alpha - SELU_ALPHA) > 1e-4 or abs(gamma - SELU_GAMMA) > 1e-4:
        raise step.refused("with an alpha or gamma of its own: use the usual ones")
    return _activation("selu")(step)


def _hard_sigmoid(step: Step) -> Value:
    alpha, beta = step.attribute("alpha", 0.2), step.attribute("beta", 0.5)
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        return _activation("hard_sigmoid")(step)
    value = step.elementwise("Rescaling", step.value(), "line", scale=alpha, offset=beta)
    return step.elementwise("ReLU", value, max_value=1.0)


def _gelu(step: Step) -> Value:
    if step.attribute("approximate", "none") != "none":
        raise step.refused(
            'with approximate="tanh", which is not supported: use approximate="none"'
        )
    return _activation("gelu")(step)


def _swish(step: Step) -> Value:
    if step.attribute("alpha", 1.0) != 1:
        raise step.refused("with an alpha of its own: use SiLU")
    return _activation("silu")(step)


def _thresholded(step: Step) -> Value:
    threshold = step.attribute("alpha", 1.0)
    return step.elementwise("ReLU", step.value(), threshold=threshold)


def _clip(step: Step) -> Value:
    low, high = step.number(1, "min", -math.inf), step.number(2, "max", math.inf)
    return bounded(step, step.value(), low, high)


def bounded(step: Step, value: Value, low: float, high: float) -> Value:
    """`value` kept between `low` and `high`, either of which may be infinite."""
    if math.isnan(low) or math.isnan(high) or low > high:
        raise step.refused("with bounds that leave nothing between them: export it again")
    if low <= -LARGE and high >= LARGE:
        return value
    if low <= -LARGE:  # the smaller of x and b is b - relu(b - x)
        value = step.elementwise("Rescaling", value, "turn", scale=-1.0, offset=high)
        value = step.elementwise("ReLU", value)
        return step.elementwise("Rescaling", value, "back", scale=-1.0, offset=high)
    top = high - low if high < LARGE else None
    if low == 0:
        return step.elementwise("ReLU", value, max_value=top)
    value = step.elementwise("Rescaling", value, "shift", scale=1.0, offset=-low)
    value = step.elementwise("ReLU", value, max_value=top)
    return step.elementwise("Rescaling", value, "back", scale=1.0, offset=low)


def _softmax(name: str) -> Callable[[Step], Value]:
    def convert(step: Step) -> Value:
        value = step.value()
        rank = len(value.axes) + 1
        axis = step.axis(step.attribute("axis", -1 if step.opset >= 13 else 1), rank)
        # Before version 13, all axes from `axis` on count as one.
        axes = [axis] if step.opset >= 13 else range(axis, rank - 1)
        places = sorted(place for each in axes for place in value.axes[each])
        if places == list(range(len(value.sizes))):
            return step.elementwise("Activation", step.flat(value), activation=name)
        if len(axes) > 1:
            raise step.refused("over several axes, which is not supported: flatten before it")
        layout = [*(each for each in values.layout_of(value) if each != axis), axis]
        return step.elementwise("Activation", step.laid_out(value, layout), activation=name)

    return convert


OPERATORS: dict[str, Callable[[Step], Value]] = {
    "Relu": _activation("relu"),
    "Sigmoid": _activation("sigmoid"),
    "Tanh": _activation("tanh"),
    "Softplus": _activation("softplus"),
    "Softsign": _activation("softsign"),
    "Mish": _activation("mish"),
    "HardSwish": _activation("hard_silu"),
    "LeakyRelu": _leaky,
    "ThresholdedRelu": _thresholded,
    "Elu": _elu,
    "Selu": _selu,
    "HardSigmoid": _hard_sigmoid,
    "Gelu": _gelu,
    "Swish": _swish,
    "Clip": _clip,
    "Softmax": _softmax("softmax"),
    "LogSoftmax": _softmax("log_softmax"),
}
