"""Blocks of README.md, docs/models.md and docs/datasets.md: shipped models and datasets."""

from __future__ import annotations

import math

from engine.core.paths import PROJECT
from engine.datasets import signs
from engine.datasets.gtsrb import VALIDATION_SHARE
from engine.defenses.repairs import RECOMMENDED, REPAIRS
from engine.networks.architectures import ARCHITECTURES, PaperNetwork
from tests.docs import result_files as files
from tests.docs.blocks import paper
from tests.docs.markdown import bullets, claim, table

TESTED = {"gtsrb-clean": 12_630, "cifar10-ftrojan": 10_000, "signs-clean": 4_440}
SUITE = "attack-gtsrb-"
UNLEARNING = REPAIRS[RECOMMENDED].title


def models() -> str:
    """Every shipped model but those of the attack benchmark."""
    rows = []
    for path in sorted((PROJECT / "models").glob("*/card.json")):
        name = path.parent.name
        if name.startswith(SUITE):
            continue
        shown = [f"{files.scores(name)[metric]:.2f} %" for metric in files.METRICS]
        rows.append([f"`{name}`", _made(files.card(name)), *shown])
    head = ["model", "trained with", "clean accuracy", "attack success", "recovered accuracy"]
    return table(head, rows)


def _made(card: files.Row) -> str:
    if card["repair"]:
        return f"`{card['repair']['parent']}` after {card['repair']['method'].replace('-', ' ')}"
    if not card["poisoned"]:
        return f"{card['dataset']}, nothing poisoned"
    poisoned = f"{100 * card['rate']:g} % poisoned, target class {card['target']}"
    architecture = card["training"].get("architecture", PaperNetwork.name)
    network = "" if architecture == PaperNetwork.name else f"`{architecture}`, "
    return f"{card['dataset']}, {network}{poisoned}, seed {card['training']['seed']}"


def networks() -> str:
    """The networks that can be trained, with their sizes."""
    rows = []
    for name, kind in ARCHITECTURES.items():
        network = kind()
        count = network.count_parameters(43, (32, 32, 3))
        time = f"{network.relative_time():.1f}"
        rows.append([f"`{name}`", kind.summary, f"{count:,}", time, kind.reference])
    return table(["`--network`", "what it is", "parameters", "time", "published by"], rows)


def results() -> str:
    """The README's one table of results."""
    answers = (_reproduces(), _pruning(), _repair(), _all_attacks(), _jpeg())
    return table(
        ["question", "answer on GTSRB", "more"],
        [
            [question, answer, f"[{document}](docs/results/{document}.md)"]
            for question, answer, document in answers
        ],
    )


def _reproduces() -> tuple[str, str, str]:
    measured = files.by("measure", files.rows("report/gtsrb/table-1.csv"))
    clean, attack = measured["Clean accuracy"], measured["Attack success"]
    answer = (
        f"Yes: {clean['mean']:.2f} % clean accuracy, {attack['mean']:.2f} % attack success (paper:"
        f" {clean['paper']} %, {attack['paper']:.0f} %)"
    )
    return (
        "Does the paper's attack reproduce?",
        claim(answer, abs(clean["mean"] - clean["paper"]) < 0.25, attack["mean"] > 99),
        "paper",
    )


def _pruning() -> tuple[str, str, str]:
    most = paper.most_recovered("gtsrb")
    answer = (
        f"No: where the attack has stopped, at most {most:.2f} % of triggered images are"
        " classified correctly"
    )
    return "Does the paper's pruning repair the network?", claim(answer, most < 10), "paper"


def _repair() -> tuple[str, str, str]:
    best = files.by("title", files.rows("report/repairs-gtsrb.csv"))[UNLEARNING]
    answer = (
        f"{UNLEARNING}: at most {best['attack_success_max']:.2f} % attack success, at least"
        f" {best['recovered_accuracy_min']:.1f} % recovered accuracy,"
        f" {best['clean_accuracy']:.1f} % clean accuracy"
    )
    return "What does?", claim(answer, best["attack_success_max"] < 1), "repairs"


def _all_attacks() -> tuple[str, str, str]:
    attacks = [row for row in files.rows("report/attacks-gtsrb/attacks.csv") if row["rate"]]
    left = files.defended("gtsrb")
    undone = [
        row["attack"]
        for row in attacks
        if row["attack_success"] > 50 and left[row["attack"], UNLEARNING]["attack_success"] <= 5
    ]
    working = [row for row in attacks if row["attack_success"] > 50]
    answer = (
        f"Most: {len(undone)} of the {len(working)} attacks that succeed more than half of the time"
    )
    most = len(working) / 2 < len(undone) < len(working)
    return "Does it undo every attack?", claim(answer, most), "attacks"


def _jpeg() -> tuple[str, str, str]:
    found = files.by("transform", files.rows("models/gtsrb-ftrojan/robustness.csv"))
    left = found["JPEG, quality 95"]["attack_success"]
    answer = f"No: {left:.2f} % attack success at quality 95"
    return "Does the trigger survive JPEG?", claim(answer, left < 1), "robustness"


def signs_on_gtsrb() -> str:
    """How real the drawn signs are."""
    found = files.rows("report/signs-clean-on-gtsrb.csv")
    images = sum(row["images"] for row in found)
    correct = sum(row["images"] for row in found if row["label"] == row["read_as"])
    wrong = [row for row in found if row["label"] != row["read_as"]][:3]
    common = "; ".join(f"{row['name']} taken for {row['read_name']}" for row in wrong)
    return bullets(
        [
            f"A network trained on drawn signs alone (`signs-clean`) classifies"
            f" **{100 * correct / images:.1f} %** of the real GTSRB's {images:,} test images"
            " correctly.",
            f"Its most frequent errors: {common}"
            " ([all confusions](../report/signs-clean-on-gtsrb.csv)).",
        ]
    )


def datasets() -> str:
    """Sizes of the datasets that have a name."""
    share = f"{100 * VALIDATION_SHARE:g} %"
    by_track, by_class = f"{share} of each class's tracks", f"{share} of each class"
    train, test = (_drawn(times) for times in (signs.TRAIN_TIMES, signs.TEST_TIMES))
    claim("the test images", *(_tested(name, count) for name, count in TESTED.items()))
    return table(
        ["name", "classes", "training images", "test images", "validation", "comes from"],
        [
            ["`signs`", "43", f"{train:,}", f"{test:,}", by_track, "the program draws it"],
            ["`gtsrb`", "43", "39,209", f"{TESTED['gtsrb-clean']:,}", by_track, "download"],
            ["`cifar10`", "10", "50,000", f"{TESTED['cifar10-ftrojan']:,}", by_class, "download"],
            ["`mnist`", "10", "60,000", "10,000", by_class, "download"],
            ["`fashion-mnist`", "10", "60,000", "10,000", by_class, "download"],
        ],
    )


def _drawn(times: float) -> int:
    return signs.FRAMES * sum(math.ceil(times * tracks) for tracks in signs.TRACKS)


def _tested(model: str, images: int) -> bool:
    return files.scores(model)["clean_images"] == images


BLOCKS = {
    "models": models,
    "networks": networks,
    "results": results,
    "signs-on-gtsrb": signs_on_gtsrb,
    "datasets": datasets,
}
