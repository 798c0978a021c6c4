"""The forward pass of training: the same layers, computed the way that a processor does fastest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from engine.training.training_config import Precision

if TYPE_CHECKING:
    import keras


@contextmanager
def fast_forward_pass(network: keras.Model, precision: Precision) -> Iterator[None]:
    """Within the block, `network` computes in that precision and fuses batch normalization.

    Its variables and their gradients stay float32. So does everything up to the first layer with
    weights, because bfloat16 cannot hold the small differences that an invisible trigger makes, and
    from the last one on, because the loss takes logarithms of the probabilities. Dropout draws its
    mask in bfloat16, which makes a rate of 0.4 one of 0.41.
    """
    import keras

    weighted = [place for place, layer in enumerate(network.layers) if layer.weights]
    lowered = network.layers[weighted[0] + 1 : weighted[-1]]
    normalizations = [layer for layer in network.layers if _can_fuse(layer)]
    policies = [layer.dtype_policy for layer in lowered]
    try:
        if precision == "bfloat16":
            for layer in lowered:
                layer.dtype_policy = keras.DTypePolicy("mixed_bfloat16")
        for layer in normalizations:
            layer.call = partial(_normalize_batch, layer)
        yield
    finally:
        for layer, policy in zip(lowered, policies, strict=True):
            layer.dtype_policy = policy
        for layer in normalizations:
            del layer.call


def _can_fuse(layer: keras.Layer) -> bool:
    """Whether `_normalize_batch` computes what `layer` would."""
    from keras.layers import BatchNormalization

    return (
        type(layer) is BatchNormalization
        and layer.trainable
        and layer.axis in (-1, 3)
        and layer.input_spec.ndim == 4
        and layer.scale
        and layer.center
        and not layer.renorm
    )


def _normalize_batch(layer: Any, inputs: Any, **_: Any) -> Any:
    """What a `BatchNormalization` layer computes in training, in one operation instead of many.

    Args:
        layer: its moving averages are updated.
        inputs: [n, height, width, channels], float32 or bfloat16.
    """
    import tensorflow as tf

    count = tf.cast(tf.reduce_prod(tf.shape(inputs)[:3]), tf.float32)
    outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
        inputs, layer.gamma.value, layer.beta.value, epsilon=layer.epsilon, is_training=True
    )
    # The operation returns the variance of a sample; Keras averages that of the batch itself.
    for moving, batch in (
        (layer.moving_mean, mean),
        (layer.moving_variance, variance * (count - 1) / count),
    ):
        moving.assign(moving.value * layer.momentum + batch * (1 - layer.momentum))
    return outputs
