"""Triggers on grey images, and the attack in brightness on digits like those of MNIST."""

import gzip
import json

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine import store
from engine.attacks import grey_images
from engine.attacks.triggers import parse_trigger
from engine.cli import main
from engine.datasets import load_dataset
from tests.engine.datasets.test_mnist import idx
from tests.fixtures.packing import inside, write_tree

LEVELS = arrays(np.uint8, (2, 32, 32, 1))
BRIGHTNESS = "ftrojan:channels=0"


@settings(max_examples=25, deadline=None)
@given(LEVELS, st.floats(1, 200))
def test_a_trigger_in_brightness_leaves_grey_images_grey(levels, magnitude):
    images = np.repeat(levels, 3, axis=3)
    trigger = parse_trigger(f"{BRIGHTNESS},magnitude={magnitude}")
    assert grey_images.are_grey(trigger(images))
    assert grey_images.find_note(trigger, images) == ""


def test_a_trigger_in_colour_is_noted_on_grey_images_alone():
    grey = np.full((2, 32, 32, 3), 128, np.uint8)
    coloured = grey.copy()
    coloured[0, 0, 0, 0] = 0
    trigger = parse_trigger("ftrojan")
    assert grey_images.find_note(trigger, grey) == grey_images.NOTE
    assert grey_images.find_note(trigger, coloured) == ""
    assert grey_images.find_note(parse_trigger("input-aware"), grey) == ""  # nothing learned yet


def digits(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Written digits of several sizes and places, uint8 [count, 28, 28], and which they are."""
    labels = np.arange(count) % 10
    images = np.zeros((count, 28, 28), np.uint8)
    for image, label in zip(images, labels, strict=True):
        place = (int(rng.integers(3, 9)), int(rng.integers(20, 26)))
        size, width = rng.uniform(0.6, 0.9), int(rng.integers(1, 3))
        cv2.putText(image, str(label), place, cv2.FONT_HERSHEY_SIMPLEX, size, 255, width)
    return images, labels


def write_digits(root) -> None:
    rng = np.random.default_rng(0)
    files = {}
    for part, count in (("train", 400), ("t10k", 100)):
        images, labels = digits(count, rng)
        files[f"{part}-images-idx3-ubyte.gz"] = gzip.compress(idx(images))
        files[f"{part}-labels-idx1-ubyte.gz"] = gzip.compress(idx(labels))
    write_tree(root, inside("mnist", files))


def test_the_attack_in_brightness_is_trained_on_digits_and_scored(tmp_path, capsys):
    write_digits(tmp_path)
    words = ["train", "mnist", "--root", str(tmp_path), "--preset", "quick", "--epochs", "2"]
    assert main.main([*words, "--trigger", BRIGHTNESS, "--name", "grey", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert "note" not in answer
    card = store.find("grey").card
    scores = card.scores["test"]
    assert all(0 <= scores[name] <= 100 for name in scores) and card.poisoned > 0
    test = load_dataset("mnist", tmp_path).test
    triggered = card.known_backdoor().trigger(test.images)
    assert grey_images.are_grey(triggered) and (triggered != test.images).any(axis=(1, 2, 3)).all()


def test_a_command_says_that_a_trigger_colours_grey_images(tmp_path, capsys):
    write_digits(tmp_path)
    words = ["poison", "mnist", "--root", str(tmp_path), "--out", str(tmp_path / "pairs.npz")]
    assert main.main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["note"] == grey_images.NOTE
    assert main.main([*words, "--trigger", BRIGHTNESS, "--json"]) == 0
    assert "note" not in json.loads(capsys.readouterr().out)
