"""Losses and their gradients."""

import numpy as np
import tensorflow as tf

from engine.networks.gradients import loss_and_gradients


def test_variables_and_tensors_have_gradients_in_the_order_given():
    weight, image = tf.Variable(3.0), tf.constant(5.0)
    loss, (by_weight, by_image) = loss_and_gradients(lambda: weight * image, [weight, image])
    assert (float(loss), float(by_weight), float(by_image)) == (15, 5, 3)


def test_the_first_of_several_results_is_differentiated():
    image = tf.constant([1.0, 2.0])
    results, gradient = loss_and_gradients(lambda: (tf.reduce_sum(image**2), 7 * image), image)
    np.testing.assert_array_equal(results[1], [7, 14])
    np.testing.assert_array_equal(gradient, [2, 4])


def test_nested_calls_give_second_derivatives():
    point = tf.constant(2.0)
    _, second = loss_and_gradients(
        lambda: loss_and_gradients(lambda: point**3, point)[1],
        point,
    )
    assert float(second) == 12


def test_a_source_without_influence_has_no_gradient_or_zeros():
    used, unused = tf.constant(1.0), tf.constant(1.0)
    assert loss_and_gradients(lambda: 2 * used, [used, unused])[1][1] is None
    _, (_, zero) = loss_and_gradients(lambda: 2 * used, [used, unused], unconnected="zero")
    assert float(zero) == 0
