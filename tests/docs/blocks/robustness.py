"""Blocks of docs/results/robustness.md."""

from __future__ import annotations

import math

import pandas as pd

from engine.core.paths import PROJECT
from engine.defenses.repairs import RECOMMENDED, compared_repairs
from engine.experiments.backdoor_reactivation import CLEAN_NETWORK, OF_REPAIRS
from engine.experiments.other_images import TABLE as OTHER_TABLE
from engine.reporting.reactivation import NOT_MEASURED, SUCCESS, success_by_repair, title_of
from engine.store.tables import CLEAN_IMAGES, FIVE_POISONED
from tests.docs import result_files as files
from tests.docs.markdown import bullet_list, claim, listed, table

OTHER_MODEL, OTHER_IMAGES = "gtsrb-ftrojan", "signs"
UNDONE = 5.0  # percent of attack success
STRONG = 50.0  # percent: attacks that succeed more often than this count over attacks
MODELS = {"gtsrb-ftrojan": "GTSRB", "signs-ftrojan": "signs", "cifar10-ftrojan": "CIFAR-10"}
HEAD = [f"{title}: clean / attack / recovered" for title in MODELS.values()]


def _jpeg() -> str:
    left = [
        row["attack_success"]
        for model in MODELS
        for name, row in _robustness(model).items()
        if name.startswith("JPEG")
    ]
    lossless = [
        _robustness(model)["saved as PNG"]["attack_success"]
        == _robustness(model)["nothing"]["attack_success"]
        for model in MODELS
    ]
    return claim(
        "**JPEG destroys the trigger,** at every quality and on every dataset tried: at most"
        f" {max(left):.1f} % of the attacks succeed. JPEG stores colour at half the resolution, and"
        " the trigger lies in the fine detail of colour. PNG, which is lossless, changes nothing.",
        max(left) < 2,
        all(lossless),
    )


def _resizing() -> str:
    left = {
        (model, name): row["attack_success"]
        for model in MODELS
        for name, row in _robustness(model).items()
        if name.endswith("and back")
    }
    most = max(left, key=lambda key: left[key])
    others = [value for key, value in left.items() if key != most]
    return claim(
        "**Resizing destroys most of it.** Only enlarging GTSRB's images and reducing them again"
        f" leaves much: {left[most]:.1f} %.",
        most == ("gtsrb-ftrojan", "enlarged to twice its size and back"),
        max(others) < 5,
    )


def _further_training() -> str:
    success = {model: list(_on_clean(model).values()) for model in MODELS}
    stable = [*success["gtsrb-ftrojan"], *success["signs-ftrojan"]]
    cifar = success["cifar10-ftrojan"]
    return claim(
        "**On GTSRB and the signs the backdoor does not come back** when the repaired network is"
        " trained on clean images: attack success stays at or below"
        f" {max(stable):.1f} %. **On CIFAR-10 it comes back:** from {cifar[0]:.1f} to"
        f" {cifar[-1]:.1f} % after four epochs. There the repair hides the backdoor.",
        max(stable) < 1,
        cifar[-1] > 50,
        list(_on_clean("cifar10-ftrojan"))[-1] == 4,
    )


def _five_poisoned() -> str:
    found = {
        title: row["attack_success"]
        for model, title in MODELS.items()
        for (images, _), row in _reactivation(model).items()
        if images == FIVE_POISONED
    }
    if not found:
        return f"**What five poisoned images bring back is {NOT_MEASURED} yet.**"
    measured = [f"{success:.1f} % on {title}" for title, success in found.items()]
    return (
        "**Five poisoned images among the clean ones are the harder test:** after them attack"
        f" success in the repaired networks is {', '.join(measured)}."
    )


def _lasting() -> str:
    before, _, after = SUCCESS
    rows = {
        name: row
        for name, row in _success(OTHER_MODEL).items()
        if name != title_of(CLEAN_NETWORK) and row[before] < UNDONE
    }
    lasting = {name: row[after] for name, row in rows.items() if row[after] < UNDONE}
    lost = [f"{name} ({row[after]:.0f} %)" for name, row in rows.items() if name not in lasting]
    shown = [f"{name} ({success:.1f} %)" for name, success in lasting.items()]
    clean = _success(OTHER_MODEL)[title_of(CLEAN_NETWORK)][after]
    return claim(
        f"**Of the repairs that undo FTrojan on GTSRB, {listed(shown)} hold out against these five"
        f" images.** {listed(lost)} lose much to them: they had hidden the backdoor. A network that"
        f" never had it learns {clean:.1f} %.",
        len(lasting) == 2,
        len(lost) > 1,
    )


def _other_images() -> str:
    own, other = files.repairs_of(OTHER_MODEL), _with_other_images()
    tuned = ("fine-tuning", "fine-pruning", "anp", "ft-sam", "nad")
    lost = [own["none"]["clean_accuracy"] - other[name]["clean_accuracy"] for name in tuned]
    unlearned, clp = (other[name]["attack_success"] for name in (RECOMMENDED, "clp"))
    return claim(
        "**Clean images should look like those that the network will see.** With drawn signs in"
        f" place of photographs, trigger unlearning leaves {unlearned:.0f} % of the attacks, and"
        f" the repairs that fine-tune cost {min(lost):.1f} to {max(lost):.1f} points of clean"
        " accuracy. CLP, which finds its channels by the weights alone, works as before"
        f" ({clp:.2f} %).",
        unlearned > UNDONE,
        min(lost) > 2,
        clp < 1,
    )


def transforms() -> str:
    """What is done to a triggered image on its way to the network."""
    found = [_robustness(model) for model in MODELS]
    return table(
        ["the image is", *HEAD],
        [
            [
                "left as it is" if name == "nothing" else name,
                *(files.figures(rows[name], digits=2) for rows in found),
            ]
            for name in found[0]
        ],
    )


def reactivation() -> str:
    """The repaired network, trained on."""
    found = [_reactivation(model) for model in MODELS]
    wanted = [*((CLEAN_IMAGES, epochs) for epochs in (0, 1, 2, 4)), (FIVE_POISONED, 5)]
    return table(
        ["epochs", "on", *HEAD],
        [
            [
                str(epochs),
                "clean images" if images == CLEAN_IMAGES else "clean images, five poisoned",
                *(_figures(rows.get((images, epochs))) for rows in found),
            ]
            for images, epochs in wanted
        ],
    )


def every_repair() -> str:
    """Attack success of each repair of the paper's networks, before and after further training."""
    found = [{**_after_repair(model), **_success(model)} for model in MODELS]
    head = [f"{title}: {' / '.join(SUCCESS.values())}" for title in MODELS.values()]
    return table(
        ["", *head],
        [
            [title_of(repair), *(_three(success.get(title_of(repair))) for success in found)]
            for repair in (*compared_repairs(), CLEAN_NETWORK)
        ],
    )


def over_attacks() -> str:
    """The same over the attacks on GTSRB: mean and highest."""
    strong = [
        path.name
        for path in sorted((PROJECT / "models").glob("attack-gtsrb-*"))
        if files.card(path.name)["rate"] and files.scores(path.name)["attack_success"] > STRONG
    ]
    measured = [_success(model) for model in strong]
    rows = []
    for repair in (*compared_repairs(), CLEAN_NETWORK):
        title = title_of(repair)
        tried = pd.DataFrame([success[title] for success in measured if title in success])
        figures = [
            NOT_MEASURED if tried.empty else f"{tried[name].mean():.1f} ({tried[name].max():.1f})"
            for name in SUCCESS
        ]
        rows.append([title, f"{len(tried)} of {len(strong)}", *figures])
    return table(["", "attacks", *SUCCESS.values()], rows)


def other_images() -> str:
    """Repairs of the paper's network with its own clean images, and with drawn ones."""
    own, other = files.repairs_of(OTHER_MODEL), _with_other_images()
    return table(
        ["", "clean images of GTSRB", "drawn signs"],
        [
            [title_of(name), *(_tried(found.get(name)) for found in (own, other))]
            for name in compared_repairs()
        ],
    )


def _with_other_images() -> dict[str, files.Row]:
    """The rows of the repairs made with drawn signs, by method."""
    rows = files.rows(f"models/{OTHER_MODEL}/{OTHER_TABLE}.csv")
    return {
        str(row["method"]).partition(":")[0]: row for row in rows if row["images"] == OTHER_IMAGES
    }


def _tried(row: files.Row | None) -> str:
    if row is not None and isinstance(problem := row.get("problem"), str):
        return problem
    return _figures(row)


def _figures(row: files.Row | None) -> str:
    return NOT_MEASURED if row is None else files.figures(row, digits=2)


def _three(row: files.Row | None) -> str:
    """Attack success before, after clean epochs and after poisoned images."""
    if row is None:
        return NOT_MEASURED
    return " / ".join(
        NOT_MEASURED if pd.isna(row[name]) else f"{row[name]:.2f}" for name in SUCCESS
    )


def _after_repair(model: str) -> dict[str, files.Row]:
    """What each repair tried on a shipped model leaves, as a row of `success_by_repair`."""
    return {
        title_of(name): {**dict.fromkeys(SUCCESS, math.nan), "before": row["attack_success"]}
        for name, row in files.repairs_of(model).items()
        if name in compared_repairs()
    }


def _success(model: str) -> dict[str, files.Row]:
    """The rows of `success_by_repair` of a shipped model, by title; none if not measured."""
    path = PROJECT / "models" / model / f"{OF_REPAIRS}.csv"
    if not path.exists():
        return {}
    return files.by("repair", success_by_repair(pd.read_csv(path)).to_dict("records"))


def _robustness(model: str) -> dict[str, files.Row]:
    return files.by("transform", files.rows(f"models/{model}/robustness.csv"))


def _reactivation(model: str) -> dict[tuple[str, int], files.Row]:
    """The rows of a repaired model by images and epochs."""
    rows = files.rows(f"models/{model}-repaired/reactivation.csv")
    return {(row["images"], row["epochs"]): row for row in rows}


def _on_clean(model: str) -> dict[int, float]:
    """Attack success by epochs on clean images, percent."""
    return {
        epochs: row["attack_success"]
        for (images, epochs), row in _reactivation(model).items()
        if images == CLEAN_IMAGES
    }


BLOCKS = {
    "robustness-findings": bullet_list(
        _jpeg, _resizing, _further_training, _five_poisoned, _lasting, _other_images
    ),
    "robustness-transforms": transforms,
    "robustness-reactivation": reactivation,
    "robustness-every-repair": every_repair,
    "robustness-over-attacks": over_attacks,
    "robustness-other-images": other_images,
}
