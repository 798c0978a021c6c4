"""``python -m tests.kills``: kill writers and workers at any point; nothing may be lost."""

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path
from uuid import uuid4

import cv2
import numpy as np

from tests.conftest import CLASSES, FEW, picture
from tests.kills import storing, working


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--count", type=int, default=50, help="number of random kills")
    parser.add_argument("--seed", type=int, default=0, help="of the random kills")
    parser.add_argument(
        "--each",
        nargs="*",
        default=[],
        choices=list(storing.ACTS),
        help="acts to kill before each of their file changes, besides the random kills",
    )
    parser.add_argument("--races", type=int, default=0, help="rounds of two racing writers")
    parser.add_argument("--work", type=float, default=0.4, help="share of kills that hit real work")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        # Forking is safe only before TensorFlow is loaded.
        for name in options.each:
            kill_each(Path(folder), name)
        for number in range(options.races):
            storing.race(Path(folder) / f"race-{number}")
        rng = np.random.default_rng(options.seed)
        works = sum(rng.random(options.count) < options.work)
        hits = kill_acts(Path(folder), options.count - works, rng)
        hits += kill_works(Path(folder), works, rng)
    for name, count in sorted(hits.items()):
        print(f"{count:4}  {name}")
    for name in options.each:
        print(f"      {name}: killed before each file change")
    if options.races:
        print(
            f"{options.races:4}  races to save, delete and restore: one succeeded, one was refused"
        )
    print(f"Nothing was lost. {time.monotonic() - began:.0f} s.")


def kill_each(folder: Path, name: str) -> None:
    """Repeat an act, killed before its first file change, then before its second, and so on."""
    act = storing.ACTS[name]
    changes, _ = storing.dry_run(act, folder / f"each-{name}")
    for at in range(1, changes + 1):
        assert storing.killed(act, folder / f"each-{name}-{at}", at=at)


def kill_acts(folder: Path, count: int, rng: np.random.Generator) -> Counter[str]:
    """Kill writers of models and caches."""
    hits: Counter[str] = Counter()
    while hits.total() < count:
        name = str(rng.choice(list(storing.ACTS)))
        act = storing.ACTS[name]
        at, seconds = moment(rng, *storing.dry_run(act, folder / uuid4().hex))
        hits[name] += storing.killed(act, folder / uuid4().hex, at, seconds)
    return hits


def kill_works(folder: Path, count: int, rng: np.random.Generator) -> Counter[str]:
    """Kill trainings, prunings and repairs, and run them again."""
    hits: Counter[str] = Counter()
    draw_few(folder / "data" / "few")
    reference = working.Reference(folder, folder / "data")
    while hits.total() < count:
        name = str(rng.choice(list(working.JOBS)))
        at, seconds = moment(rng, *reference.measured(name))
        end = time.monotonic() + (1e9 if at else seconds)
        hits[name] += reference.killed(name, at, lambda _, end=end: time.monotonic() > end)
    return hits


def draw_few(folder: Path) -> None:
    """Draw a few images, for a training that need not learn anything."""
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        for label in range(CLASSES):
            place = folder / split / f"class-{label}"
            place.mkdir(parents=True)
            for number in range(FEW):
                cv2.imwrite(str(place / f"{number:04d}.png"), picture(label, rng))


def moment(rng: np.random.Generator, changes: int, seconds: float) -> tuple[int, float]:
    """Either the number of a file change to kill before, or 0 and the seconds to kill after."""
    if rng.random() < 0.5:
        return int(rng.integers(1, changes + 1)), 0.0
    return 0, float(rng.uniform(0, seconds))


if __name__ == "__main__":
    main()
