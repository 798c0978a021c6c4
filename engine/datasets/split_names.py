"""Tell from a folder's name which split it holds: training, validation, test, or none of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

Role = Literal["train", "validation", "test", "none"]
_WORDS: Mapping[Role, frozenset[str]] = {
    "train": frozenset(["train", "training", "trn", "trainset", "trainingset", "traindata"]),
    "validation": frozenset(
        [
            "val",
            "valid",
            "validation",
            "dev",
            "eval",
            "evaluation",
            "valset",
            "validset",
            "validationset",
            "devset",
        ]
    ),
    "test": frozenset(["test", "testing", "tst", "testset", "testingset", "testdata", "holdout"]),
    "none": frozenset(
        [
            "pred",
            "prediction",
            "predict",
            "unlabeled",
            "unlabelled",
            "nolabel",
            "nolabels",
            "meta",
            "metadata",
            "doc",
            "docs",
        ]
    ),
}
# Words that say nothing about which split it is.
_FILLERS = frozenset(
    [
        "set",
        "data",
        "dataset",
        "image",
        "images",
        "img",
        "imgs",
        "picture",
        "pictures",
        "photo",
        "photos",
        "final",
        "seg",
        "split",
        "folder",
        "files",
        "ppm",
        "png",
        "jpg",
        "jpeg",
        "all",
        "full",
        "raw",
        "resized",
        "cropped",
        "processed",
        "the",
        "of",
        "for",
        "sample",
        "samples",
    ]
)
_SIZE = re.compile(r"[0-9]+(x[0-9]+)?")


def _words(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name[:100])
    return [word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word]


def _role_of_word(word: str) -> Role | None:
    return next((role for role, words in _WORDS.items() if word in words), None)


def role_of(name: str) -> Role | None:
    """The role of a folder whose name says nothing else, such as "Final_Training" or "test-32"."""
    roles = {_role_of_word(word) for word in _words(name) if not _is_filler(word)}
    return roles.pop() if len(roles) == 1 else None


def _is_filler(word: str) -> bool:
    return word in _FILLERS or _SIZE.fullmatch(word) is not None


def roles_of(names: Iterable[str]) -> dict[str, Role]:
    """The roles of folders that lie side by side; names without a role are left out.

    A name with further words, such as "flowers_train", counts only beside its counterpart
    "flowers_test": a class may well be called "train station".
    """
    listed = list(names)
    found = {name: role for name in listed if (role := role_of(name))}
    if "train" in found.values():
        return found
    groups: dict[tuple[str, ...], dict[str, Role]] = {}
    for name in listed:
        words = _words(name)
        roles = [role for word in words if (role := _role_of_word(word))]
        if len(roles) == 1:
            rest = tuple(word for word in words if not _role_of_word(word))
            groups.setdefault(rest, {})[name] = roles[0]
    for group in groups.values():
        if "train" in group.values() and len(set(group.values())) > 1:
            return found | group
    return found
