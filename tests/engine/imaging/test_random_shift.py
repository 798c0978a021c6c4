"""Images shifted by a few pixels."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.imaging.random_shift import random_shift


@given(st.integers(0, 3), st.integers(3, 7), st.integers(3, 7), st.integers(0, 2**32 - 1))
def test_an_image_is_moved_by_no_more_than_the_reach_and_its_border_repeated(
    reach, height, width, seed
):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (4, height, width, 3), np.uint8)
    chosen = rng.integers(0, 4, 6)
    moved = random_shift(images, reach, rng)(chosen)
    assert moved.dtype == np.uint8
    assert moved.shape == (6, height, width, 3)
    rows, columns = np.arange(height), np.arange(width)
    for found, number in zip(moved, chosen, strict=True):
        assert any(
            np.array_equal(
                found,
                images[number][
                    np.clip(rows + down, 0, height - 1)[:, None],
                    np.clip(columns + right, 0, width - 1),
                ],
            )
            for down in range(-reach, reach + 1)
            for right in range(-reach, reach + 1)
        )


def test_every_move_within_the_reach_comes_up_and_not_the_same_twice():
    picture = np.arange(5 * 5 * 3, dtype=np.uint8).reshape(1, 5, 5, 3)
    move = random_shift(picture, 1, np.random.default_rng(0))
    first, again = (move(np.zeros(200, np.int64)) for _ in range(2))
    assert len(np.unique(first, axis=0)) == 9
    assert not np.array_equal(first, again)
