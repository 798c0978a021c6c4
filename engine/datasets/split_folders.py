"""Divide a tree of folders into training, validation and test images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.core.errors import UserError, quoted
from engine.datasets.dataset import SPLITS, SplitName
from engine.datasets.image_tree import Folder
from engine.datasets.split_names import Role, roles_of

_NAMED = 8  # names that a sentence lists


@dataclass(frozen=True)
class LeftOut:
    """Files that are not used.

    Attributes:
        reason: what they are, in the plural, such as "images without a label".
        names: which.
    """

    reason: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """The images of a split.

    Attributes:
        place: the folder they are in, for messages; empty for the top.
        classes: names of images by the name of their class's folder; a folder may be empty.
        loose: names of the images beside those folders.
    """

    place: str
    classes: Mapping[str, Sequence[str]]
    loose: Sequence[str] = field(default_factory=list)

    def all_images(self) -> list[str]:
        """Every image of the split, sorted."""
        return sorted([*self.loose, *(name for each in self.classes.values() for name in each)])


def joined(names: Iterable[str], most: int = _NAMED) -> str:
    """Names in a sentence: at most so many, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return f"{', '.join(quoted(name)[1:-1] for name in listed[:most])}{more}"


def divide(top: Folder) -> tuple[dict[SplitName, Part], list[LeftOut]]:
    """The images of each split, and what is left out.

    Without folders for splits, all images are for training.

    Raises:
        UserError: folders for splits lie beside others, or there are none for training.
    """
    top = top.without_wrappers()
    filled = top.filled
    roles = roles_of(filled)
    trains = [filled[name] for name, role in roles.items() if role == "train"]
    if any(folder.filled for folder in trains) or (trains and len(roles) == len(filled)):
        left_out: list[LeftOut] = []
        chosen = _choose(top, roles, left_out)
        return {name: _part(chosen[name]) for name in SPLITS if name in chosen}, left_out
    by_class = _splits_in_classes(filled)
    if by_class:
        return by_class, []
    _check_no_splits(filled, roles)
    return {"train": _part(top)}, []


def _part(folder: Folder) -> Part:
    inner = folder.without_wrappers()
    classes = {name: each.all_images() for name, each in inner.folders.items()}
    used = {name for images in classes.values() for name in images}
    loose = [name for name in folder.all_images() if name not in used]
    return Part(folder.name, classes, loose)


def _choose(top: Folder, roles: Mapping[str, Role], left_out: list[LeftOut]) -> dict[Role, Folder]:
    """The folder of each split; copies and unlabelled images are left out."""
    chosen: dict[Role, Folder] = {}
    others = []
    for name, folder in top.filled.items():
        role = roles.get(name)
        if role is None:
            others.append(folder)
        elif role == "none":
            left_out.append(_all_of(folder, f"images in {quoted(name)}, which is no split"))
        elif role in chosen:
            chosen[role] = _larger(chosen[role], folder, role, left_out)
        else:
            chosen[role] = folder
    for folder in list(others):
        if folder.relative() <= top.relative_to_others(folder):
            left_out.append(_all_of(folder, f"second copies in {quoted(folder.name)}"))
            others.remove(folder)
    if others:
        raise UserError(
            f"The folders for splits ({_counted(chosen.values())}) lie beside other folders with"
            f" images ({_counted(others)}): put the folders of all classes inside those for"
            " splits, or remove the others."
        )
    return chosen


def _larger(one: Folder, other: Folder, role: Role, left_out: list[LeftOut]) -> Folder:
    """Of two folders for the same split that with all images; the other is a copy of it."""
    small, large = sorted((one, other), key=lambda folder: folder.count)
    if not small.relative() <= large.relative():
        raise UserError(
            f"Two folders seem to hold the {role} images ({_counted([one, other])}):"
            " rename or remove one."
        )
    left_out.append(_all_of(small, f"second copies in {quoted(small.name)}"))
    return large


def _splits_in_classes(filled: Mapping[str, Folder]) -> dict[SplitName, Part]:
    """The splits of a tree with a folder per class at the top, and in each those for splits."""
    classes: dict[SplitName, dict[str, list[str]]] = {}
    for name, folder in filled.items():
        roles = roles_of(folder.filled)
        if folder.images or len(roles) < len(folder.filled) or "train" not in roles.values():
            return {}
        for inner, role in roles.items():
            if role == "none" or name in classes.get(role, {}):
                return {}
            classes.setdefault(role, {})[name] = folder.filled[inner].all_images()
    return {name: Part(name, classes[name]) for name in SPLITS if name in classes}


def _check_no_splits(filled: Mapping[str, Folder], roles: Mapping[str, Role]) -> None:
    """Raise if the folders are splits by what is in them, so that they would pass for classes."""
    inner = [set(folder.filled) for folder in filled.values()]
    if not inner or min(map(len, inner)) < 2:
        return
    if len(roles) == len(filled):
        raise UserError(
            f"There is no folder of training images, only {_counted(filled.values())}: name the"
            " one to train on 'train'."
        )
    if len(inner) > 1 and all(names == inner[0] for names in inner):
        raise UserError(
            f"The folders {_counted(filled.values())} hold the same folders"
            f" ({joined(sorted(inner[0]))}), so they seem to be splits: name them 'train' and"
            " 'test'."
        )


def _all_of(folder: Folder, reason: str) -> LeftOut:
    return LeftOut(reason, tuple(folder.all_images()))


def _counted(folders: Iterable[Folder]) -> str:
    return joined(f"{folder.name}: {folder.count} images" for folder in folders)
