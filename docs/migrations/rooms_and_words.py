"""Renames in shipped cards, tables and reports what issue 26 renamed in the code.

Run once, from the project's folder: ``python docs/migrations/rooms_and_words.py``. Figures and
weights stay as they are; only names change: commands and their options, the fields of a card,
the files and columns of tables. It changes nothing the second time.
"""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]

COMMANDS = {
    "screen": "detect",
    "process": "robustness",
    "relapse": "reactivate",
    "keep": "save-repair",
    "undelete": "restore",
    "attacks": "benchmark-attacks",
    "repairs": "compare-repairs",
    "repairs-report": "summarize-repairs",
}
OPTIONS = {
    "--push": "--pgd-epsilon",
    "--decoys": "--cross-samples",
    "--asleep": "--dormant-share",
    "--labels kept": "--labels clean-label",
    "--labels changed": "--labels dirty-label",
}
FIELDS = {
    "push": "pgd_epsilon",
    "decoys": "cross_samples",
    "decoyed": "cross_sampled",
    "asleep": "dormant_share",
    "accused": "flagged_class",
    "loudness": "perturbation_psnr",
}
COLUMNS = {**FIELDS, "accused": "flagged", "process": "transform"}
TABLES = {"screening": "detection", "processing": "robustness", "relapse": "reactivation"}
LABELS = {"changed": "dirty-label", "kept": "clean-label"}
TITLES = {
    "FTrojan that knows of pruning": "FTrojan, pruning-aware",
    "BadNets, each class as the next": "BadNets, all-to-all",
}


def command(text: str) -> str:
    """A command line with the names of today."""
    text = re.sub(r"(python -m engine )(\S+)", lambda m: m[1] + COMMANDS.get(m[2], m[2]), text)
    for old, new in OPTIONS.items():
        text = text.replace(old, new)
    return settings(text)


def settings(text: str) -> str:
    """The text of a repair with the names of today."""
    return re.sub(r"\btolerated=", "max_accuracy_drop=", text)


def card(path: Path) -> None:
    """Rename the fields of a card."""
    about = json.loads(path.read_text(encoding="utf-8"))
    about["commands"] = [command(line) for line in about["commands"]]
    about = {"poisoning" if key == "mode" else key: value for key, value in about.items()}
    about = with_suite(about)
    for name in ("poisoning", "repair"):
        about[name] = {FIELDS.get(key, key): value for key, value in about[name].items()}
    poisoning = about["poisoning"]
    if "labels" in poisoning:
        poisoning["labels"] = LABELS.get(poisoning["labels"], poisoning["labels"])
    if "settings" in about["repair"]:
        about["repair"]["settings"] = settings(about["repair"]["settings"])
    path.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def with_suite(about: dict[str, Any]) -> dict[str, Any]:
    """A card with the field `suite`, until now the meaning of a name such as attack-gtsrb-bpp."""
    if "suite" in about:
        return about
    prefix = f"attack-{about['dataset']}-"
    suite = about["name"].removeprefix(prefix) if about["name"].startswith(prefix) else ""
    changed = {}
    for key, value in about.items():
        changed[key] = value
        if key == "poisoning":
            changed["suite"] = suite
    return changed


def table(path: Path) -> None:
    """Rename columns and the texts in them; the cells' digits stay as they are."""
    text = path.read_text(encoding="utf-8")
    rows = list(csv.reader(text.splitlines()))
    header = [COLUMNS.get(name, name) for name in rows[0]]
    for row in rows[1:]:
        for place, name in enumerate(header):
            if name == "labels":
                row[place] = LABELS.get(row[place], row[place])
            elif name == "title":
                row[place] = TITLES.get(row[place], row[place])
            elif name in ("command", "method"):
                row[place] = command(row[place])
    if [header, *rows[1:]] != list(csv.reader(text.splitlines())):
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *rows[1:]])


def main() -> None:
    """Rename everything that is shipped."""
    for folder in sorted((PROJECT / "models").glob("*/")):
        card(folder / "card.json")
        for old, new in TABLES.items():
            if (folder / f"{old}.csv").exists():
                (folder / f"{old}.csv").rename(folder / f"{new}.csv")
    for path in sorted(
        [*(PROJECT / "models").rglob("*.csv"), *(PROJECT / "report").rglob("*.csv")]
    ):
        table(path)
    for path in sorted((PROJECT / "report").rglob("*.md")):
        path.write_text(command(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
