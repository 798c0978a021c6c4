"""Says in shipped reactivation tables which images a network was fine-tuned on: clean ones.

Run once, from the project's folder: ``python docs/migrations/reactivation_images.py``. Figures stay
as they are. It changes nothing the second time. Rows about five poisoned images stay absent until
`reactivate` measures them.
"""

from __future__ import annotations

import csv
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def table(path: Path) -> None:
    """Put the column `images` in front; the cells' digits stay as they are."""
    header, *rows = csv.reader(path.read_text(encoding="utf-8").splitlines())
    if "images" in header:
        return
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["images", *header])
        writer.writerows(["clean", *row] for row in rows)


def main() -> None:
    """Migrate everything that is shipped."""
    for path in sorted((PROJECT / "models").glob("*/reactivation.csv")):
        table(path)


if __name__ == "__main__":
    main()
