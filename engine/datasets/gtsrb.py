"""The German Traffic Sign Recognition Benchmark (GTSRB), in its common folder layouts."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from engine.core.errors import UserError, quoted
from engine.datasets import archives, label_tables, splits
from engine.datasets.archives import Files
from engine.datasets.download import Download
from engine.datasets.source import Found, Listing, Parts, Source, folders

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

_TEST = "Final_Test/Images/"
_TRUTH = "GT-final_test.csv"
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
    default_target = 10  # the paper's, section 3.1
    example_class = 14  # Stop

    def locate(self, root: Path) -> Found | None:
        """See `Source.locate`."""
        for folder in folders(root, self.name):
            if all((folder / archive).is_file() for archive in ARCHIVES):
                zips = tuple(folder / archive for archive in ARCHIVES)
                return Found(zips, partial(_open_zips, zips))
            tables = (folder / "Train.csv").is_file() and (folder / "Test.csv").is_file()
            tree = folder / "GTSRB" / "Final_Training" if not tables else folder
            if tables or tree.is_dir():
                return Found((folder,), partial(archives.from_folder, folder))
        return None

    def read(self, files: Files, size: int, rng: np.random.Generator) -> Parts:
        """See `Source.read`; validation takes whole tracks."""
        if "Train.csv" in files:
            train, test = _list_png_split(files, "Train"), _list_png_split(files, "Test")
        else:
            train, test = _list_official_train(files), _list_official_test(files)
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


def _open_zips(paths: Sequence[Path]) -> Files:
    return archives.merged(archives.from_zip(path) for path in paths)


def _list_official_train(files: Files) -> Listing:
    """Training images listed by the table in each class folder."""
    found = []
    for table in sorted(name for name in files if re.search(r"Images/\d{5}/GT-\d{5}\.csv$", name)):
        found += _read_table(files, table, ";", "Filename", f"{table.rsplit('/', 1)[0]}/")
    return _check_listing(files, found, re.compile(r"Final_Training/Images/.*\.ppm$"))


def _list_official_test(files: Files) -> Listing:
    """Test images listed by the ground-truth table, which comes in a separate archive."""
    truth = [name for name in files if name.rsplit("/", 1)[-1] == _TRUTH]
    image = next((name for name in files if _TEST in name and name.endswith(".ppm")), None)
    if not truth or image is None:
        raise UserError(f"GTSRB's test images or their labels ({_TRUTH}) are missing.")
    found = _read_table(files, truth[0], ";", "Filename", f"{image.rsplit('/', 1)[0]}/")
    return _check_listing(files, found, re.compile(r"Final_Test/Images/.*\.ppm$"))


def _list_png_split(files: Files, split: str) -> Listing:
    """A split listed by a single table, as in the widespread PNG layout."""
    found = _read_table(files, f"{split}.csv", ",", "Path", "")
    return _check_listing(files, found, re.compile(rf"{split}/.*\.png$"))


def _read_table(
    files: Files, table: str, delimiter: str, column: str, folder: str
) -> list[tuple[str, int]]:
    """Each image in a table, with its class."""
    return [
        (f"{folder}{row[column]}", label_tables.label(row["ClassId"], len(CLASS_NAMES), table))
        for row in label_tables.rows(files, table, delimiter, (column, "ClassId"))
    ]


def _check_listing(files: Files, found: list[tuple[str, int]], image: re.Pattern[str]) -> Listing:
    """Check that each image is listed exactly once; the order is the same for every layout."""
    if not found:
        return Listing([], [])
    listed = {name for name, _ in found}
    if len(listed) < len(found):
        raise UserError("GTSRB's tables list an image twice: copy or fetch them again.")
    extra = min((name for name in files if image.search(name) and name not in listed), default=None)
    if extra is not None:
        raise UserError(
            f"The image {quoted(extra)} is not listed in any GTSRB table: copy or fetch it again."
        )
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
