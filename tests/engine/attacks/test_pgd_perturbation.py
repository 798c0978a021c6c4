import keras
import numpy as np

from engine.attacks import pgd_perturbation


def test_a_pgd_perturbation_moves_every_pixel_by_the_radius_away_from_the_class():
    """The network classifies uniform images above grey level 127.5 as 1, others as 0."""
    network = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    network.set_weights([np.tile([[0, 10.0]], (3, 1)), np.array([0, -15.0])])
    greys = np.array([100, 119, 121, 127, 128, 134, 137, 200], np.uint8)
    images = np.tile(greys[:, None, None, None], (1, 8, 8, 3))
    labels = (greys > 127).astype(int)
    perturbed = pgd_perturbation.perturb(network, images, labels, 8.0)
    away = np.where(labels == 1, -8, 8)[:, None, None, None]
    np.testing.assert_array_equal(perturbed, images + away)
