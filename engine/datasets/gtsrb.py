"""The German Traffic Sign Recognition Benchmark (GTSRB), in its common folder layouts."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from engine.core.errors import UserError, quoted
from engine.datasets import archives, label_tables, splits
from engine.datasets.archives import Files
from engine.datasets.download import Download
from engine.datasets.layout import find_layout
from engine.datasets.source import Found, Listing, Parts, Source, folder_names, folders, walk
from engine.datasets.split_names import roles_of

CLASS_NAMES = (
    "Speed limit 20 km/h",
    "Speed limit 30 km/h",
    "Speed limit 50 km/h",
    "Speed limit 60 km/h",
    "Speed limit 70 km/h",
    "Speed limit 80 km/h",
    "End of speed limit 80 km/h",
    "Speed limit 100 km/h",
    "Speed limit 120 km/h",
    "No overtaking",
    "No overtaking by lorries",
    "Right of way at the next crossing",
    "Priority road",
    "Give way",
    "Stop",
    "No vehicles",
    "No lorries",
    "No entry",
    "Danger",
    "Bend to the left",
    "Bend to the right",
    "Double bend",
    "Bumpy road",
    "Slippery road",
    "Road narrows on the right",
    "Road works",
    "Traffic lights",
    "Pedestrians",
    "Children",
    "Bicycles",
    "Ice or snow",
    "Wild animals",
    "End of all limits",
    "Turn right ahead",
    "Turn left ahead",
    "Straight ahead only",
    "Straight ahead or right",
    "Straight ahead or left",
    "Keep right",
    "Keep left",
    "Roundabout",
    "End of no overtaking",
    "End of no overtaking by lorries",
)

ADDRESS = "https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/"
ARCHIVES = (
    "GTSRB_Final_Training_Images.zip",
    "GTSRB_Final_Test_Images.zip",
    "GTSRB_Final_Test_GT.zip",
)
_CHECKSUMS = (
    "md5:f33fd80ac59bff73c82d25ab499e03a3",
    "md5:c7e4e6327067d32654124b0fe9e82185",
    "md5:fe31e9c9270bbcd7b84b7f21a9d9d9e5",
)
_BYTES = (276_294_756, 88_978_620, 99_620)

_TRUTH = "gt-final_test.csv"
_CLASS_TABLE = re.compile(r"(^|/)\d{5}/GT-\d{5}\.csv$", re.IGNORECASE)
_TEST_IMAGE = re.compile(r"(^|/)(final_)?test/(images/)?[^/]+\.ppm$", re.IGNORECASE)
VALIDATION_SHARE = 0.1


class Gtsrb(Source):
    """39,209 training and 12,630 test images of 43 classes, in tracks of 30 frames."""

    name = "gtsrb"
    title = "GTSRB"
    downloads = tuple(
        Download(ADDRESS + archive, archive, checksum, size)
        for archive, checksum, size in zip(ARCHIVES, _CHECKSUMS, _BYTES, strict=True)
    )
    wanted = (
        f"{', '.join(ARCHIVES[:2])} and {ARCHIVES[2]}, or the folder they unpack to, or the"
        " folders Train and Test with Train.csv and Test.csv"
    )
    class_names = CLASS_NAMES
    default_target = 10  # the paper's, section 3.1
    example_class = 14  # Stop

    def locate(self, root: Path) -> Found | None:
        """See `Source.locate`."""
        for folder in folders(root, self.name):
            if all((folder / archive).is_file() for archive in ARCHIVES):
                zips = tuple(folder / archive for archive in ARCHIVES)
                return Found(zips, partial(_open_all, zips))
            if folder != root:
                zips = tuple(sorted(folder.glob("*.zip")))
                known = any(_is_tree(names) for _, names in walk(folder, 3))
                if known or {path.name for path in zips} - {*ARCHIVES}:
                    return Found((folder,), partial(_open_all, (folder, *zips)))
            elif any(_is_tree(names, ()) for names in _names_in(root, root / "GTSRB")):
                return Found((root,), partial(archives.from_folder, root))
        zips = tuple(path for path in sorted(root.glob("*.zip")) if _is_called_gtsrb(path))
        return Found(zips[:1], partial(_open_all, zips[:1])) if zips else None

    def read(self, files: Files, size: int, rng: np.random.Generator) -> Parts:
        """See `Source.read`; validation takes whole tracks."""
        table = _find_table(files, "train.csv")
        if table:
            folder = table[: -len("train.csv")]
            train = _list_png_split(files, folder, "train")
            test = _list_png_split(files, folder, "test")
        elif any(_CLASS_TABLE.search(name) for name in files):
            train, test = _list_official_train(files), _list_official_test(files)
        else:
            train, test = _list_class_folders(files, self.wanted)
        if not train.names or not test.names:
            raise UserError("The GTSRB files hold no images: copy or fetch them again.")
        labels = np.asarray(train.labels)
        tracks = _parse_tracks(train.names)
        validation = splits.by_track(labels, tracks, VALIDATION_SHARE, rng)
        images = train.read(files, size, "Reading GTSRB's training images")
        return Parts(
            CLASS_NAMES,
            dataclasses.replace(images, tracks=tracks),
            (test.read(files, size, "Reading GTSRB's test images")),
            validation,
        )


def _open_all(paths: Sequence[Path]) -> Files:
    return archives.merged(
        archives.from_folder(path) if path.is_dir() else archives.from_zip(path) for path in paths
    )


def _names_in(*places: Path) -> Iterator[list[str]]:
    for place in places:
        if place.is_dir():
            yield [entry.name for entry in os.scandir(place)]


def _is_tree(names: Sequence[str], roles: Sequence[str] = ("train", "test")) -> bool:
    """Whether a folder with these names in it holds GTSRB: its tables, or its splits."""
    lower = {name.lower() for name in names}
    if {"train.csv", "test.csv"} <= lower or "final_training" in lower:
        return True
    return bool(roles) and {*roles} <= set(roles_of(folder_names(names)).values())


def _is_called_gtsrb(path: Path) -> bool:
    return path.name.lower().startswith("gtsrb") and path.name not in ARCHIVES


def _find_table(files: Files, name: str) -> str:
    """The table of that name, in whatever case, that lies nearest to the top; else empty."""
    found = [path for path in files if path.rpartition("/")[2].lower() == name]
    return min(found, key=lambda path: (path.count("/"), path), default="")


def _list_official_train(files: Files) -> Listing:
    """Training images listed by the table in each class folder."""
    found, places = [], set()
    for table in sorted(name for name in files if _CLASS_TABLE.search(name)):
        place = table.rpartition("/")[0]
        found += _read_table(files, table, ";", "Filename", f"{place}/")
        places.add(place.rpartition("/")[0])
    return _check_listing(files, found, tuple(f"{place}/" for place in places), ".ppm")


def _list_official_test(files: Files) -> Listing:
    """Test images listed by the ground-truth table, which comes in a separate archive."""
    truth = _find_table(files, _TRUTH)
    images = (name for name in files if _TEST_IMAGE.search(name))
    place = next((name.rpartition("/")[0] + "/" for name in images), None)
    if not truth or place is None:
        raise UserError(
            f"GTSRB's test images or their labels (GT-final_test.csv) are missing: put"
            f" {ARCHIVES[1]} and {ARCHIVES[2]} beside the training images."
        )
    found = _read_table(files, truth, ";", "Filename", place)
    return _check_listing(files, found, (place,), ".ppm")


def _list_png_split(files: Files, folder: str, split: str) -> Listing:
    """A split listed by a single table, as in the widespread PNG layout.

    Copies of it hold the images a second time, in folders whose names differ in case.
    """
    table = _find_table(files.below(folder), f"{split}.csv")
    found = _read_table(files, f"{folder}{table or split + '.csv'}", ",", "Path", folder)
    actual = {name.casefold(): name for name in sorted(files, reverse=True)}
    found = [
        (name if name in files else actual.get(name.casefold(), name), label)
        for name, label in found
    ]
    return _check_listing(files, found, (f"{folder}{split}/",), ".png")


def _list_class_folders(files: Files, wanted: str) -> tuple[Listing, Listing]:
    """Training and test images in folders that are called like the classes, without any table."""
    try:
        layout = find_layout(files)
        numbers = [int(name) for name in layout.classes]
        if "test" not in layout.splits or numbers != list(range(len(numbers))):
            raise ValueError
        if len(numbers) > len(CLASS_NAMES):
            raise ValueError
    except (UserError, ValueError) as error:
        reason = str(error).rstrip(".") or "no test images, or folders other than 0 to 42"
        raise UserError(
            f"What lies there is not GTSRB as it is usually copied ({reason}): put there {wanted}."
        ) from error
    return _in_order(layout.splits["train"]), _in_order(layout.splits["test"])


def _in_order(listing: Listing) -> Listing:
    return _sorted(list(zip(listing.names, listing.labels, strict=True)))


def _read_table(
    files: Files, table: str, delimiter: str, column: str, folder: str
) -> list[tuple[str, int]]:
    """Each image in a table, with its class."""
    return [
        (f"{folder}{row[column]}", label_tables.label(row["ClassId"], len(CLASS_NAMES), table))
        for row in label_tables.rows(files, table, delimiter, (column, "ClassId"))
    ]


def _check_listing(
    files: Files, found: list[tuple[str, int]], places: tuple[str, ...], suffix: str
) -> Listing:
    """Check that each image is listed exactly once; the order is the same for every layout.

    Args:
        files: what there is.
        found: the images listed, with their classes.
        places: the folders whose images must all be listed.
        suffix: of images.
    """
    if not found:
        return Listing([], [])
    listed = {name.casefold() for name, _ in found}
    if len(listed) < len(found):
        raise UserError("GTSRB's tables list an image twice: copy or fetch them again.")
    lower = tuple(place.casefold() for place in places)
    images = (name for name in files if name.casefold().startswith(lower) and name.endswith(suffix))
    extra = min((name for name in images if name.casefold() not in listed), default=None)
    if extra is not None:
        raise UserError(
            f"The image {quoted(extra)} is not listed in any GTSRB table: copy or fetch it again."
        )
    return _sorted(found)


def _sorted(found: list[tuple[str, int]]) -> Listing:
    ordered = sorted(found, key=lambda item: _order(item[0]))
    return Listing([name for name, _ in ordered], [label for _, label in ordered])


def _order(name: str) -> tuple[str, str]:
    """Sort key: class folder (``00010`` or ``10``), then file."""
    folder, _, file = name.rpartition("/")
    return folder.rpartition("/")[2].zfill(5), file


def _parse_tracks(names: Sequence[str]) -> np.ndarray:
    """Track numbers, int64 [n], from names: ``TTTTT_FFFFF.ppm`` or ``CCCCC_TTTTT_FFFFF.png``."""
    parts = [name.rsplit("/", 1)[-1].split(".")[0].split("_") for name in names]
    try:
        return np.array([int(part[-2]) for part in parts], np.int64)
    except (IndexError, ValueError, OverflowError):
        raise UserError("GTSRB's training images must be named by track and frame.") from None
