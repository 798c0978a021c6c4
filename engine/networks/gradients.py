"""The gradient of a loss, for every training step, repair and attack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def loss_and_gradients(
    loss: Callable[[], Any], sources: Any, unconnected: str = "none"
) -> tuple[Any, Any]:
    """Compute a loss and its gradients; calls may be nested for second derivatives.

    Args:
        loss: returns a scalar, or a tuple that begins with the scalar to differentiate.
        sources: variables or tensors, alone or in a list. `loss` must use these very objects.
        unconnected: the gradient of a source that the loss does not depend on: "none" for None,
            "zero" for zeros.

    Returns:
        What `loss` returned, and the gradients in the structure of `sources`.
    """
    import tensorflow as tf

    with tf.GradientTape() as tape:
        # Variables are watched without asking.
        tape.watch([each for each in tf.nest.flatten(sources) if isinstance(each, tf.Tensor)])
        result = loss()
    value = result[0] if isinstance(result, tuple) else result
    return result, tape.gradient(value, sources, unconnected_gradients=unconnected)
