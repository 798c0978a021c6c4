import numpy as np
import pytest
from PIL import Image

from engine.cli import main
from engine.datasets import (
    available,
    fetchable,
    is_test_cached,
    load_dataset,
    open_test,
    open_test_class,
)
from engine.datasets.gtsrb import CLASS_NAMES
from engine.datasets.signs import FRAMES, TRACKS, camera, canvas, faces
from tests.conftest import living_in


@pytest.fixture(scope="session")
def signs(all_signs):
    with living_in(all_signs):
        return load_dataset("signs")


def test_signs_are_there_without_any_file_or_network(tmp_path):
    assert available("signs", tmp_path)
    assert not fetchable("signs")


def test_the_classes_are_gtsrbs_as_unevenly_filled(signs):
    assert signs.class_names == CLASS_NAMES
    labels = np.concatenate([signs.train.labels, signs.validation.labels])
    assert np.array_equal(np.bincount(labels), 3 * FRAMES * np.array(TRACKS))
    assert np.bincount(signs.test.labels).min() > 0


def test_the_images_look_like_photographs_not_like_one_another(signs):
    images = np.array(signs.test.images)
    assert images.dtype == np.uint8
    assert images.shape[1:] == (32, 32, 3)
    brightness = images.mean(axis=(1, 2, 3))
    assert np.percentile(brightness, 5) < 60
    assert np.percentile(brightness, 95) > 150
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)


def test_frames_of_a_track_resemble_each_other_more_than_other_tracks_do(signs):
    stop = np.array(signs.test.images[signs.test.labels == 14], float)
    tracks = stop.reshape(-1, FRAMES, *stop.shape[1:])
    within = np.abs(tracks[:, 0] - tracks[:, 1]).mean()
    between = np.abs(tracks[:-1, 0] - tracks[1:, 0]).mean()
    assert within < between / 1.5


def test_a_track_is_never_on_both_sides(signs):
    counts = np.bincount(signs.validation.labels)
    assert np.all(counts % FRAMES == 0)
    assert counts.min() >= FRAMES


def test_another_seed_draws_other_images(signs):
    other = open_test("signs", seed=1)
    assert not np.array_equal(other.images, signs.test.images)


def test_the_test_images_drawn_alone_are_those_of_the_whole(signs, move_in, drawn):
    move_in(drawn)
    alone = open_test("signs")
    assert isinstance(alone.images, np.memmap), "from the cache"
    assert np.array_equal(alone.images, signs.test.images)
    assert np.array_equal(alone.labels, signs.test.labels)


@pytest.mark.parametrize("harm", ["test-images.npy", "test-labels.npy"])
def test_a_damaged_cache_of_the_test_images_is_made_again(signs, move_in, drawn, harm):
    (file,) = move_in(drawn).rglob(harm)
    file.write_bytes(file.read_bytes()[:100])
    assert np.array_equal(open_test("signs").images, signs.test.images)


def test_of_other_datasets_the_test_images_are_those_of_the_whole(data, dataset):
    test = open_test("folder:signs", data)
    assert np.array_equal(test.images, dataset.test.images)


def test_every_class_has_a_face_of_its_own():
    drawn = np.stack([faces.face(label, faces.Make(), 64).astype(int) for label in range(43)])
    apart = np.abs(drawn[:, None] - drawn[None]).mean(axis=(2, 3, 4))
    assert apart[~np.eye(43, dtype=bool)].min() > 0.8
    opaque = drawn[..., 3] > 0
    assert opaque.mean(axis=(1, 2)).min() > 0.4
    assert not drawn[~opaque].any()


@pytest.mark.parametrize(("left", "right"), [(19, 20), (34, 33), (37, 36), (39, 38)])
def test_signs_for_left_and_right_mirror_each_other(left, right):
    one, other = (faces.face(label, faces.Make(), 64).astype(int) for label in (left, right))
    assert np.abs(one - other[:, ::-1]).mean() < 1


def test_a_drawing_can_be_moved_scaled_turned_and_mirrored():
    blank = canvas.Canvas.blank()
    blank.placed(0.5, 0, 0.5, mirrored=True).within(0.5, 0, 0.5, turned=90).box(
        (0, -0.2), (1, 0.2), (9, 9, 9)
    )
    rows, columns = np.nonzero(blank.pixels[..., 3])
    unit = canvas.SIDE / 2
    # Mirrored: half a unit left of (0.5, 0) at half size is (0.25, 0); the box hangs down there.
    assert columns.mean() / unit - 1 == pytest.approx(0.25, abs=0.02)
    assert (rows.min() / unit - 1, rows.max() / unit - 1) == pytest.approx((0, 0.25), abs=0.02)


@pytest.mark.parametrize("size", [16, 32, 64])
def test_a_photograph_of_a_red_face_is_reddest_in_its_middle(size):
    face = np.zeros((2 * size, 2 * size, 4), np.uint8)
    face[size // 2 : -size // 2, size // 2 : -size // 2] = (200, 20, 30, 255)
    frames = camera.photograph_track(face, size, 5, np.random.default_rng(0)).astype(float)
    assert frames.shape == (5, size, size, 3)
    redness = frames[..., 0] - frames[..., 1:].mean(axis=-1)
    middle = redness[:, 3 * size // 8 : 5 * size // 8, 3 * size // 8 : 5 * size // 8].mean()
    assert middle > redness[:, : size // 8].mean() + 5


def test_the_sheet_shows_every_class(all_signs, move_in, tmp_path, capsys):
    move_in(all_signs)
    file = tmp_path / "sheet.png"
    assert main.main(["data", "signs", "--sheet", str(file)]) == 0
    picture = np.asarray(Image.open(file))
    assert picture.shape[2] == 3
    white = (picture == 255).all(axis=2)
    assert 0.2 < white.mean() < 0.6


def test_a_contact_sheet_that_cannot_be_written_is_reported(all_signs, move_in, tmp_path, capsys):
    move_in(all_signs)
    (tmp_path / "taken").write_text("")
    assert main.main(["data", "signs", "--sheet", str(tmp_path / "taken" / "sheet.png")]) == 2
    assert "Could not write" in capsys.readouterr().err


@pytest.mark.parametrize("label", [0, 14, 42])
def test_the_test_images_of_a_class_drawn_alone_are_those_of_the_whole(signs, label):
    assert not is_test_cached("signs"), "this home is empty"
    indices, found = open_test_class("signs", label)
    np.testing.assert_array_equal(indices, np.flatnonzero(signs.test.labels == label))
    np.testing.assert_array_equal(found.images, signs.test.images[indices])
    assert (found.labels == label).all()
